# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The operator's handbook as tests read it: below each heading its blocks, and in them what a person types.

Who types a block asks for it here, by its heading; so one that is new, or changed, is typed as it stands, or fails."""
import pathlib
import re

PAGES = pathlib.Path(__file__).resolve().parents[1] / "packaging/man"

# Which test types what stands below a heading; of those that several have, who has a line that begins so.
TYPED_BY = {
    "FIRST ADOPTION OF A FLEET THAT WAS MANAGED BY ANSIBLE": "tests/fleet/handbook_test.py",
    "CHECKING HOSTS": "tests/fleet/handbook_test.py",
    "A SMOKE TEST": "tests/fleet/smoke_test.py",
    "CRON AND TIMER": "tests/fleet/handbook_test.py",
    "SIGNING IN CI": "tests/fleet/handbook_test.py",
    "A STRANDED HOST": "tests/fleet/handbook_test.py",
    "A LOST CONTROLLER": "tests/fleet/handbook_test.py",
    "RESTORING THE STATE FILE": "tests/fleet/handbook_test.py",
    "MOVING TO A NEW CONTROLLER": "tests/fleet/handbook_test.py",
    "UPGRADES": "tests/fleet/handbook_test.py",
}
BEGINS = {
    "# systemctl enable --now kongfleet-sync@": "tests/fleet/controller_package_test.py",
    "# journalctl -u kongfleet-sync@": "tests/fleet/controller_package_test.py",
    "$ pg_dump ": "tests/controller/postgresql_test.py",
    "$ pg_restore ": "tests/controller/postgresql_test.py",
}


def source(page: str) -> str:
    return (PAGES / f"{page}.scd").read_text()


def plain(text: str) -> str:
    """Words of a page without scdoc's marks."""
    return re.sub(r"\\(.)", r"\1", text)


def blocks(text: str) -> list[str]:
    return re.findall(r"(?ms)^```\n(.*?)^```$", text)


def below(heading: str) -> list[str]:
    """The blocks that stand below a heading, in their order."""
    pieces = re.split(r"(?m)^# ((?:[A-Z]+ ?)+)$\n", source("kongfleet.7"))  # of comments and prompts none is so loud
    bodies = dict(zip(map(plain, pieces[1::2]), pieces[2::2]))
    return blocks(bodies[heading])


def typed(block: str) -> list[str]:
    """Its lines that are typed, each with its prompt; a script has none."""
    return [] if "esac" in block else [line for line in block.splitlines() if re.match(r"[$#] ", line)]


def typing(heading: str) -> list[list[str]]:
    """Of each block below a heading in which something is typed, those lines."""
    return [lines for block in below(heading) if (lines := typed(block))]


def told(block: str) -> str:
    """What a block shows as printed, below what is typed."""
    return "".join(line + "\n" for line in block.splitlines() if line not in typed(block))


def all_lines() -> list[tuple[str, str]]:
    """Each line of the whole page that is typed, with its heading."""
    headings = re.findall(r"(?m)^# ((?:[A-Z]+ ?)+)$", source("kongfleet.7"))
    return [(heading, line) for heading in headings for lines in typing(heading) for line in lines]


def test_of(heading: str, line: str) -> str:
    """Which test types it."""
    return next((test for begin, test in BEGINS.items() if line.startswith(begin)), TYPED_BY.get(heading, ""))
