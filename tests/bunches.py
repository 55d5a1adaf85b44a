#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Sorts source files into bunches that can be compiled as one, for tests/tidy.sh and the build:

    bunches.py SIZE FILE...

Prints one bunch a line, of at most SIZE files. Files of a bunch are of one directory, and no two of
them use a name of their own, in an unnamed namespace, for different things. It goes by how this
project is formatted and may err: then such a bunch doesn't compile.
"""
import pathlib
import re
import sys

# What stands at the beginning of a line there and is named: a function, a constant, a type.
NAMED = re.compile(r"^(?!namespace|return|template|//|#)(?:\[\[\w+\]\] )?"
                   r"[A-Za-z_][^;=({]*?(\w+)(?:\[\w*\])*(?:;| ?[=({])")


def own_names(path: pathlib.Path) -> set[str]:
    names, own = set(), False
    for line in path.read_text().splitlines():
        if line == "namespace {":
            own = True
        elif line == "}  // namespace":
            own = False
        elif own and (found := NAMED.match(line)):
            names.add(found[1])
        elif not own and (found := re.match(r"using (?:[\w:]*::)?(\w+)(?: =|;)", line)):
            names.add(found[1])
    return names


def main() -> None:
    size, bunches = int(sys.argv[1]), []
    for path in map(pathlib.Path, sys.argv[2:]):
        own = own_names(path)
        for bunch in bunches:
            if bunch["of"] == path.parent and len(bunch["files"]) < size \
                    and not own & bunch["own"]:
                break
        else:
            bunch = {"of": path.parent, "files": [], "own": set()}
            bunches.append(bunch)
        bunch["files"].append(str(path))
        bunch["own"] |= own
    for bunch in bunches:
        print(*bunch["files"])


if __name__ == "__main__":
    main()
