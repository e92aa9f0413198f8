#!/usr/bin/env python3
"""Every rule of tidy.py finds the fault it is for, and leaves good code alone."""

import tempfile
import unittest
from pathlib import Path

import tidy

GOOD_LISTS = "room(good HEADERS good.h SOURCES good.cc TESTS good_test.cc)\n"
GOOD_HEADER = "// What it is.\n#pragma once\n\nint good();\n"


folder = tempfile.TemporaryDirectory()


class Tree:
    """A room `good` in a temporary folder, and what tidy says of it."""

    def __init__(self):
        self.root = Path(tempfile.mkdtemp(dir=folder.name))
        self.write("src/good/CMakeLists.txt", GOOD_LISTS)
        self.write("src/good/README.md", "# good\n")
        self.write("src/good/good.h", GOOD_HEADER)
        self.write("src/good/good.cc", '#include "good/good.h"\n\nint good() { return 1; }\n')

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def faults(self):
        found = []
        tidy.check_tree(self.root, lambda path, line, what: found.append(what))
        return found


class TidyTest(unittest.TestCase):
    def fault_in(self, source):
        tree = Tree()
        tree.write("src/good/good.cc", source)
        return tree.faults()

    def test_a_good_room_has_no_fault(self):
        self.assertEqual(Tree().faults(), [])

    def test_banned_calls_are_found(self):
        for line in ("auto t = std::chrono::system_clock::now();", "std::this_thread::sleep_for(1s);",
                     "int r = rand();", "getenv(\"HOME\");", "std::cout << 1;", "auto* p = new Thing();",
                     "delete thing;", "catch (...) {}", "#include <boost/beast/core.hpp>",
                     "#include <openssl/evp.h>", "static int counter = 0;", "// TODO later",
                     "co_await f({1, 2});", "auto [a, b] = co_await f();",
                     "co_await f([x]() { return x; });", "a ? co_await f() : b;"):
            self.assertEqual(len(self.fault_in(line + "\n")), 1, line)

    def test_what_only_looks_banned_is_left_alone(self):
        for line in ("// the operand is not new here", 'const char* t = "rand(";', "static const int k = 1;",
                     "operand(1);", "Thing(const Thing&) = delete;", "static int helper(int a);",
                     "co_await f(items[0]);", "static constexpr int kMax = 3;", "renew(1);"):
            self.assertEqual(self.fault_in(line + "\n"), [], line)

    def test_long_things_are_found(self):
        body = "\n".join("  x();" for _ in range(80))
        self.assertEqual(len(self.fault_in("namespace a {\nvoid f() {\n" + body + "\n}\n}\n")), 1)
        self.assertEqual(self.fault_in("namespace a {\n" + body + "\n}\n"), [])
        self.assertEqual(len(self.fault_in("x" * 101 + "\n")), 1)
        self.assertEqual(len(self.fault_in("int a;\n" * 501)), 1)

    def test_undeclared_needs_and_private_headers_are_found(self):
        tree = Tree()
        tree.write("src/other/CMakeLists.txt", "room(other HEADERS other.h SOURCES other.cc)\n")
        tree.write("src/other/README.md", "# other\n")
        tree.write("src/other/other.h", GOOD_HEADER)
        tree.write("src/other/other.cc", '#include "other/private.h"\n')
        tree.write("src/other/private.h", GOOD_HEADER)
        tree.write("src/good/good.cc", '#include "other/other.h"\n')
        self.assertIn("does not need `other`", tree.faults()[0])
        tree.write("src/good/CMakeLists.txt", "room(good NEEDS other HEADERS good.h SOURCES good.cc)\n")
        self.assertEqual(tree.faults(), [])
        tree.write("src/good/good.cc", '#include "other/private.h"\n')
        self.assertIn("not a public header", tree.faults()[0])

    def test_only_tests_share_the_test_headers_of_other_rooms(self):
        tree = Tree()
        tree.write("src/other/CMakeLists.txt", "room(other HEADERS other.h SOURCES other.cc)\n")
        tree.write("src/other/README.md", "# other\n")
        tree.write("src/other/other.h", GOOD_HEADER)
        tree.write("src/other/other.cc", '#include "other/server_test.h"\n')
        tree.write("src/other/server_test.h", GOOD_HEADER)
        tree.write("src/good/CMakeLists.txt", "room(good NEEDS other HEADERS good.h SOURCES good.cc "
                   "TESTS good_test.cc)\n")
        tree.write("src/good/good_test.cc", '#include "other/server_test.h"\n')
        self.assertEqual(tree.faults(), [])
        tree.write("src/good/good.cc", '#include "other/server_test.h"\n')
        self.assertIn("not a public header", tree.faults()[0])

    def test_cycles_dead_files_and_missing_readmes_are_found(self):
        tree = Tree()
        tree.write("src/good/CMakeLists.txt", "room(good NEEDS good HEADERS good.h SOURCES good.cc)\n")
        self.assertIn("needs itself", tree.faults()[0])
        tree = Tree()
        tree.write("src/good/dead.cc", "int dead;\n")
        tree.write("src/good/dead.h", GOOD_HEADER)
        self.assertEqual(len(tree.faults()), 2)
        (tree.root / "src/good/README.md").unlink()
        self.assertIn("without README", tree.faults()[0])


if __name__ == "__main__":
    with folder:
        unittest.main(exit=True)
