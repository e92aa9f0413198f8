"""Joins the rows of bench_cedar with those of the other implementations into Markdown tables.

    compare.py OURS.jsonl NAME=THEIRS.jsonl…

Exit 1 when any implementation decided otherwise than the engine."""
import json
import sys

AIMS = {"rust": 10, "cedar-go": 5}  # how many times faster the engine shall be at N = 50


def read(path):
    with open(path, encoding="utf-8") as lines:
        return {row["name"]: row for row in map(json.loads, lines)}


def number(value):
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def theirs_columns(ours, row):
    if row is None:
        return "– | – | –"
    return f"{number(row['p50'])} | {number(row['p99'])} | {number(row['p50'] / ours['p50'])} ×"


def decisions_table(ours, others, kind):
    columns = " | ".join(f"{name} p50 | p99 | ratio" for name in others)
    print(f"\n| {kind} | policies | allowed | p50 µs | p99 µs | {columns} |")
    print("|---" * (5 + 3 * len(others)) + "|")
    for name, row in ours.items():
        if row["kind"] != kind:
            continue
        rest = " | ".join(theirs_columns(row, rows.get(name)) for rows in others.values())
        print(f"| {name} | {row['policies']:,} | {100 * row['allowed']:.0f} % | "
              f"{row['p50']:.2f} | {row['p99']:.2f} | {rest} |")


def loading_table(ours, others):
    print("\n| loading | implementation | load s | peak MiB added | strict validation s |\n|---|---|---|---|---|")
    for name, row in ours.items():
        if row["kind"] != "scale" or row["policies"] < 1000:
            continue
        for who, rows in {"keyturn": ours, **others}.items():
            if name not in rows:
                continue
            cells = [rows[name].get(key) for key in ("load_s", "peak_mib", "validate_s")]
            shown = " | ".join("–" if cell is None else f"{cell:,.3f}" for cell in cells)
            print(f"| {row['policies']:,} | {who} | {shown} |")


def corpus_table(ours, others):
    if "corpus" not in ours:
        return
    base = ours["corpus"]
    print("\n| corpus | requests | read s | decide s | read and decide | schemas and strict validation s |\n"
          "|---|---|---|---|---|---|")
    for who, rows in {"keyturn": ours, **others}.items():
        if "corpus" not in rows:
            continue
        row = rows["corpus"]
        ratio = (row["read_s"] + row["decide_s"]) / (base["read_s"] + base["decide_s"])
        validation = f"{row['validate_s']:.2f}" if "validate_s" in row else "–"
        print(f"| {who} | {row['requests']:,} | {row['read_s']:.3f} | {row['decide_s']:.3f} | "
              f"{number(ratio)} × | {validation} |")


def disagreements(others):
    """Of the corpus only a note: an implementation may be behind it. A workload must agree."""
    bad = 0
    for who, rows in others.items():
        for name, row in rows.items():
            if not row["disagree"] and not row.get("refused"):
                continue
            print(f"{who} disagrees on {name}: {row['disagree']} decisions, {row.get('refused', 0)} files refused")
            bad += row["disagree"] if row["kind"] != "corpus" else 0
    return bad


def aims(ours, others):
    print("\n| aim | measured | |\n|---|---|---|")

    def line(aim, value, met):
        print(f"| {aim} | {value} | {'met' if met else 'missed'} |")

    # The applications with their policies as written, and with a template link for each grant; of both
    # the largest size. What is slowest counts.
    kinds = {"applications": ("github-50", "gdrive-50", "tinytodo-50"),
             "with template links": ("github-templates-50", "gdrive-templates-50")}
    for kind, wanted in kinds.items():
        names = [name for name in wanted if name in ours]
        if len(names) < len(wanted):
            line(f"{kind} at N = 50", "not measured", False)
            continue
        p50, p99 = max(ours[n]["p50"] for n in names), max(ours[n]["p99"] for n in names)
        line(f"{kind} at N = 50: p50 ≤ 0.5 µs", f"{p50:.2f} µs", p50 <= 0.5)
        line(f"{kind} at N = 50: p99 ≤ 2 µs", f"{p99:.2f} µs", p99 <= 2)
        for who, rows in others.items():
            worst = min(rows[n]["p50"] / ours[n]["p50"] for n in names)
            line(f"{kind} at N = 50: ≥ {AIMS[who]} × {who}", f"{worst:.1f} × at least", worst >= AIMS[who])
    large = ours["scale-100000"]
    line("100,000 policies: ≤ 5 µs", f"p50 {large['p50']:.2f}, p99 {large['p99']:.2f} µs", large["p99"] <= 5)
    line("100,000 policies: load ≤ 2 s", f"{large['load_s']:.2f} s", large["load_s"] <= 2)
    line("100,000 policies: ≤ 250 MiB", f"{large['peak_mib']:.0f} MiB", large["peak_mib"] <= 250)
    if "corpus" in ours and "cedar-go" in others:
        go = others["cedar-go"]["corpus"]
        total = (go["read_s"] + go["decide_s"]) / (ours["corpus"]["read_s"] + ours["corpus"]["decide_s"])
        line("corpus: ≥ 10 × cedar-go, read and decide", f"{total:.1f} ×", total >= 10)


def main():
    ours = read(sys.argv[1])
    others = {name: read(path) for name, path in (given.split("=", 1) for given in sys.argv[2:])}
    decisions_table(ours, others, "application")
    decisions_table(ours, others, "scale")
    loading_table(ours, others)
    corpus_table(ours, others)
    aims(ours, others)
    return 1 if disagreements(others) else 0


if __name__ == "__main__":
    sys.exit(main())
