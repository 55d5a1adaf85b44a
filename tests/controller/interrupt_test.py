#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C on the real kongfleet: the first one ends a rollback whose host cannot be reached, the next
one the hook after_rollout. What is said is true of a rollback, and its exit code is kept. One that
comes before anything was begun is answered, too."""
import pathlib
import select
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

from lone_fleet import BUILD, FLEET, PROJECT, catches, wait_for

sys.path.insert(0, str(PROJECT / "tests"))
from documents import document, documents

HOOKS = """
[hooks]
after_rollout = ["sh", "-c", "echo $$ $KONGFLEET_EXIT end > hook; exec sleep 600"]
timeout = "5m"
"""


class InterruptTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.place = pathlib.Path(scratch.name)
        (self.place / "fleet.toml").write_text(FLEET.format(more=HOOKS))
        (self.place / "known_hosts").touch()
        plugin = self.place / "plugins/my-plugin/kong/plugins/my-plugin"
        plugin.mkdir(parents=True)
        (plugin / "handler.lua").write_text('return { VERSION = "1.0.0", PRIORITY = 1 }\n')
        (plugin / "schema.lua").write_text('return { name = "my-plugin", fields = {} }\n')

    def start(self, *words: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [BUILD / "kongfleet", "-f", "fleet.toml", *words], cwd=self.place, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def interrupt_all(self, process: subprocess.Popen, last: int) -> int:
        """The rollback, and then its hook; what the hook's process was."""
        def handles_signals() -> bool:
            self.assertIsNone(process.poll(), "it ended before it was told to")
            return catches(process.pid, signal.SIGINT)
        wait_for("it handles signals", handles_signals)
        process.send_signal(signal.SIGINT)

        def told():
            hook = self.place / "hook"
            words = hook.read_text().split() if hook.exists() else []
            return words if words[-1:] == ["end"] else None
        number, code, _ = wait_for("the hook runs", told)
        self.assertEqual(code, "130")
        process.send_signal(last)
        return int(number)

    def test_one_ctrl_c_ends_a_rollback_and_one_its_hook(self):
        for last in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(last=last):
                (self.place / "hook").unlink(missing_ok=True)
                process = self.start("rollback", "--yes")
                hook = self.interrupt_all(process, last)
                out, err = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 130, err)
                self.assertFalse(pathlib.Path(f"/proc/{hook}").exists())
                self.assertIn("1 host not told", out)
                self.assertIn("was not told to go back: it stays as it was", out)
                self.assertIn("no other host is told to go back; those that were finish", err)
                self.assertIn("hook after_rollout ('sh'): 'sh' was ended", err)
                self.assertNotIn("confirmed", out + err)
                self.assertNotIn("resume", out + err)

    def test_as_json_it_is_interrupted_and_its_host_waits(self):
        process = self.start("--output", "json", "rollback", "--yes")
        self.interrupt_all(process, signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        end = documents(out)[-1]
        self.assertEqual((end["event"], end["exit"], end["state"]), ("end", 130, "interrupted"))
        self.assertEqual([host["phase"] for host in end["hosts"]], ["waiting"])
        # It keeps nobody out.
        shown = subprocess.run([BUILD / "kongfleet", "-f", "fleet.toml", "history"], text=True,
                               cwd=self.place, capture_output=True, check=True).stdout
        self.assertNotIn("not over", shown)

    def interrupted_early(self, number: signal.Signals, *words: str) -> tuple[str, str]:
        """What one says that is interrupted while it waits for its host's first word."""
        with socket.create_server(("127.0.0.1", 0)) as host:
            fleet = FLEET.format(more="").replace("127.0.0.1:1", f"127.0.0.1:{host.getsockname()[1]}")
            (self.place / "fleet.toml").write_text(fleet.replace('"2s"', '"600s"'))
            process = self.start(*words)
            wait_for("it connects", lambda: select.select([host], [], [], 0)[0])
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 130, err)
            return out, err

    def test_before_anything_was_begun_it_says_that_nothing_was_touched(self):
        said = "kongfleet: interrupted; nothing was touched\n"
        for number in (signal.SIGINT, signal.SIGTERM):
            for words, summary in ((["rollout", "--yes"], ""), (["sync"], r"sync .* exit=130 .*\n")):
                for _ in range(2):  # it keeps nobody out either
                    with self.subTest(number=number, words=words):
                        out, err = self.interrupted_early(number, *words)
                        self.assertEqual(err, said)
                        self.assertRegex(out, f"^{summary}$")
        out, err = self.interrupted_early(signal.SIGINT, "--output", "json", "rollout", "--yes")
        self.assertEqual(err, "")
        self.assertEqual(document(out)["error"], "interrupted; nothing was touched")


if __name__ == "__main__":
    unittest.main(verbosity=2)
