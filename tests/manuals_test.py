#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Man pages and completions beside the programs: commands, options, keys, ranges, exit codes and messages are those that there
are, and all of them; every shell reads its completions; each of the handbook's commands is typed by a test."""
import functools
import os
import pathlib
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import tomllib
import unittest

import handbook
from handbook import PAGES, blocks, plain, source

PROJECT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("KONGFLEET_BUILD", PROJECT / "build")).resolve()
COMPLETIONS = PROJECT / "packaging/completions"
PROGRAMS = {"kongfleet": "kongfleet.1", "kongfleet-agent": "kongfleet-agent.8"}

# Which of what the handbook has a person type needs no host: that is typed here, too.
NEEDS_NO_HOST = re.compile(r"\$ (ssh-keygen|echo|kongfleet (init|check|pack|--version)\b)(?!.*--hosts)")


def run(*command, **options) -> subprocess.CompletedProcess:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300,
                          stdin=subprocess.DEVNULL, check=False, **options)


def sections(text: str, level: int) -> dict[str, str]:
    """Below each heading of a level, what stands there."""
    parts = re.split(rf"(?m)^{'#' * level} (.+)\n", blanked(text))[1:]
    return {plain(heading): body for heading, body in zip(parts[::2], parts[1::2])}


def blanked(text: str) -> str:
    """Without literal blocks, in which '#' begins no heading."""
    return re.sub(r"(?ms)^```\n.*?^```$", "", text)


@functools.cache
def help_options(*command: str) -> set[str]:
    """What --help lists below 'Options:', by every name."""
    text = run(BUILD / command[0], *command[1:], "--help").stdout
    options = re.search(r"(?ms)^Options:\n(.*?)(?:^\S|\Z)", text)
    found = set()
    for names in re.findall(r"(?m)^  (-\S+)", options[1] if options else ""):
        found.update(name for name in names.split(",") if name.startswith("-"))
    return found


@functools.cache
def help_commands(program: str) -> list[str]:
    text = run(BUILD / program, "--help").stdout
    return re.findall(r"(?m)^  (\S+)", text.split("Subcommands:\n")[1])


def page_options(text: str) -> set[str]:
    """Options that a page has an entry for: '*-y*, *--yes*', '*-o* _FILE_'."""
    entries = re.findall(r"(?m)^(\*-.*)\n\t", text)
    return {name for entry in entries for name in re.findall(r"\*(--?[a-z][a-z-]*)\*", entry)}


def named_options(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w*-])\*?(--?[a-z][a-z-]*)\b", plain(text)))


class Pages(unittest.TestCase):
    def test_commands_and_options_are_those_of_the_programs(self):
        for program, page in PROGRAMS.items():
            text = source(page)
            commands = help_commands(program)
            self.assertGreater(len(commands), 5, program)
            described = sections(sections(text, 1)["COMMANDS"], 2)
            self.assertEqual(sorted(described), sorted(commands), page)
            of_all = help_options(program)
            self.assertIn("--version", of_all)
            self.assertEqual(page_options(sections(text, 1)["OPTIONS"]), of_all, page)
            for command, body in described.items():
                with self.subTest(page=page, command=command):
                    own = help_options(program, command) - {"-h", "--help"}
                    self.assertEqual(page_options(body), own)
                    synopsis = body.strip().split("\n\n")[0]
                    self.assertTrue(synopsis.startswith(f"*{program} {command}*"), synopsis)
                    named = named_options(synopsis)
                    self.assertLessEqual(named, own, "in the synopsis")
                    # Of '-y, --yes' one is enough there.
                    missing = {option for option in own - named if option != "--yes"}
                    self.assertFalse(missing, "not in the synopsis")

    def test_no_page_names_what_there_is_not(self):
        """Of what a page shows as typed, in a block or in bold, and of options in bold anywhere."""
        of_all = {option for program in PROGRAMS for command in ["", *help_commands(program)]
                  for option in help_options(program, *command.split())}
        commands_seen = 0
        for path in sorted(PAGES.glob("*.scd")):
            text = path.read_text()
            typed = [line.removeprefix("$ ").removeprefix("# ") for block in blocks(text) for line in block.splitlines()]
            # A bold line of its own is a piece of a message.
            typed += [plain(bold) for bold in re.findall(r"\*((?:\\.|[^*\n])+)\*", re.sub(r"(?m)^\*.+\*$", "", blanked(text)))]
            for line in typed:
                words = shlex.split(line) if re.match(r"kongfleet(-agent)? ", line) else []
                program, command = (words + ["", ""])[:2]
                with self.subTest(page=path.name, line=line):
                    if program and not command.startswith("-"):
                        commands_seen += 1
                        self.assertIn(command, help_commands(program))
                        taken = help_options(program, command) | help_options(program)
                        self.assertLessEqual({word for word in words[2:] if word.startswith("-")}, taken)
                    if re.match(r"--?[a-z]", line):
                        self.assertIn(line.split()[0], of_all)
        self.assertGreater(commands_seen, 60)

    def test_exit_codes(self):
        header = (PROJECT / "controller/exit_code.hpp").read_text()
        codes = set(re.findall(r"constexpr int \w+ = (\d+);", header))
        self.assertGreaterEqual(len(codes), 9)
        for page, heading in (("kongfleet.1", "EXIT STATUS"), ("kongfleet.7", "EXIT CODES")):
            told = set(re.findall(r"(?m)^\*(\d+)\*\n\t", sections(source(page), 1)[heading]))
            self.assertEqual(told, codes, page)
        commands = (PROJECT / "agent/local_commands.cpp").read_text() + (PROJECT / "agent/silent_agent.cpp").read_text()
        returned = set(re.findall(r"(?:return|\?|:) (\d+)\b", commands))
        told = set(re.findall(r"(?m)^\*(\d+)\*\n\t", sections(source("kongfleet-agent.8"), 1)["EXIT STATUS"]))
        self.assertEqual(told, returned)

    def test_environment_is_what_the_program_asks_for(self):
        asking = [text for path in PROJECT.glob("controller/*.cpp") if "std::getenv(" in (text := path.read_text())]
        asked = {name for text in asking for name in re.findall(r'\b\w+\("([A-Z][A-Z_]+)"\)', text)}
        self.assertGreater(len(asked), 5)
        told = re.findall(r"(?m)^\*([A-Z_]+)\*\n\t", sections(source("kongfleet.1"), 1)["ENVIRONMENT"])
        self.assertEqual(set(told), asked)

    def test_what_a_source_can_be_is_on_each_page(self):
        """rock_source_test and exports_test show that the programs take them."""
        commands = sections(sections(source("kongfleet.1"), 1)["COMMANDS"], 2)
        plugins = sections(sections(source("kongfleet.toml.5"), 1)["SECTIONS"], 2)["[plugins.NAME]"]
        for text in (commands["pack"], plugins):
            for kind in ("_kong/plugins/NAME/_", "(_.kfb_)", "(_.rock_)", "(_.rockspec_)",
                         "holds one and no _kong/plugins/_"):
                self.assertIn(kind, " ".join(text.split()))
        self.assertIn("_SOURCE_, which is what *pack* takes", " ".join(commands["export"].split()))
        for command in ("pack", "export"):
            self.assertIn(".rockspec", run(BUILD / "kongfleet", command, "--help").stdout)

    def test_pages_are_well_formed(self):
        with tempfile.TemporaryDirectory() as scratch:
            for path in sorted(PAGES.glob("*.scd")):
                built = pathlib.Path(scratch) / path.stem
                made = subprocess.run(["scdoc"], input=path.read_text(), capture_output=True, text=True, check=False)
                self.assertEqual((made.returncode, made.stderr), (0, ""), path.name)
                built.write_text(made.stdout)
                lint = run("mandoc", "-T", "lint", "-W", "error", built)
                self.assertEqual((lint.returncode, lint.stdout + lint.stderr), (0, ""), path.name)
                for name, section in re.findall(r"\*([\w.-]+)\*\((\d)\)", path.read_text()):
                    if name.startswith("kongfleet"):
                        self.assertTrue((PAGES / f"{name}.{section}.scd").exists(), f"{path.name}: {name}({section})")
                headings = list(sections(path.read_text(), 1))
                self.assertEqual(headings[0], "NAME", path.name)
                self.assertIn("DESCRIPTION", headings)
                self.assertEqual(headings[-1], "SEE ALSO", path.name)

    def test_sections_that_a_page_points_at_are_there(self):
        text = source("kongfleet.7")
        for name in re.findall(r"[Ss]ee \*([A-Z][A-Z ]+)\*", text):
            self.assertIn(name, sections(text, 1))


# In which '{}' stands in a table of that kind; tables that lack something would be refused for that.
FLEET = '[fleet]\nname = "edge"\n[groups.edge]\nhosts = ["a"]\nplugins = []\n'
FLEET_TABLES = {
    "[fleet]": '[fleet]\nname = "edge"\n{}\n[groups.edge]\nhosts = ["a"]\nplugins = []\n',
    "[groups.NAME]": FLEET + "{}\n",
    "[plugins.NAME]": FLEET + '[plugins.p]\nsource = "p"\n{}\n',
    "[inventory]": FLEET + '[inventory]\ncommand = "true"\n{}\n',
    "[webhook]": FLEET + '[webhook]\nurl = "http://a/"\n{}\n',
    "[probes.NAME]": FLEET + '[probes.p]\ntype = "TYPE"\n{}\n',
}
NOBODYS_KEY = "qqqqqqqqqqqqqqqqqqqqqqqq"  # not near to any


class Keys(unittest.TestCase):
    """The keys of both files, and their ranges, are asked from the programs."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.place = pathlib.Path(scratch.name)

    def fleet_says(self, text: str) -> str:
        (self.place / "fleet.toml").write_text(text)
        result = run(BUILD / "kongfleet", "-f", self.place / "fleet.toml", "check")
        return result.stdout + result.stderr

    def agent_says(self, text: str) -> str:
        (self.place / "agent.toml").write_text(text)
        return run(BUILD / "kongfleet-agent", "--config", self.place / "agent.toml", "status").stderr

    def keys(self, said: str) -> set[str]:
        listed = re.search(rf"unknown key '{NOBODYS_KEY}' in .*?(?:its keys are|expected one of) (.*)", said)
        self.assertIsNotNone(listed, said)
        return set(re.findall(r"'([a-z_]+)'", listed[1]))

    def templates(self, heading: str, page: str) -> list[str]:
        """Files in which '{}' stands in that table; one for each type of probe."""
        if page == "kongfleet-agent.toml.5":
            head = f'{heading}\n{{}}\n' if heading != "[[probe]]" else '[[probe]]\nname = "p"\ntype = "TYPE"\n{}\n'
            kinds = {"http": 'url = "http://a/"', "tcp": 'address = "a:1"', "command": 'command = ["/bin/true"]'}
        else:
            head = FLEET_TABLES.get(heading, f"{FLEET}{heading}\n{{}}\n")
            kinds = {"http": 'url = "http://a/"', "tcp": 'address = "a:1"', "smoke": ""}
        if "TYPE" not in head:
            return [head]
        return [head.replace('"TYPE"', f'"{kind}"\n{needed}') for kind, needed in kinds.items()]

    def check(self, page: str, says, root: str):
        described = sections(sections(source(page), 1)["SECTIONS"], 2)
        tables = self.keys(says(f"{NOBODYS_KEY} = 1\n{root}"))
        self.assertEqual({re.match(r"\[+([a-z]+)", heading)[1] for heading in described}, tables)
        ranges = 0
        for heading, body in described.items():
            entries = re.findall(r"(?m)^\*([a-z_]+)\* = _([a-z ]+)_\n((?:\t.*\n)+)", body)
            templates = self.templates(heading, page)
            with self.subTest(page=page, table=heading):
                known = set()
                for template in templates:
                    known |= self.keys(says(template.format(f"{NOBODYS_KEY} = 1")))
                self.assertEqual(sorted(key for key, _, _ in entries), sorted(known))
            for key, kind, text in entries:
                told = re.search(r"[Ff]rom (\d+\w*) to (\d+\w*)", " ".join(text.split()))
                if not told:
                    continue
                ranges += 1
                wrong = '"300d"' if kind == "duration" else "-1"
                with self.subTest(page=page, table=heading, key=key):
                    self.assertIn(f"from {told[1]} to {told[2]}", says(templates[0].format(f"{key} = {wrong}")))
        self.assertGreaterEqual(ranges, 3, "ranges that were compared")

    def test_fleet_file(self):
        self.check("kongfleet.toml.5", self.fleet_says, "")

    def test_agent_toml(self):
        self.check("kongfleet-agent.toml.5", self.agent_says, "")

    def test_defaults_are_those_of_the_example(self):
        run(BUILD / "kongfleet", "init", self.place)
        example = (self.place / "fleet.toml").read_text()
        described = sections(sections(source("kongfleet.toml.5"), 1)["SECTIONS"], 2)
        compared = 0
        for heading in ("[ssh]", "[rollout]"):
            lines = example.split(f"{heading}")[1].split("\n[")[0]
            for key, value in re.findall(r"(?m)^(?:# )?([a-z_]+) *= (.+?)(?:  .*)?$", lines):
                entry = re.search(rf"(?m)^\*{key}\* = .*\n((?:\t.*\n)+)", described[heading])[1]
                default = re.search(r"Default: (.+)\.", plain(" ".join(entry.split())))
                if default is None or default[1].startswith("what "):
                    continue
                compared += 1
                self.assertEqual(default[1].strip("_").strip('"'), value.strip('"'), key)
        self.assertGreaterEqual(compared, 8)

    def test_examples_are_read(self):
        fleet, = blocks(source("kongfleet.toml.5"))
        run(BUILD / "kongfleet", "init", self.place)
        said = self.fleet_says(fleet)
        self.assertIn("21 hosts", said)
        self.assertIn("0 errors", said)
        agent, = blocks(source("kongfleet-agent.toml.5"))
        self.assertNotIn("agent.toml", self.agent_says(agent))  # a mistake begins with its place


def statements() -> list[tuple[str, list[str]]]:
    """Of each statement of both programs its string literals, adjacent ones put together, and the file it is in."""
    found = []
    for path in sorted([*PROJECT.glob("agent/*.cpp"), *PROJECT.glob("controller/*.cpp")]):
        text = re.sub(r"(?m)//.*$|^#include.*$", "", path.read_text())
        text = re.sub(r'"\s*\n\s*(?=")', '"', text)  # "a"\n"b"
        for statement in re.split(r";\s*\n|[{}]\s*\n", text):
            texts = [literal.replace('""', "") for literal in re.findall(r'"((?:[^"\\\n]|\\.|"")*)"', statement)]
            found.append((f"{path.parent.name}/{path.name}", [] if "throw_errno" in statement else texts))
    return found


def c_literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def messages() -> list[str]:
    """The pieces of messages that the handbook tells what to do at; a line may have several."""
    entries = re.findall(r"(?m)^(\*.+\*)\n\t", sections(source("kongfleet.7"), 1)["MESSAGES"])
    return [c_literal(plain(piece)) for entry in entries for piece in entry[1:-1].split("*, *")]


# What a literal of a message says that asks for action: these words, where a clause begins; a question; what is lacking.
ASKS = re.compile(r"(?:^|; |[.)?'] |, |: |\()(?:add|ask|chattr|chmod|chown|compare|correct|do not|free|give|have|install|"
                  r"keep|leave|lower|make|mend|move|name|once|open|plan|put|raise|remount|remove|rename|restart|roll|run|see|"
                  r"set|ship|shorten|sign|start|stop|systemctl|take|try|upgrade|use|wait|write) (?!by )|"
                  r"kongfleet (?:resume|abort|rollback)|agent rollback|in agent\.toml|"
                  r"[a-z]\?(?: |$)| (?:is|are) needed|or newer|may have left")
# Files whose messages are not repeated in the handbook: mistakes in what a person writes, told with their place and with what
# would be right; a check-up, which tells with everything what mends it; and texts that are no messages.
SELF_EXPLAINING = re.compile(r"controller/(fleet_(file|groups|hooks|inventory|plugins|probes)|toml_\w+|group_members|host_pattern|"
                             r"ansible_\w+|yaml_tree|inventory\w*|command_(line|values|words)|plugin_(configuration|lint|tree)|git_tree|init|html|"
                             r"\w+_export|lua_constants|rock\w+|"
                             r"report\w*|selector|survey_script|bundle|host_checkup|main)\.cpp|agent/(config\w*|allowed_signers_line|checkup\w*|main)\.cpp")
# Statements that look as if they asked, and don't.
ASK_NOTHING = [r"^run a program: no", r"overrides $|overrides .* of kong\.conf", r"^start worker processes", r"no end within the time",
               r"^systemctl (daemon-)?reload", r"^no-transaction", r"CREATE TABLE", r"^UPDATE ", r"^set -eu",
               r"^keep a descriptor", r"^leave all groups", r"^(?:run|take|ask) '\|", r"^SET |^PRAGMA ", r"^Roll this out\?",
               r"no probe: only", r"^as many signatures"]


class Handbook(unittest.TestCase):
    def test_messages_are_those_of_the_programs(self):
        known = "\n".join(text for _, texts in statements() for text in texts)
        self.assertGreater(len(messages()), 100)
        for piece in messages():
            with self.subTest(message=piece):
                self.assertIn(piece, known)

    def test_every_message_that_asks_for_action_is_there(self):
        asking = 0
        for file, texts in statements():
            said = "|".join(texts)
            nothing = SELF_EXPLAINING.match(file) or any(re.search(pattern, said) for pattern in ASK_NOTHING)
            # Each on its own: of "finding", "advice" the second asks.
            if nothing or max(map(len, texts), default=0) < 14 or not any(map(ASKS.search, texts)):
                continue
            asking += 1
            with self.subTest(file=file, message=said[:300]):
                self.assertTrue(any(piece in said for piece in messages()), "say in kongfleet.7, MESSAGES, what to do at it")
        self.assertGreater(asking, 60)

    def test_codes_of_refusals_are_those_of_the_agent(self):
        sources = "".join(path.read_text() for path in PROJECT.glob("agent/*.cpp"))
        made = r'code = |obstacle\(|finding_of\(|warning\(|(?:refusals|warnings)\.push_back\(\s*\{|return \{(?="trust")'
        codes = set(re.findall(rf'(?:{made})\s*"([a-z-]+)"', sources))
        codes |= set(re.findall(r'\{"(unconfirmed|damaged|duplicate|not-running|admin-api|conf|space|place|probe)", ', sources))
        codes |= set(re.findall(r'\{"[^"]+", "([a-z]+)",\s*"', (PROJECT / "agent/kong_errors.cpp").read_text()))
        told = sections(source("kongfleet.7"), 1)["WHAT A PLAN REFUSES"]
        named = {code for line in re.findall(r"(?m)^(\*[a-z-]+\*(?:, \*[a-z-]+\*)*)\n\t", told)
                 for code in re.findall(r"[a-z-]+", line)}
        self.assertGreater(len(codes), 20)
        self.assertEqual(named, codes)

    def test_scripts_are_sound(self):
        scripts = [block for block in blocks(source("kongfleet.7")) if "esac" in block]
        self.assertEqual(len(scripts), 1)
        found = subprocess.run(["shellcheck", "-s", "sh", "-"], input=scripts[0], capture_output=True, text=True, check=False)
        self.assertEqual(found.stdout, "")
        with tempfile.TemporaryDirectory() as scratch:
            place = pathlib.Path(scratch)
            (place / "balancer").write_text(scripts[0])
            (place / "socat").write_text("#!/bin/sh\nexec cat >>told\n")
            (place / "socat").chmod(0o755)
            for word, result in (("drain", None), ("enable", "trial"), ("enable", "stranded")):
                facts = {"PATH": f"{place}:/usr/bin:/bin", "KONGFLEET_HOST": "edge-01"}
                if result:
                    facts["KONGFLEET_RESULT"] = result
                self.assertEqual(run("sh", "balancer", word, cwd=place, env=facts).returncode, 0)
            self.assertEqual((place / "told").read_text(),
                             "set server kong/edge-01 state drain\nset server kong/edge-01 state ready\n")

    def test_toml_is_read(self):
        """Each piece, in a fleet file or an agent.toml that has what it lacks."""
        rest = {"fleet": '[fleet]\nname = "edge"\n', "groups": '[groups.edge]\nhosts = ["a"]\nplugins = ["my-plugin"]\n',
                "probes": '[probes.proxy]\ntype = "tcp"\naddress = "127.0.0.1:8000"\n',
                "plugins": '[plugins.my-plugin]\nsource = "plugins/my-plugin"\n'}
        pieces = [block for block in blocks(source("kongfleet.7")) if re.match(r"\[[a-z.-]+\]\n", block)]
        self.assertGreater(len(pieces), 4)
        with tempfile.TemporaryDirectory() as scratch:
            place = pathlib.Path(scratch)
            run(BUILD / "kongfleet", "init", place)
            (place / "inventory").mkdir()
            (place / "inventory/hosts.ini").write_text("[webservers]\nweb-1\nweb-2\n")
            tree = place / "plugins/my-plugin"
            packed = run(BUILD / "kongfleet", "pack", tree, "-o", place / "my-plugin.kfb")
            self.assertEqual(packed.returncode, 0, packed.stderr)
            for piece in pieces:
                tables = tomllib.loads(piece)
                with self.subTest(piece=piece):
                    if tables.keys() <= {"kong", "agent", "trust", "probe"}:
                        (place / "agent.toml").write_text(piece)
                        said = run(BUILD / "kongfleet-agent", "--config", place / "agent.toml", "status").stderr
                        self.assertNotIn("agent.toml", said)
                        continue
                    text = piece + "".join(table for name, table in rest.items() if name not in tables)
                    (place / "fleet.toml").write_text(text)
                    checked = run(BUILD / "kongfleet", "-f", place / "fleet.toml", "check")
                    self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_every_command_has_a_test_that_types_it(self):
        """On hosts, where it needs some: those tests read the blocks from the page as well, and fail where one is left over."""
        lines = handbook.all_lines()
        typed = [line for block in blocks(source("kongfleet.7")) for line in handbook.typed(block)]
        self.assertEqual([line for _, line in lines], typed, "a line below no heading")
        others = [block for block in blocks(source("kongfleet.7")) if not handbook.typed(block) and not block.startswith("[")]
        self.assertEqual(["esac" in block or block.startswith("DELETE ") for block in others], [True] * 2, "run by whom?")
        self.assertGreater(len(lines), 45)
        for heading, line in lines:
            with self.subTest(heading=heading, line=line):
                test = handbook.test_of(heading, line)
                self.assertTrue(test, "typed by no test: name one in tests/handbook.py")
                self.assertTrue(f'"{heading}"' in (PROJECT / test).read_text(), f"{test} does not read it")
        self.assertEqual(set(handbook.TYPED_BY), {heading for heading, _ in lines}, "nothing is typed there any more")
        for begin in handbook.BEGINS:
            self.assertTrue(any(line.startswith(begin) for _, line in lines), begin)

    def test_commands_that_need_no_host(self):
        """In the handbook's order, in one directory."""
        lines = [line for _, line in handbook.all_lines() if NEEDS_NO_HOST.match(line)]
        self.assertEqual(len(lines), 7)
        with tempfile.TemporaryDirectory() as scratch:
            place = pathlib.Path(scratch)
            world = {"PATH": f"{BUILD}:/usr/bin:/bin", "HOME": scratch, "LC_ALL": "C.UTF-8"}
            said = {}
            for line in lines:
                done = run("sh", "-c", line[2:], cwd=place, env=world)
                said[line] = done.stdout
                self.assertEqual(done.returncode, 0, line + "\n" + done.stdout + done.stderr)
            self.assertIn("wrote fleet.toml", said["$ kongfleet init"])
            self.assertIn("signed for fleet edge", next(text for line, text in said.items() if "--sign" in line))
            self.assertIn("ssh-ed25519 ", (place / "allowed_signers").read_text())

    def test_what_each_command_gives_for_a_host_that_is_not_reached(self):
        codes = " ".join(sections(source("kongfleet.7"), 1)["EXIT CODES"].split())
        told = re.search(r"or hosts that (.+) could not reach.* Of such hosts (.+) give (\d), (\*rollback\*) (\d)", codes)
        expected = {"rollback": int(told[5])}
        for commands, code in ((told[1], 1), (told[2], int(told[3]))):
            expected |= dict.fromkeys(re.findall(r"\*([^*]+)\*", commands), code)
        self.assertEqual(set(expected), {"plan", "rollout", "sync", "status", "check --hosts", "rollback"})
        with tempfile.TemporaryDirectory() as scratch:
            place = pathlib.Path(scratch)
            (place / ".ssh").mkdir()
            (place / ".ssh/config").write_text("Host *\n  HostName 127.0.0.1\n  Port 1\n")
            world = {"PATH": f"{BUILD}:/usr/bin:/bin", "HOME": scratch, "LC_ALL": "C.UTF-8"}
            run("kongfleet", "init", cwd=place, env=world)
            for command, code in expected.items():
                yes = ["--yes"] if command in ("rollout", "rollback") else []
                done = run("kongfleet", *command.split(), *yes, cwd=place, env=world)
                said = done.stdout + done.stderr
                self.assertEqual(done.returncode, code, command + "\n" + said)
                self.assertRegex(said, "Connection refused|unknown", command)


EVIL = """[fleet]
name = "edge"
# [groups.commented]
[groups.edge]
hosts = [
  "edge-01.example.net", "edge-02:2222",  # not "this"
  "lab-[01-20].example.net", "[2001:db8::7]:2222", "@web",
  "$(touch ran)", "`touch ran`", "a;touch ran", "-rf",
]
plugins = ["my-plugin"]
[groups.lab-2]
hosts = ["lab-x"]
[probes.echo]
url = "not-a-host"
"""
NAMES = ["edge", "edge-01.example.net", "edge-02", "lab-*.example.net", "lab-2", "lab-x"]


class Completions(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.place = pathlib.Path(scratch.name)
        (self.place / "fleet.toml").write_text(EVIL)
        (self.place / "other.toml").write_text('[groups.other]\nhosts = ["other-1"]\n')

    def bash(self, *words: str) -> list[str]:
        """What a real bash offers for the last of the words."""
        function = words[0].replace("-", "_")
        script = (f'source "{COMPLETIONS}/{words[0]}.bash"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                  f'_{function} || true; printf "%s\\n" "${{COMPREPLY[@]}}"')
        result = run("bash", "--norc", "-c", script, "bash", *words, cwd=self.place)
        self.assertEqual((result.returncode, result.stderr), (0, ""), words)
        return sorted(re.sub(r"\\(.)", r"\1", line) for line in result.stdout.splitlines() if line)

    def fish(self, *words: str) -> list[str]:
        line = " ".join(words)
        script = f"source {COMPLETIONS}/{words[0]}.fish; complete -C '{line}'"
        result = run("fish", "--no-config", "-c", script, cwd=self.place,
                     env={"HOME": str(self.place), "PATH": os.environ["PATH"]})
        self.assertEqual((result.returncode, result.stderr), (0, ""), words)
        return sorted(entry.split("\t")[0].replace("\\", "") for entry in result.stdout.splitlines())

    def zsh(self, program: str, command: str = "", names: bool = False) -> list[str]:
        """What the functions hand to zsh: zsh's own half stands still, and tells what it is given."""
        script = """
            setopt extendedglob
            typeset -A opt_args
            compset() { :; }
            compadd() { shift; print -rl -- ${(P)1}; }
            _describe() { print -rl -- ${(P)4}; }
            _arguments() {
              if [[ $1 == -C ]]; then
                state=${want:+argument}; state=${state:-command}; line=($want)
                [[ -n $want ]] || print -rl -- "$@"
              else
                print -rl -- "$@"
              fi
            }
        """
        call = "_kongfleet_names" if names else f'source "{COMPLETIONS}/_{program}"'
        if names:
            script += f'want=sync; source "{COMPLETIONS}/_{program}" >/dev/null\n'
        result = run("zsh", "-f", "-c", f"{script}\nwant={command}\n{call}", cwd=self.place)
        self.assertEqual((result.returncode, result.stderr), (0, ""), (program, command))
        return result.stdout.splitlines()

    def zsh_types(self, line: str) -> str:
        """What a real zsh, on a terminal, makes of a line and Tab."""
        (self.place / ".zshrc").write_text(f"""
            fpath=({COMPLETIONS} $fpath)
            autoload -Uz compinit && compinit -D -u
            tell() {{ print -r -- "$BUFFER" >$HOME/buffer.new && mv $HOME/buffer.new $HOME/buffer }}
            zle -N tell && bindkey '^X^T' tell
            zle-line-init() {{ : >$HOME/ready }}
            zle -N zle-line-init
        """)
        for leftover in ("buffer", "ready"):
            (self.place / leftover).unlink(missing_ok=True)
        process, terminal = pty.fork()
        if process == 0:
            os.chdir(self.place)
            os.execve("/usr/bin/zsh", ["zsh", "-i"], {"HOME": str(self.place), "ZDOTDIR": str(self.place),
                                                      "PATH": f"{BUILD}:{os.environ['PATH']}", "TERM": "dumb"})
        try:
            self.wait_for(self.place / "ready", terminal)
            os.write(terminal, f"{line}\t\x18\x14".encode())
            self.wait_for(self.place / "buffer", terminal)
            return (self.place / "buffer").read_text().rstrip("\n")
        finally:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            os.close(terminal)

    def wait_for(self, file: pathlib.Path, terminal: int) -> None:
        shown = b""
        deadline = time.monotonic() + 120
        while not file.exists():
            self.assertLess(time.monotonic(), deadline, shown)
            if select.select([terminal], [], [], 0.05)[0]:
                shown += os.read(terminal, 4096)

    def test_zsh_completes(self):
        self.assertEqual(self.zsh_types("kongfleet pa"), "kongfleet pack ")
        self.assertEqual(self.zsh_types("kongfleet pack --ser"), "kongfleet pack --serial ")
        self.assertEqual(self.zsh_types("kongfleet plan edge-01"), "kongfleet plan edge-01.example.net ")
        self.assertEqual(self.zsh_types(r"kongfleet plan \!lab-x"), r"kongfleet plan \!lab-x ")
        self.assertEqual(self.zsh_types("kongfleet -f other.toml status other-"), "kongfleet -f other.toml status other-1 ")
        self.assertEqual(self.zsh_types("kongfleet-agent rec"), "kongfleet-agent recover ")
        self.assertFalse((self.place / "ran").exists())

    def test_offers_are_what_the_programs_take(self):
        for program in PROGRAMS:
            commands = help_commands(program)
            of_all = help_options(program)
            self.assertEqual(self.bash(program, ""), sorted(commands))
            self.assertEqual(self.fish(program, ""), sorted(commands))
            specs = self.zsh(program)
            self.assertEqual(sorted(re.findall(r"(?m)^([a-z]+):", "\n".join(specs))), sorted(commands))
            self.assertEqual(self.options_of(specs), of_all, "zsh")
            self.assertEqual(set(self.bash(program, "-")), of_all, "bash")
            self.assertEqual(set(self.fish(program, "-")), of_all, "fish")
            # kongfleet's own options may stand behind the command as well; kongfleet-agent's may not.
            everywhere = of_all - {"--version"} if program == "kongfleet" else {"-h", "--help"}
            for command in commands:
                wanted = help_options(program, command) | everywhere
                with self.subTest(program=program, command=command):
                    self.assertEqual(set(self.bash(program, command, "-")), wanted, "bash")
                    self.assertEqual(set(self.fish(program, command, "-")), wanted, "fish")
                    self.assertEqual(self.options_of(self.zsh(program, command)), wanted, "zsh")

    def options_of(self, specs: list[str]) -> set[str]:
        return {match[1] for spec in specs if (match := re.match(r"(?:\([^)]*\)|\*)?(--?[a-z][a-z-]*)\[", spec))}

    def test_hosts_and_groups_are_offered_and_nothing_of_the_file_is_run(self):
        for command in ("check", "plan", "rollout", "rollback", "status", "sync"):
            self.assertEqual(self.bash("kongfleet", command, ""), NAMES)
            self.assertEqual(self.fish("kongfleet", command, ""), NAMES)
            self.assertTrue(any("_kongfleet_names" in spec for spec in self.zsh("kongfleet", command)), command)
        self.assertEqual(sorted(self.zsh("kongfleet", names=True)), NAMES)
        self.assertEqual(self.bash("kongfleet", "plan", "!lab-x"), ["!lab-x"])
        self.assertEqual(self.fish("kongfleet", "plan", "!lab-x"), ["!lab-x"])
        for how in (["-f", "other.toml"], ["--file", "=", "other.toml"]):
            self.assertEqual(self.bash("kongfleet", *how, "plan", ""), ["other", "other-1"])
        self.assertEqual(self.fish("kongfleet", "-f", "other.toml", "plan", ""), ["other", "other-1"])
        self.assertEqual(self.bash("kongfleet", "-f", "absent.toml", "plan", ""), [])
        self.assertFalse((self.place / "ran").exists())

    def test_the_same_reads_the_file_in_each_shell(self):
        programs = set()
        for name in ("kongfleet.bash", "_kongfleet", "kongfleet.fish"):
            found = re.search(r"(?s)awk '\n(.*?)\n *'", (COMPLETIONS / name).read_text())
            programs.add(found[1])
        self.assertEqual(len(programs), 1)

    def test_values(self):
        self.assertEqual(self.bash("kongfleet", "--output", ""), ["json", "text"])
        self.assertEqual(self.bash("kongfleet", "--file", "=", "ot"), ["other.toml"])
        self.assertEqual(self.bash("kongfleet", "resume", ""), ["latest"])
        self.assertEqual(self.bash("kongfleet", "rollback", "--to", ""), [])
        self.assertEqual(self.bash("kongfleet-agent", "--config", "ot"), ["other.toml"])
        self.assertEqual(self.fish("kongfleet", "--output", ""), ["json", "text"])

    def test_shells_read_them(self):
        for shell, files in (("zsh", ["_kongfleet", "_kongfleet-agent"]), ("fish", ["kongfleet.fish", "kongfleet-agent.fish"]),
                             ("bash", ["kongfleet.bash", "kongfleet-agent.bash"])):
            for name in files:
                result = run(shell, "-n", COMPLETIONS / name)
                self.assertEqual((result.returncode, result.stderr), (0, ""), name)
        linted = run("shellcheck", "-s", "bash", *sorted(COMPLETIONS.glob("*.bash")))
        self.assertEqual(linted.stdout, "")


if __name__ == "__main__":
    missing = [tool for tool in ("scdoc", "mandoc", "zsh", "fish", "shellcheck", "ssh-keygen") if shutil.which(tool) is None]
    if missing:
        raise SystemExit(f"manuals_test: missing {', '.join(missing)}: packaging/dependencies build test")
    unittest.main()
