#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Holds tests/hostile/threats.txt to the tree: every threat from T1 to T30 is in it, every test it names
exists and is built or run, and what has no test says so. Prints what is wrong; exit 1 if anything is."""
import os
import pathlib
import re
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("KONGFLEET_BUILD", TESTS.parent / "build"))
LINE = re.compile(r"(T\d+) ([^|]+) \| (hostile|open: .+|[\w./-]+: .+)")
THREATS = [f"T{number}" for number in range(1, 31)]


def hostile_threats() -> set[str]:
    """The threats that cases of hostile-inputs belong to."""
    listed = subprocess.run([BUILD / "tests/hostile/hostile-inputs", "--list"], check=True,
                            stdout=subprocess.PIPE, text=True, errors="replace").stdout
    return set(re.findall(r"^(T\d+) ", listed, re.MULTILINE))


def joined(text: str) -> str:
    """The text with C++'s pieces of one literal put together, as clang-format parts them."""
    return re.sub(r'"\s*\n\s*"', "", text)


def has_test(file: pathlib.Path, text: str) -> bool:
    """Whether the file has it as threats.txt says."""
    content, name = joined(file.read_text()), re.escape(text)
    if "TEST_CASE(" in content:
        way = rf'TEST_CASE\(\s*"{name}'
    elif "import unittest" in content:
        way = rf" def {name}\("
    elif text.startswith("{"):  # an element of a table
        way = name
    else:
        way = rf'"[^"\n]*{name}|^int {name}\('
    return re.search(way, content, re.MULTILINE) is not None


def is_used(file: pathlib.Path, lists: str) -> bool:
    """Whether some CMakeLists.txt takes it, by its name or by a pattern."""
    patterns = re.findall(r"[\w${}/*.-]*\*[\w.]*", lists)
    by_pattern = any(file.match(pattern.rsplit("/", 1)[-1]) for pattern in patterns)
    return by_pattern or re.search(rf"\b{re.escape(file.stem)}\b", lists) is not None


def what_is_wrong(shown: str, by_hostile: set[str], threat: str, lists: str) -> str:
    if shown == "hostile":
        return "" if threat in by_hostile else "hostile-inputs has no case of it"
    if shown.startswith("open: "):
        return ""
    name, text = shown.split(": ", 1)
    file = TESTS / name
    if not file.is_file():
        return f"there is no tests/{name}"
    if not has_test(file, text):
        return f"tests/{name} has no test '{text}'"
    return "" if is_used(file, lists) else f"nothing builds or runs tests/{name}"


def main() -> int:
    wrong, seen = [], set()
    by_hostile = hostile_threats()
    lists = "\n".join(path.read_text() for path in TESTS.rglob("CMakeLists.txt"))
    for number, line in enumerate((TESTS / "hostile/threats.txt").read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        found = LINE.fullmatch(line)
        problem = "it is not 'THREAT WORDS | SHOWN'" if not found else \
            what_is_wrong(found[3], by_hostile, found[1], lists)
        if problem:
            wrong.append(f"threats.txt:{number}: {problem}")
        if found:
            seen.add(found[1])
    wrong += [f"threats.txt: nothing is said of {threat}" for threat in THREATS if threat not in seen]
    wrong += [f"threats.txt: there is no threat {threat}" for threat in sorted(seen - set(THREATS))]
    print("\n".join(wrong) or f"{len(seen)} threats, as threats.txt says")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
