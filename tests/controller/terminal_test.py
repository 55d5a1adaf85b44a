#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The real kongfleet on a terminal and elsewhere: a picture that is painted over itself or
timestamped lines, with colours or without, for a rollback that waits for its host and for
`status --watch`."""
import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import unittest

from lone_fleet import BUILD, FLEET, PROJECT, catches, wait_for

sys.path.insert(0, str(PROJECT / "tests"))
from documents import document

COLUMNS, ROWS = 60, 10
COLOUR = re.compile(r"\x1b\[[\d;]*m")
UP = re.compile(r"\x1b\[\d+A")  # to the first row of what was painted before
LINE = re.compile(r"(?m)^\d\d:\d\d:\d\d  rollback +stops: interrupted\r?$")
MOMENT = re.compile(r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")


class Reader:
    """What comes out of a descriptor; a terminal's ends with an error instead of an end."""

    def __init__(self, descriptor: int):
        self.descriptor = descriptor
        self.text = ""
        self.ended = False

    def seen(self) -> str:
        while not self.ended and select.select([self.descriptor], [], [], 0)[0]:
            try:
                some = os.read(self.descriptor, 65536)
            except OSError:
                some = b""
            self.ended = not some
            self.text += some.decode()
        return self.text


class Neighbour:
    """Where a host would be: nobody listens, until one does who hangs up when greeted."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def hang_up(self) -> bool:
        """Whether somebody was there."""
        if not select.select([self.socket], [], [], 0)[0]:
            return False
        caller, _ = self.socket.accept()
        with caller:
            while caller.recv(1) not in (b"\n", b""):
                pass
        return True


class TerminalTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.place = pathlib.Path(scratch.name)
        (self.place / "fleet.toml").write_text(FLEET.format(more=""))
        (self.place / "known_hosts").touch()
        plugin = self.place / "plugins/my-plugin/kong/plugins/my-plugin"
        plugin.mkdir(parents=True)
        (plugin / "handler.lua").write_text('return { VERSION = "1.0.0", PRIORITY = 1 }\n')
        (plugin / "schema.lua").write_text('return { name = "my-plugin", fields = {} }\n')

    def terminal(self) -> tuple[Reader, int]:
        looker, screen = pty.openpty()
        self.addCleanup(os.close, looker)
        fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        return Reader(looker), screen

    def start(self, *arguments: str, stdout, stderr, **world: str) -> subprocess.Popen:
        around = {name: value for name, value in os.environ.items()
                  if name not in ("TERM", "NO_COLOR")}
        process = subprocess.Popen([BUILD / "kongfleet", *arguments], cwd=self.place,
                                   env=around | world, stdin=subprocess.DEVNULL, stdout=stdout,
                                   stderr=stderr)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for stream in (process.stdout, process.stderr):
            if stream:
                self.addCleanup(stream.close)
        for stream in (stdout, stderr):
            if stream >= 0:
                os.close(stream)  # ours; the looker is told when the program's is closed too
        return process

    def rollback(self, *options: str, piped: bool = False, **world: str) -> str:
        """What is on stderr of one that waits for its host until it is interrupted."""
        looker, screen = self.terminal()
        process = self.start("-f", "fleet.toml", *options, "rollback", "--yes",
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE if piped else screen, **world)
        if piped:
            os.close(screen)
            looker = Reader(process.stderr.fileno())
        wait_for("it handles signals", lambda: catches(process.pid, signal.SIGINT))
        if not piped and not options and world.get("TERM", "dumb") != "dumb":
            wait_for("it painted twice", lambda: len(UP.findall(looker.seen())) > 1)
        process.send_signal(signal.SIGINT)
        wait_for("it ends", lambda: looker.seen() is not None and looker.ended)
        self.assertEqual(process.wait(60), 130)
        return looker.text

    def test_a_terminal_has_a_picture_with_colours(self):
        for world in ({}, {"NO_COLOR": ""}):
            with self.subTest(world):
                seen = self.rollback(TERM="xterm", **world)
                self.assertRegex(seen, COLOUR)
                self.assertIn("127.0.0.1:1", seen)
                self.assertNotRegex(COLOUR.sub("", seen), LINE)
                for row in re.split(r"\r\n|\r", re.sub(r"\x1b\[[\d;]*[A-Za-z]", "", seen)):
                    self.assertLessEqual(len(row), COLUMNS)

    def test_no_color_is_respected(self):
        seen = self.rollback(TERM="xterm", NO_COLOR="1")
        self.assertRegex(seen, UP)
        self.assertNotRegex(seen, COLOUR)

    def test_where_it_cannot_be_painted_there_are_timestamped_lines(self):
        for world in ({"TERM": "dumb"}, {}, {"TERM": "xterm", "piped": True}):
            with self.subTest(world):
                seen = self.rollback(**world)
                self.assertRegex(seen, LINE)
                self.assertNotIn("\x1b", seen)

    def test_who_wants_json_has_no_picture_beside_it(self):
        self.assertNotIn("\x1b", self.rollback("--output", "json", TERM="xterm"))

    def watch(self, *options: str, stdout,
              **world: str) -> tuple[subprocess.Popen, Neighbour]:
        neighbour = Neighbour()
        self.addCleanup(neighbour.socket.close)
        fleet = FLEET.format(more="").replace("127.0.0.1:1", f"127.0.0.1:{neighbour.port}")
        (self.place / "fleet.toml").write_text(fleet)
        return self.look_on(*options, stdout=stdout, **world), neighbour

    def test_status_is_watched_and_told_again_when_it_is_another_one(self):
        process, neighbour = self.watch(stdout=subprocess.PIPE)
        looker = Reader(process.stdout.fileno())
        wait_for("the first look", lambda: "Connection refused\n" in looker.seen())
        neighbour.socket.listen()
        wait_for("the next look", neighbour.hang_up)
        wait_for("what is different", lambda: "disconnected\n" in looker.seen())
        for _ in range(2):  # looks that find nothing new; the last one is not over
            wait_for("another look", neighbour.hang_up)
        process.send_signal(signal.SIGINT)
        process.wait(60)
        host = f"127.0.0.1:{neighbour.port}"
        seen = looker.seen()
        self.assertEqual(len(MOMENT.findall(seen)), 2, seen)
        self.assertEqual(seen.count(f"{host}  unknown "), 2, seen)
        self.assertEqual(len(re.findall(f"(?m)^{host}: ", seen)), 2, seen)
        self.assertNotIn("\x1b", seen)

    def test_status_that_is_watched_on_a_terminal_fits_into_it_and_is_painted_anew(self):
        for world, coloured in (({}, False), ({"TERM": "dumb"}, False), ({"TERM": "xterm"}, True)):
            with self.subTest(world):
                looker, screen = self.terminal()
                process, _ = self.watch(stdout=screen, **world)
                if coloured:
                    wait_for("two pictures", lambda: looker.seen().count("\x1b[J") > 1)
                else:
                    wait_for("a table", lambda: "Connection refused" in looker.seen())
                process.send_signal(signal.SIGINT)
                process.wait(60)
                seen = looker.seen()
                self.assertEqual("\x1b" in seen, coloured)
                if not coloured:
                    continue
                _, *frames = seen.split("\x1b[H")
                rows = re.split(r"\x1b\[K\r+\n", frames[1].split("\x1b[J")[0])[:-1]
                self.assertEqual(rows[0], "1 host, 1 unknown")
                self.assertTrue(rows[1].startswith("HOST "), rows)
                self.assertRegex(rows[2], r"^127\.0\.0\.1:\d+ +unknown")
                self.assertTrue(rows[3].endswith("~"), rows)  # what went wrong is longer
                self.assertEqual(max(map(len, rows)), COLUMNS)

    def test_status_that_is_watched_as_json_is_a_document_for_every_look(self):
        process, _ = self.watch("--output", "json", stdout=subprocess.PIPE)
        looker = Reader(process.stdout.fileno())
        wait_for("two looks", lambda: looker.seen().count("\n") > 1)
        process.send_signal(signal.SIGINT)
        process.wait(60)
        for line in looker.seen().splitlines()[:2]:
            said = document(line)
            self.assertEqual(said["command"], "status")
            self.assertEqual([host["state"] for host in said["hosts"]], ["unknown"])
            self.assertNotIn("rollout", said)

    def waiting_rollback(self) -> subprocess.Popen:
        process = self.start("-f", "fleet.toml", "rollback", "--yes", stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        wait_for("it handles signals", lambda: catches(process.pid, signal.SIGINT))
        return process

    def look_on(self, *options: str, **streams: int | str) -> subprocess.Popen:
        return self.start("-f", "fleet.toml", *options, "status", "--watch",
                          stderr=subprocess.DEVNULL, **streams)

    def test_what_another_controller_does_is_watched_on_a_terminal(self):
        rollback = self.waiting_rollback()
        looker, screen = self.terminal()
        self.look_on(stdout=screen, TERM="xterm")

        def pictures() -> list[list[str]]:
            _, *frames = COLOUR.sub("", looker.seen()).split("\x1b[H")
            return [re.split(r"\x1b\[K\r+\n", frame) for frame in frames]

        wait_for("the rollback in the picture", lambda: any(
            re.fullmatch(r"rollback of .*: running", rows[0]) and
            re.match(r"rollback-\S+  0:\d\d", rows[1]) and
            any(row.startswith("1 host, 1 unknown") for row in rows)
            for rows in pictures() if len(rows) > 4))
        rollback.send_signal(signal.SIGINT)
        wait_for("its end", lambda: any(
            re.fullmatch(r"rollback of .*: interrupted", rows[0]) for rows in pictures()))

    def test_what_another_controller_does_is_told_line_by_line_elsewhere(self):
        process = self.look_on(stdout=subprocess.PIPE)
        looker = Reader(process.stdout.fileno())
        wait_for("the first look", lambda: "Connection refused\n" in looker.seen())
        rollback = self.waiting_rollback()
        wait_for("who began", lambda: re.search(
            r"(?m)^\S+ \S+  rollback-\S+  rollback of .*: running$", looker.seen()))
        rollback.send_signal(signal.SIGINT)
        wait_for("its end", lambda: re.search(
            r"(?m)^\S+ \S+  rollback-\S+  end ", looker.seen()))
        seen = looker.seen()
        self.assertEqual(len(re.findall("(?m)  stopping interrupted$", seen)), 1, seen)
        wait_for("what came of it", lambda: re.search(
            r"(?m)  rollback-\S+  rollback of .*: interrupted$", looker.seen()))
        self.assertEqual(len(MOMENT.findall(seen)), 1, seen)  # the hosts' status: it did not change

    def test_what_another_controller_does_is_in_the_json(self):
        self.waiting_rollback()
        process = self.look_on("--output", "json", stdout=subprocess.PIPE)
        looker = Reader(process.stdout.fileno())
        line = wait_for("it is there", lambda: next(
            (line for line in looker.seen().splitlines(keepends=True)
             if '"rollout"' in line and line.endswith("\n")), None))
        said = document(line)
        self.assertEqual(said["rollout"]["kind"], "rollback")
        self.assertEqual(said["rollout"]["result"], "running")

    def test_a_memory_that_is_none_is_told_and_hides_no_host(self):
        (self.place / "edge.db").write_text("no database\n" * 1000)
        process = self.look_on("--output", "json", stdout=subprocess.PIPE)
        looker = Reader(process.stdout.fileno())
        wait_for("a look", lambda: "\n" in looker.seen())
        said = document(looker.seen().splitlines()[0])
        self.assertIn("is not a database", said["rollout_unknown"])
        self.assertNotIn("rollout", said)
        self.assertEqual([host["state"] for host in said["hosts"]], ["unknown"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
