# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What readelf says of a program, and what in it helps an attacker."""
import hashlib
import pathlib
import re
import subprocess

# As gcc writes them into the debug information of each unit it compiles.
CODE_FLAGS = ("-fstack-protector-strong", "-fstack-clash-protection", "-fcf-protection=full",
              "-ftrivial-auto-var-init=zero")


# Macros leave no trace there.
DEFINED = {"_FORTIFY_SOURCE": "3", "_GLIBCXX_ASSERTIONS": "1"}


def readelf(*arguments) -> str:
    return subprocess.run(["readelf", "-W", *map(str, arguments)], check=True, text=True,
                          errors="replace", capture_output=True).stdout


def needed(program) -> list[str]:
    """The names of the shared libraries that it loads."""
    return re.findall(r"\(NEEDED\).*\[(.+)\]", readelf("-d", program))


def symbols(file) -> set[str]:
    """The names in its symbol tables, without versions; of an archive, those of all its members."""
    return {re.sub("@.*", "", line.split()[7]) for line in readelf("-s", file).splitlines()
            if re.match(r" *\d+: ", line) and len(line.split()) > 7}


def layout_weaknesses(program) -> list[str]:
    """How the linker left it."""
    found = []
    header, segments, dynamic = readelf("-h", program), readelf("-l", program), readelf("-d", program)
    if not re.search(r"Type: +DYN", header):
        found.append("not position independent")
    if "GNU_RELRO" not in segments:
        found.append("no RELRO")
    if not re.search(r"BIND_NOW|Flags:.*\bNOW\b", dynamic):
        found.append("binds lazily")
    stack = re.search(r"GNU_STACK.* (R?W?E?) +0x", segments)
    if not stack or "E" in stack[1]:
        found.append("executable stack")
    if re.search(r"\bLOAD\b.* RWE ", segments):
        found.append("memory to write and execute")
    if re.search(r"\((RPATH|RUNPATH)\)", dynamic):
        found.append("names directories of libraries")
    if "TEXTREL" in dynamic:
        found.append("relocations in its code")
    return found


def call_weaknesses(file) -> list[str]:
    """What the compiler was to call, and does not; of a program, or of an archive before linking."""
    names = symbols(file)
    found = []
    if "__stack_chk_fail" not in names:
        found.append("no stack protector")
    if not any(re.fullmatch(r"__(?!stack).+_chk", name) for name in names):
        found.append("nothing fortified")
    if not any("__glibcxx_assert_fail" in name for name in names):
        found.append("the standard library checks nothing")
    return found


def members(archive) -> list[str]:
    return subprocess.run(["ar", "t", archive], check=True, text=True, capture_output=True).stdout.split()


def unmarked_objects(archive) -> list[str]:
    """The members that are not marked as fit for CET, both halves of it."""
    notes = re.split(r"^File: ", readelf("-n", archive), flags=re.MULTILINE)[1:]
    return [text.splitlines()[0] for text in notes
            if not re.search(r"x86 feature:.*IBT.*SHSTK", text)]


def compiled_units(program) -> list[tuple[str, str, str]]:
    """Name, directory and flags of each compiled unit in its debug information."""
    text = readelf("--debug-dump=info", "--dwarf-depth=1", program)
    units = []
    for unit in text.split("DW_TAG_compile_unit")[1:]:
        def attribute(name, unit=unit):
            value = re.search(rf"DW_AT_{name} *:(?: \(.*\):)? (.*)", unit)
            return value[1].strip() if value else ""
        units.append((attribute("name"), attribute("comp_dir"), attribute("producer")))
    return units


def defined(words: list[str]) -> dict[str, str]:
    """The macros that a compiler has at the end of its arguments."""
    macros = {}
    for word in words:
        name, _, value = word[2:].partition("=")
        if word.startswith("-D"):
            macros[name] = value or "1"
        elif word.startswith("-U"):
            macros.pop(name, None)
    return macros


def undefended(words: list[str]) -> list[str]:
    """What should be defined for a unit that is shipped, and is not."""
    macros = defined(words)
    return [name for name, value in DEFINED.items() if macros.get(name) != value]


def sha256(file) -> dict:
    """As an SPDX document has it."""
    return {"algorithm": "SHA256", "checksumValue": hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest()}


def strip(program, to: pathlib.Path) -> pathlib.Path:
    subprocess.run(["strip", "-o", str(to), str(program)], check=True)
    return to
