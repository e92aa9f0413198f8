"""The figures of one run as a table, with the aims of the ledger beside them."""

import collections
import sys

rows = [line.rstrip("\n").split("\t") for path in sys.argv[1:] for line in open(path, encoding="utf-8")]
appends = {(name, int(writers)): (float(rate), float(p50), float(p99))
           for kind, name, writers, rate, p50, p99 in (row for row in rows if row[0] == "append")}

print("| durable appends, 512 bytes | writers | entries/s | p50 ms | p99 ms |\n|---|---|---|---|---|")
for (name, writers), (rate, p50, p99) in appends.items():
    print(f"| {name} | {writers} | {rate:,.0f} | {p50:.2f} | {p99:.2f} |")

verified = collections.defaultdict(list)
for row in rows:
    if row[0] == "verify":
        verified[row[1]].append(int(row[2]) / float(row[3]))
speed = {name: max(rates) for name, rates in verified.items()}
ratio = speed["keyturn"] / speed["SHA-256 alone"]

print("\n| aim | measured | |\n|---|---|---|")


def aim(what, text, met):
    print(f"| {what} | {text} | {'met' if met else 'missed'} |")


many, few = appends["keyturn", 512], appends["keyturn", 64]
aim("≥ 40,000 durable entries/s at 512 writers", f"{many[0]:,.0f}", many[0] >= 40_000)
aim("p99 ≤ 10 ms at 64 writers", f"{few[2]:.1f} ms", few[2] <= 10)
for writers in (1, 8, 64, 512):
    if ("tessera", writers) in appends:
        times = appends["keyturn", writers][0] / appends["tessera", writers][0]
        aim(f"≥ 4 × Tessera at {writers} writers", f"{times:.1f} ×", times >= 4)
aim("verify ≥ 0.8 × SHA-256 alone", f"{ratio:.2f} × ({speed['keyturn']:,.0f} of "
    f"{speed['SHA-256 alone']:,.0f} entries/s)", ratio >= 0.8)
for _, entries, p50, p99, most in (row for row in rows if row[0] == "receipt"):
    aim(f"a receipt of {int(entries):,} entries in ≤ 5 ms",
        f"p50 {float(p50):.2f}, p99 {float(p99):.2f}, most {float(most):.2f} ms", float(most) <= 5)
memory = [(int(entries), float(mebibytes)) for _, entries, mebibytes in (row for row in rows if row[0] == "memory")]
aim("memory flat in the log's length", ", ".join(f"{size:,}: {mebibytes:.0f} MiB" for size, mebibytes in memory),
    memory[-1][1] <= memory[-3][1] * 1.1 + 2)
