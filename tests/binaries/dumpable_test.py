#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""No core dump of our programs is ever written, and nobody but root looks into them: they hold passwords and keys."""
import os
import pathlib
import pwd
import socket
import subprocess
import tempfile
import time
import unittest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("KONGFLEET_BUILD", PROJECT / "build")).resolve()
AGENT_COMMANDS = ("serve", "recover", "rollback", "status", "history", "verify", "connect")
NOBODY = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]


def first_calls(*command) -> str:
    """What a program asks of the kernel that is of prctl(2) or opens a file."""
    done = subprocess.run(["timeout", "5", "strace", "-f", "-e", "trace=prctl,openat", *map(str, command)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.stderr


class DumpableTest(unittest.TestCase):
    def setUp(self):
        self.scratch = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="kongfleet-core-")))
        self.scratch.chmod(0o755)
        self.config = self.scratch / "agent.toml"
        self.config.write_text(f'[kong]\nconf = "{self.scratch}/none.conf"\nbinary = "/bin/false"\n'
                               f'unit = "none"\n[agent]\nsocket = "{self.scratch}/socket"\n'
                               f'state = "{self.scratch}/state"\n')

    def test_each_command_sees_to_it_before_it_reads_anything(self):
        commands = [(BUILD / "kongfleet-agent", "--config", self.config, name) for name in AGENT_COMMANDS]
        commands.append((BUILD / "kongfleet", "-f", self.scratch / "fleet.toml", "check"))
        for command in commands:
            calls = first_calls(*command)
            before, done, after = calls.partition("prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE)")
            self.assertTrue(done, f"{command}: {calls}")
            self.assertNotIn(str(self.scratch), before)
            self.assertIn(".toml", after)  # which names all else that is read

    def test_what_is_so_belongs_to_root_whoever_runs_it(self):
        """The kernel gives /proc/PID of a process that may not be dumped to root."""
        place = self.scratch / "socket"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(place))
            listener.listen()
            place.chmod(0o666)
            agent = self.scratch / "agent"
            agent.write_bytes((BUILD / "kongfleet-agent").read_bytes())
            agent.chmod(0o755)
            for command, owner in (([agent, "--config", self.config, "connect"], 0),
                                   (["sleep", "60"], pwd.getpwnam("nobody").pw_uid)):
                with subprocess.Popen([*NOBODY, *map(str, command)], stdin=subprocess.PIPE) as process:
                    try:
                        name = pathlib.Path(command[0]).name
                        self.assertTrue(self.becomes(process.pid, name, owner), f"{name}: not {owner}'s")
                    finally:
                        process.kill()

    @staticmethod
    def becomes(process, name, owner) -> bool:
        deadline = time.monotonic() + 10
        directory = pathlib.Path(f"/proc/{process}")
        while time.monotonic() < deadline:
            status = (directory / "status").read_text()
            nobody = f"\nUid:\t{pwd.getpwnam('nobody').pw_uid}\t" in status
            if f"Name:\t{name}\n" in status and nobody and (directory / "environ").stat().st_uid == owner:
                return True
            time.sleep(0.01)
        return False


if __name__ == "__main__":
    unittest.main(verbosity=2)
