#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What a script imports is in the packages that its command installs first (packaging/dependencies):
who builds kongfleet has most of them anyway, and only a bare machine would miss one."""
import ast
import importlib.util
import pathlib
import subprocess
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parent
PROJECT = TESTS.parent


def imports(file: pathlib.Path) -> set[str]:
    """The top-level names, wherever in the file they are imported."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
    return {name.split(".", maxsplit=1)[0] for name in names}


def foreign_imports(script: pathlib.Path, *places: pathlib.Path) -> set[str]:
    """What the script, and each of our files it imports, takes from outside Python's own library."""
    foreign, seen, waiting = set(), set(), [script]
    while waiting:
        file = waiting.pop()
        seen.add(file)
        for name in imports(file) - sys.stdlib_module_names:
            ours = next((found for place in (script.parent, *places)
                         if (found := [*place.glob(f"{name}.py"), *place.glob(f"{name}/*.py")])), [])
            if not ours:
                foreign.add(name)
            waiting += [one for one in ours if one not in seen]
    return foreign


def package_of(module: str) -> str:
    spec = importlib.util.find_spec(module)
    assert spec and spec.origin, f"{module} is not here: packaging/dependencies build test"
    said = subprocess.run(["dpkg-query", "--search", spec.origin], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    return said.split(":", maxsplit=1)[0]


class Dependencies(unittest.TestCase):
    def is_installed(self, script: str, purposes: list[str], *places: str) -> set[str]:
        listed = subprocess.run([PROJECT / "packaging/dependencies", "--list", *purposes], check=True,
                                stdout=subprocess.PIPE, text=True).stdout.split()
        foreign = foreign_imports(PROJECT / script, *(TESTS / place for place in places))
        for module in foreign:
            self.assertIn(package_of(module), listed, f"{script} imports {module}")
        return foreign

    def test_of_the_demo(self):
        foreign = self.is_installed("packaging/demo.py", ["build", "demo"], "fleet", ".", "hosts")
        self.assertIn("jsonschema", foreign)

    def test_of_the_tests(self):
        for script in TESTS.rglob("*_test.py"):
            if "bench" not in script.parts:
                self.is_installed(script.relative_to(PROJECT).as_posix(), ["build", "test"],
                                  "fleet", ".", "hosts", "crash", "gateway", "power")

    def test_of_the_benchmark(self):
        self.is_installed("tests/bench/run", ["test", "bench"])


if __name__ == "__main__":
    unittest.main()
