#!/usr/bin/env python3
"""Reads the tree and reports what breaks the house rules. Prints one line per fault: file:line: rule.

The rules and their reasons stand in ARCHITECTURE.md; tidy_test.py shows each rule a fault it must find.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

LINE_LENGTH_MAX = 100
FILE_LINES_MAX = 500
PUBLIC_HEADER_LINES_MAX = 200
FUNCTION_LINES_MAX = 70
README_LINES_MAX = 40

# pattern, rooms where it may stand, what to use instead
BANNED = [
    (r"\bsystem_clock::now\b|\bsteady_clock::now\b|\bclock_gettime\b|\bgettimeofday\b|\btime\(nullptr\)",
     {"base"}, "take a Clock"),
    (r"\bsleep_for\b|\bsleep_until\b|\busleep\(|\bnanosleep\(", set(), "wait on an event with a deadline"),
    (r"(?<![\w:.])s?rand\(|\brandom_device\b", set(), "take a Random"),
    (r"\bgetenv\(", {"app", "cli"}, "take the environment as a parameter"),
    (r"\bstd::cout\b|\bstd::cerr\b", set(), "return text, or write to the Log"),
    (r"(?<![\w])new\s+[A-Za-z_:(]|\bdelete\s+[A-Za-z_]|\bdelete\[\]|\bmalloc\(|(?<![\w.:>])free\(",
     set(), "make_unique, or a container"),
    (r"\bcatch\s*\(\s*\.\.\.\s*\)", set(), "catch what is expected, by type"),
    (r"#\s*include\s*<boost/beast", {"http"}, "Beast is the http room's business"),
    (r"#\s*include\s*<openssl/", {"crypto", "http"}, "use the crypto room"),
    (r"#\s*include\s*<sqlite3\.h>|#\s*include\s*<libpq", {"store", "faulty"}, "use the store room"),
    (r"#\s*include\s*<CLI/", {"cli"}, "command lines are the cli room's business"),
    (r"#\s*include\s*<toml", {"app"}, "configuration is the app room's business"),
    (r"\bstatic\s+(?!const\b|constexpr\b|inline\b|thread_local const\b|_)[\w:<>,\s*&]+\s+\w+\s*(=|;|\{)(?!.*\()",
     set(), "no mutable statics: give the state an owner"),
    (r"\b(TODO|FIXME|XXX)\b", set(), "open an issue instead"),
    (r"\bco_await\s+[\w:.\->]+\(\s*\{", set(), "name the braced temporary first (GCC 12.2)"),
    (r"\bco_await\s+[\w:.\->]+\([^;]*\[[^\]\d]*\]\s*(\(|\{|mutable)", set(),
     "name the closure first (GCC 12.2)"),
    (r"\?\s*co_await\b|\bco_await\b[^;?]*[^:]:\s*co_await\b", set(),
     "an if: the conditional operator destroys the result twice (GCC 12.2)"),
    (r"\bauto\s*&{0,2}\s*\[[^\]]+\]\s*=\s*co_await", set(), "name the result first, then take it apart"),
]
# Lines that may break a rule because they are how the rule is kept.
EXCUSE = "tidy: "

WHOLE_TREE_BANNED = [
    (re.compile(r"/(?:work|farm|root)/[a-z]"), "machine path"),
    (re.compile(r"//[a-z.]*(?:npm|pypi|crates|golang|debian)[a-z]*\.(?:org|io|com)"), "registry host"),
]


class Room:
    def __init__(self, name, text):
        words = re.sub(r"#.*", "", text)
        match = re.search(r"\broom\(\s*(\w+)(.*?)\)", words, re.S)
        self.name = name
        self.needs, self.headers, self.sources = [], [], []
        if not match:
            return
        key = None
        for word in match.group(2).split():
            if word in ("NEEDS", "HEADERS", "SOURCES", "TESTS", "TEST_SUPPORT", "LIBRARIES", "ASYNC"):
                key = word
            elif key == "NEEDS":
                self.needs.append(word)
            elif key == "HEADERS":
                self.headers.append(word)
        self.text = text


def without_comments_and_strings(text):
    """Blanks out comments, strings and characters, keeping every line's number and length."""
    pattern = re.compile(
        r'R"(?P<tag>[^(\s]*)\((?:.|\n)*?\)(?P=tag)"|//[^\n]*|/\*(?:.|\n)*?\*/'
        r'|"(?:\\.|[^"\\\n])*"|(?<![\w])\'(?:\\.|[^\'\\\n])+\'')
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


def long_functions(code):
    """Yields (first line, length) of each function body longer than the limit."""
    stack = []
    line = 1
    last_stop = 0
    for position, character in enumerate(code):
        if character == "\n":
            line += 1
        elif character == ";" and not (stack and stack[-1][0] == "function"):
            last_stop = position
        elif character == "{":
            head = code[last_stop:position]
            transparent = re.search(r"\b(namespace|class|struct|union|enum|extern)\b[^()]*$", head)
            inside = any(kind == "function" for kind, _ in stack)
            is_function = not inside and not transparent and ")" in head
            stack.append(("function" if is_function else "other", line))
            last_stop = position
        elif character == "}" and stack:
            kind, first = stack.pop()
            last_stop = position
            if kind == "function" and line - first + 1 > FUNCTION_LINES_MAX:
                yield first, line - first + 1


def check_source(path, room, rooms, is_test, report):
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    if len(lines) - 1 > FILE_LINES_MAX:
        report(path, 1, f"{len(lines) - 1} lines, more than {FILE_LINES_MAX}: split the file")
    if room and path.name in rooms[room].headers and len(lines) - 1 > PUBLIC_HEADER_LINES_MAX:
        report(path, 1, f"public header of {len(lines) - 1} lines, more than {PUBLIC_HEADER_LINES_MAX}")
    if path.suffix == ".h" and "#pragma once" not in text:
        report(path, 1, "a header without `#pragma once`")
    code = without_comments_and_strings(text)
    code_lines = code.split("\n")
    for number, (line, stripped) in enumerate(zip(lines, code_lines), 1):
        if len(line) > LINE_LENGTH_MAX:
            report(path, number, f"{len(line)} columns, more than {LINE_LENGTH_MAX}")
        if EXCUSE in line:
            continue
        for pattern, allowed, instead in BANNED:
            subject = line if "include" in pattern or "TODO" in pattern else stripped
            if room not in allowed and not (is_test and "sleep" not in pattern and "rand" not in pattern
                                            and "include" not in pattern and "co_await" not in pattern):
                match = re.search(pattern, subject)
                if match:
                    report(path, number, f"`{match.group(0).strip()}` here: {instead}")
        include = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if include and room:
            check_include(path, number, include.group(1), room, rooms, is_test, report)
    if not is_test:
        for first, length in long_functions(code):
            report(path, first, f"a function of {length} lines, more than {FUNCTION_LINES_MAX}")


def check_include(path, number, target, room, rooms, is_test, report):
    other, _, header = target.partition("/")
    if other not in rooms:
        return
    if other != room and other not in rooms[room].needs and not is_test:
        report(path, number, f"includes `{target}`, but the room `{room}` does not need `{other}`")
    elif other != room and header not in rooms[other].headers and not (is_test and header.endswith("_test.h")):
        report(path, number, f"includes `{target}`, which is not a public header of `{other}`")


def check_cycles(rooms, report):
    state = {}

    def visit(name, trail):
        if state.get(name) == "done" or name not in rooms:
            return
        if name in trail:
            report(Path("src") / name, 1, "needs itself through " + " -> ".join(trail + [name]))
            return
        for need in rooms[name].needs:
            visit(need, trail + [name])
        state[name] = "done"

    for name in rooms:
        visit(name, [])


def check_room(folder, room, rooms, report):
    readme = folder / "README.md"
    if not readme.exists():
        report(folder, 1, "a room without README.md")
    elif len(readme.read_text(encoding="utf-8").split("\n")) - 1 > README_LINES_MAX:
        report(readme, 1, f"longer than {README_LINES_MAX} lines")
    included = set()
    for path in list(folder.glob("*.cc")) + list(folder.glob("*.h")):
        included.update(re.findall(r'#\s*include\s+"([^"]+)"', path.read_text(encoding="utf-8")))
    for path in sorted(folder.glob("*.cc")):
        if path.name not in room.text and path.name != "test_main.cc":
            report(path, 1, "a source that no CMakeLists.txt builds")
    for path in sorted(folder.glob("*.h")):
        if path.name not in room.headers and f"{folder.name}/{path.name}" not in included:
            report(path, 1, "a header that nothing includes")


def check_tree(root, report):
    rooms = {}
    for folder in sorted((root / "src").iterdir()):
        lists = folder / "CMakeLists.txt"
        if lists.exists():
            rooms[folder.name] = Room(folder.name, lists.read_text(encoding="utf-8"))
    check_cycles(rooms, report)
    for name, room in rooms.items():
        folder = root / "src" / name
        check_room(folder, room, rooms, report)
        for path in sorted(folder.glob("*.cc")) + sorted(folder.glob("*.h")):
            is_test = path.name.endswith("_test.cc") or "test" in path.stem
            check_source(path, name, rooms, is_test, report)
    for folder in ("bench", "fuzz"):
        for path in sorted((root / folder).rglob("*.cc")) if (root / folder).exists() else []:
            check_source(path, None, rooms, True, report)
    listed = subprocess.run(["git", "-C", str(root), "ls-files"], capture_output=True, text=True).stdout
    for name in listed.split("\n"):
        path = root / name
        if path.suffix not in (".h", ".cc", ".md", ".py", ".sh", ".cmake", ".txt", ".json", ".ts", ".js", ".toml"):
            continue
        if not path.is_file() or "testdata" in name or path.stat().st_size > 1 << 20 or "tidy" in name:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
            for pattern, what in WHOLE_TREE_BANNED:
                if pattern.search(line):
                    report(path, number, f"{what} in the repository")
    return rooms


def symbols(archive, undefined):
    kind = "--undefined-only" if undefined else "--defined-only"
    out = subprocess.run(["nm", "--extern-only", "--format=posix", kind, archive],
                         capture_output=True, text=True).stdout
    names = set()
    for line in out.split("\n"):
        fields = line.split()
        # Weak ones (V, W, u), as inline functions and many vtables are, count as defined by each room
        # that brings a copy; only U must come from elsewhere.
        wanted = ("U",) if undefined else ("T", "D", "B", "R", "V", "W", "u")
        if len(fields) > 1 and "keyturn" in fields[0] and fields[1] in wanted:
            names.add(fields[0])
    return names


def check_links(rooms_file, report):
    """Each archive's undefined symbols must come from the rooms it declares to need, alone."""
    rooms = json.loads(Path(rooms_file).read_text(encoding="utf-8"))
    defined = {name: symbols(room["archive"], False) for name, room in rooms.items()}
    for name, room in rooms.items():
        if not Path(room["archive"]).exists():
            report(Path("src") / name, 1, f"the archive {room['archive']} is missing: build first")
            continue
        for symbol in sorted(symbols(room["archive"], True)):
            owners = [other for other, names in defined.items() if symbol in names]
            if not owners:
                report(Path("src") / name, 1, f"uses `{symbol}`, which no room defines")
            elif name not in owners and not set(owners) & set(room["needs"]):
                report(Path("src") / name, 1, f"uses `{symbol}` of `{owners[0]}`, which it does not need")


def main(arguments):
    root = Path(arguments[0]) if arguments else Path(".")
    faults = []

    def report(path, line, what):
        shown = path.relative_to(root) if path.is_absolute() or root in path.parents else path
        faults.append(f"{shown}:{line}: {what}")

    check_tree(root, report)
    if len(arguments) > 1:
        check_links(arguments[1], report)
    for fault in faults:
        print(fault)
    print(f"tidy: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
