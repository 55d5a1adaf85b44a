#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What kongfleet says as JSON is what its schema says, and nothing else: every command that can run
without hosts is run, what needs hosts is in tests/golden/json, and tests/fleet hold the rest to it."""
import copy
import json
import os
import pathlib
import pty
import re
import sqlite3
import subprocess
import sys
import tempfile
import unittest

from lone_fleet import BUILD, FLEET, PROJECT

sys.path.insert(0, str(PROJECT / "tests"))
import documents
from documents import KINDS, SCHEMA, checked, document

GOLDEN = PROJECT / "tests/golden/json"
EVENTS = {"wave", "baking", "step", "host", "stopping", "aborts", "end"}
HOOKS = {"before_wave", "before_host", "after_host", "after_rollout"}


def golden() -> list[tuple[str, dict]]:
    return [(path.name, json.loads(line)) for path in sorted(GOLDEN.glob("*.json"))
            for line in path.read_text().splitlines()]


def places(value):
    """Every object in a document, for a test to spoil."""
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from places(member)
    if isinstance(value, list):
        for member in value:
            yield from places(member)


class SchemaTest(unittest.TestCase):
    def test_it_is_a_schema(self):
        documents.jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def test_every_object_is_closed_and_every_field_described(self):
        for place in places(SCHEMA["$defs"]):
            if "properties" not in place or place.get("type") != "object":
                continue
            with self.subTest(place.get("description")):
                self.assertIs(place["additionalProperties"], False)
                self.assertTrue(place["description"])
                self.assertLessEqual(set(place["required"]), set(place["properties"]))
                for name, field in place["properties"].items():
                    target = SCHEMA["$defs"].get(field.get("$ref", "/").rsplit("/", 1)[1], {})
                    self.assertTrue(field.get("description") or target.get("description"), name)

    def test_what_was_ever_said_is_still_in_it(self):
        kinds = set()
        for name, said in golden():
            with self.subTest(name):
                checked(said)
                kinds.add(documents.kind_of(said))
        self.assertEqual(kinds, EVENTS | HOOKS | {"plan", "status", "history", "show", "check"})

    def test_a_field_too_many_or_of_another_type_is_refused_wherever_it_is(self):
        spoiled = 0
        for name, said in golden():
            for at in range(len(list(places(said)))):
                worse = copy.deepcopy(said)
                list(places(worse))[at]["surprise"] = 1
                with self.subTest(name=name, at=at), self.assertRaisesRegex(AssertionError,
                                                                            "surprise"):
                    checked(worse)
                spoiled += 1
        self.assertGreater(spoiled, 50)
        with self.assertRaisesRegex(AssertionError, "'3' is not of type 'integer'"):
            checked({"schema": "kongfleet/1", "event": "wave", "wave": 1, "of": 2, "hosts": "3"})

    def test_a_field_that_is_missing_is_refused(self):
        whole = {"schema": "kongfleet/1", "event": "wave", "wave": 1, "of": 2, "hosts": 3}
        checked(whole)
        for name in whole:
            with self.subTest(name), self.assertRaises(AssertionError):
                checked({key: value for key, value in whole.items() if key != name})

    def test_another_version_is_refused(self):
        with self.assertRaisesRegex(AssertionError, "kongfleet/1"):
            checked({"schema": "kongfleet/2", "event": "stopping", "why": "x"})


class CommandsTest(unittest.TestCase):
    """The real program, on a fleet whose one host does not answer."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="kongfleet-json-")
        self.addCleanup(scratch.cleanup)
        self.directory = pathlib.Path(scratch.name)
        self.run_kongfleet(0, "init")
        self.configure()
        (self.directory / "known_hosts").touch()

    def configure(self, more: str = "") -> None:
        (self.directory / "fleet.toml").write_text(FLEET.format(more=more))

    def run_kongfleet(self, code: int, *arguments: str, output: str = "json") -> str:
        done = subprocess.run([BUILD / "kongfleet", "--output", output, *arguments],
                              cwd=self.directory, env=os.environ | {"HOME": str(self.directory)},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.errors = done.stderr
        return done.stdout

    def said(self, code: int, *arguments: str, kind: str) -> dict:
        one = document(self.run_kongfleet(code, *arguments))
        self.assertEqual(documents.kind_of(one), kind)
        return one

    def test_init(self):
        (self.directory / "new").mkdir()
        self.assertEqual(len(self.said(0, "init", "new", kind="init")["files"]), 3)
        self.assertEqual(self.said(1, "init", "new", kind="mistake")["command"], "init")

    def test_check(self):
        self.assertTrue(self.said(0, "check", kind="check")["ok"])
        handler = self.directory / "plugins/my-plugin/kong/plugins/my-plugin/handler.lua"
        handler.write_text('return { VERSION = "1.0.0" }\n')
        self.assertTrue(self.said(0, "check", kind="check")["plugins"][0]["findings"])
        handler.write_text("return { PRIORITY = 1")
        spoiled = self.said(1, "check", "--hosts", kind="check")
        self.assertNotIn("host_states", spoiled)
        self.assertNotIn("host_checks", spoiled)
        handler.unlink()
        self.said(1, "check", kind="check")

    def test_check_with_hosts_is_one_document(self):
        checked_hosts = self.said(2, "check", "--hosts", kind="check")
        self.assertFalse(checked_hosts["ok"])
        self.assertEqual(checked_hosts["host_states"][0]["state"], "unknown")
        reach, = checked_hosts["host_checks"][0]["checks"]
        self.assertEqual((reach["name"], reach["verdict"]), ("reach", "wrong"))
        self.assertRegex(reach["remedy"], "^ssh -v .*-p 1 .*127.0.0.1$")
        self.said(2, "check", "--hosts", "edge", kind="check")
        self.said(1, "check", "--hosts", "nowhere", kind="mistake")
        said = self.run_kongfleet(1, "check", "edge")
        self.assertIn("kongfleet check --hosts edge", said + self.errors)

    def test_pack(self):
        self.said(0, "pack", "plugins/my-plugin", "-o", "p.kfb", kind="pack")
        self.assertEqual(self.said(1, "pack", "nowhere", kind="mistake")["command"], "pack")

    def test_bootstrap(self):
        (self.directory / "a.tar.gz").write_bytes(b"\x1f\x8b")
        (self.directory / "k.pub").write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me\n")
        order = ("-f", "fleet.toml", "bootstrap", "--package", "a.tar.gz", "--key", "k.pub")
        self.assertEqual(self.said(4, *order, kind="bootstrap")["hosts"][0]["result"], "unreachable")
        self.assertTrue(self.said(4, *order, "--dry-run", kind="bootstrap")["dry_run"])

    def test_export(self):
        for kind in ["rock", "docker", "kubernetes"]:
            said = self.said(0, "export", kind, "plugins/my-plugin", "-o", f"out/{kind}", kind="export")
            self.assertEqual(said["kind"], kind)
            for name in said["files"]:
                self.assertTrue((self.directory / said["directory"] / name).is_file())
        schema = self.directory / "plugins/my-plugin/kong/plugins/my-plugin/schema.lua"
        schema.write_text('return { name = "my-plugin", fields = {} }\n')
        self.said(0, "export", "konnect", "plugins/my-plugin", "-o", "out/konnect", kind="export")
        schema.write_text('return require("x")\n')
        self.assertIn("schema.lua:1:", self.said(5, "export", "konnect", "plugins/my-plugin", "-o",
                                                 "out", kind="mistake")["error"])

    def test_plan_and_status(self):
        self.assertIn("problem", self.said(1, "plan", kind="plan")["hosts"][0])
        self.assertEqual(self.said(2, "status", kind="status")["hosts"][0]["state"], "unknown")

    def test_a_rollout_that_is_refused_shows_the_plan(self):
        self.said(1, "rollout", "--yes", kind="plan")

    def test_a_rollout_and_what_is_remembered_of_it(self):
        self.assertEqual(self.said(0, "history", kind="history")["rollouts"], [])
        self.configure('[rollout]\nmax_failures = 1\n[hooks]\nafter_rollout = "tee told"\n')
        events = documents.documents(self.run_kongfleet(1, "rollout", "--yes"))
        self.assertEqual(documents.kind_of(events[-1]), "end")
        told = document((self.directory / "told").read_text())
        self.assertEqual(told["hosts"], [{"host": "127.0.0.1:1", "phase": "unreachable"}])
        self.assertEqual(len(self.said(0, "history", kind="history")["rollouts"]), 1)
        self.assertEqual(self.said(0, "show", "latest", kind="show")["hosts"][0]["phase"],
                         "unreachable")
        self.said(0, "report", "latest", "-o", "page.html", kind="report")

    def test_a_rollout_that_failed_says_in_text_where_the_rest_is_and_it_is_there(self):
        self.configure("[rollout]\nmax_failures = 1\n")
        *_, last = self.run_kongfleet(1, "rollout", "--yes", output="text").splitlines()
        said = re.fullmatch("what each host did and said: 'kongfleet (show [^ ']+)', or as a page "
                            "'kongfleet (report [^ ']+ -o ([^ ']+))'", last)
        self.assertIsNotNone(said, last)
        self.assertIn("Connection refused",
                      self.run_kongfleet(0, *said[1].split(), output="text"))
        self.run_kongfleet(0, *said[2].split(), output="text")
        self.assertIn("What failed", (self.directory / said[3]).read_text())

    def test_sync(self):
        end = self.said(1, "sync", kind="end")
        self.assertEqual(end["left_alone"][0]["phase"], "unreachable")
        text = self.run_kongfleet(1, "sync", output="text")
        self.assertRegex(text, "^sync id=[^ ]+ fleet=edge exit=1 hosts=1 changed=0 unchanged=0 "
                               "poisoned=0 failed=1 other=0 seconds=[0-9.]+\n$")

    def summary(self, code: int, *before: str, **known: str) -> None:
        """The last line of a sync that does not come to its hosts; what went wrong stands before."""
        said = {"id": "-", "fleet": "edge"} | known
        out = self.run_kongfleet(code, *before, "sync", output="text")
        self.assertRegex(out, f"^sync id={said['id']} fleet={said['fleet']} exit={code} hosts=0 changed=0 "
                              "unchanged=0 poisoned=0 failed=0 other=0 seconds=[0-9.]+\n$")
        self.assertRegex(self.errors, "(?m)^kongfleet: ")

    def test_a_sync_that_ends_by_a_mistake_says_so_in_its_last_line(self):
        self.summary(1, "-f", "nowhere.toml", fleet="-")
        with sqlite3.connect(self.directory / "edge.db", isolation_level=None) as other:
            self.run_kongfleet(1, "sync")
            other.execute("BEGIN EXCLUSIVE")
            self.summary(75, id="sync-[^ ]+")
        other.close()

    def test_a_sync_that_may_not_begin_says_so_in_its_last_line(self):
        self.configure('[rollout]\nmax_failures = 1\non_failure = "pause"\n')
        self.run_kongfleet(6, "rollout", "--yes")
        self.summary(75, id="sync-[^ ]+")
        self.run_kongfleet(0, "abort", "--yes", "latest")
        handler = self.directory / "plugins/my-plugin/kong/plugins/my-plugin/handler.lua"
        handler.write_text(handler.read_text() + "-- changed\n")
        self.summary(5, id="sync-[^ ]+")

    def test_a_sync_that_may_not_begin_tells_whoever_watches_its_metrics(self):
        metrics = self.directory / "edge.prom"
        self.configure('[rollout]\nmax_failures = 1\n[metrics]\ntextfile = "edge.prom"\n')
        self.run_kongfleet(1, "rollout", "--yes")
        handler = self.directory / "plugins/my-plugin/kong/plugins/my-plugin/handler.lua"
        handler.write_text(handler.read_text() + "-- changed\n")
        metrics.unlink()
        self.run_kongfleet(5, "sync")
        self.assertIn('kongfleet_run_exit_code{fleet="edge",kind="sync"} 5\n', metrics.read_text())

    def test_a_rollback_tells_what_it_ends_before_it_does(self):
        events = documents.documents(self.run_kongfleet(3, "rollback", "--yes"))
        self.assertEqual([documents.kind_of(event) for event in events], ["host", "end"])
        self.configure('[rollout]\nmax_failures = 1\non_failure = "pause"\n')
        self.run_kongfleet(6, "rollout", "--yes")
        events = documents.documents(self.run_kongfleet(3, "rollback", "--yes"))
        self.assertEqual([documents.kind_of(event) for event in events], ["aborts", "host", "end"])
        self.assertEqual(events[0]["state"], "paused")
        self.assertEqual(self.said(0, "show", events[0]["rollout"], kind="show")["rollout"]["state"],
                         "aborted")

    def answer_no(self, *arguments: str) -> subprocess.CompletedProcess:
        person, terminal = pty.openpty()
        os.write(person, b"n\n")
        done = subprocess.run([BUILD / "kongfleet", *arguments], cwd=self.directory, stdin=terminal,
                              env=os.environ | {"HOME": str(self.directory)}, timeout=60,
                              capture_output=True, text=True, check=False)
        os.close(terminal)
        os.close(person)
        self.assertEqual(done.returncode, 130, done.stderr)
        return done

    def test_whoever_reads_json_learns_that_a_person_said_no(self):
        self.configure('[rollout]\nmax_failures = 1\non_failure = "pause"\n')
        for command in ("rollout", "rollback"):
            said = document(self.answer_no("--output", "json", command).stdout)
            self.assertEqual(documents.kind_of(said), "mistake")
            self.assertEqual(said["command"], command)
            self.assertIn("nothing was touched", said["error"])
        self.run_kongfleet(6, "rollout", "--yes")
        said = document(self.answer_no("--output", "json", "abort", "latest").stdout)
        self.assertEqual(said["command"], "abort")

    def test_a_rollback_asks_with_what_it_ends(self):
        self.configure('[rollout]\nmax_failures = 1\non_failure = "pause"\n')
        self.run_kongfleet(6, "rollout", "--yes")
        paused, = self.said(0, "history", kind="history")["rollouts"]
        done = self.answer_no("rollback")
        self.assertIn("nothing was touched", done.stderr)
        self.assertEqual(done.stdout, "")
        note, rest = done.stderr.split("\n", 1)
        self.assertRegex(note, f"^note: {paused['id']} of .* is paused: this rollback ends it")
        self.assertTrue(rest.startswith("Take 1 host back to the generation before, and end "
                                        f"{paused['id']}? [y/N]"), rest)
        self.assertEqual(self.said(0, "history", kind="history")["rollouts"], [paused])

    def test_a_plan_shows_a_version_that_comes_back_with_other_content(self):
        self.configure("[rollout]\nmax_failures = 1\n")
        self.run_kongfleet(1, "rollout", "--yes")
        self.assertNotIn("conflicts", self.said(1, "plan", kind="plan"))
        handler = self.directory / "plugins/my-plugin/kong/plugins/my-plugin/handler.lua"
        handler.write_text(handler.read_text() + "-- changed\n")
        conflict, = self.said(1, "plan", kind="plan")["conflicts"]
        self.assertEqual(conflict["version"], "1.0.0")
        self.assertIn("give it a new version", conflict["text"])

    def test_a_plan_needs_no_memory_and_tells_when_it_has_none(self):
        (self.directory / "edge.db").write_text("x" * 5000)
        self.assertNotIn("conflicts", self.said(1, "plan", kind="plan"))
        self.assertRegex(self.errors, "note: state '.*edge.db': .* is not known\n")

    def test_a_mistake_names_the_command_whatever_stands_before_it(self):
        for command in ("plan", "rollout", "status", "sync", "history", "check"):
            with self.subTest(command):
                mistake = self.said(1, "-f", "nowhere.toml", command, kind="mistake")
                self.assertEqual(mistake["command"], command)
        for command in ("show", "report", "resume", "abort"):
            with self.subTest(command):
                mistake = self.said(1, "-f", "fleet.toml", command, "none", kind="mistake")
                self.assertEqual(mistake["command"], command)

    def test_wrong_arguments_print_no_document(self):
        self.assertEqual(self.run_kongfleet(1, "sync", "--splat"), "")
        self.assertEqual(self.errors, "kongfleet: unknown option '--splat' of sync; did you mean '--splay'?\n")

    def test_every_kind_was_seen(self):
        seen = {documents.kind_of(said) for _, said in golden()}
        seen |= {"init", "check", "pack", "export", "bootstrap", "report", "mistake"}  # the program's, above
        self.assertEqual(seen, set(KINDS))


if __name__ == "__main__":
    unittest.main(verbosity=2)
