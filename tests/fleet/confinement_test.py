#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The shipped unit's real processes that read what controllers send: what they gave up, as the kernel has it. And one
login key that takes all the places it can get: root is heard all the same, and soon the controller."""
import contextlib
import os
import pathlib
import re
import socket
import unittest

from fleet import BUILD, Fleet, FleetTest, wait_for
import sanitized

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
PLACES = 28  # of 32: the others are root's


def message(name: str) -> bytes:
    """A whole frame, as a controller would send it."""
    return bytes.fromhex("".join((GOLDEN / f"{name}.hex").read_text().split()))


class Login:
    """The user kongfleet at the agent's socket, as who has the login's key is."""

    def __init__(self, host):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        user = next(line.split(":") for line in host.read("/etc/passwd").splitlines() if line.startswith("kongfleet:"))
        # The way through /proc is root's; the daemon sees who connects.
        directory = os.open(f"/proc/{host.leader}/root/run/kongfleet", os.O_PATH | os.O_DIRECTORY)
        os.setegid(int(user[3]))
        os.seteuid(int(user[2]))
        try:
            self.socket.connect(f"/proc/self/fd/{directory}/agent.sock")
        finally:
            os.seteuid(0)
            os.setegid(0)
            os.close(directory)

    def welcomed(self) -> bool:
        """False when it was turned away."""
        try:
            self.socket.sendall(message("hello"))
            return len(self.socket.recv(4)) > 0
        except (BrokenPipeError, ConnectionResetError):
            return False

    def __enter__(self) -> "Login":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()


def status_of(process: pathlib.Path) -> dict[str, str]:
    lines = (process / "status").read_text().splitlines()
    return {name: " ".join(value.split()) for name, value in (line.split(":", 1) for line in lines)}


def children(process: pathlib.Path) -> list[pathlib.Path]:
    pids = (process / "task" / process.name / "children").read_text().split()
    return [pathlib.Path("/proc") / pid for pid in pids]


def limits_of(process: pathlib.Path) -> dict[str, str]:
    """The soft limit, which is the hard one too; else both."""
    found = re.findall(r"^(Max [a-z ]+?) {2,}(\S+) +(\S+)", (process / "limits").read_text(), re.MULTILINE)
    return {name: soft if soft == hard else f"{soft} of {hard}" for name, soft, hard in found}


class ConfinementTest(FleetTest):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(1)
        cls.fleet.__enter__()
        cls.host = cls.fleet[0]
        cls.fleet.write_plugin("1.0.0")

    def processes(self) -> tuple[pathlib.Path, pathlib.Path, pathlib.Path]:
        """Daemon, factory, and the only interpreter."""
        main = self.host.run("systemctl", "show", "-P", "MainPID", "kongfleet-agent.service").stdout.strip()
        daemon = next(path.parent for path in pathlib.Path("/proc").glob("[0-9]*/status")
                      if path.exists() and self.is_process(path, main))
        factory, = children(daemon)
        found = []

        def one():
            found[:] = children(factory)
            return len(found) == 1 and status_of(found[0])["Name"] == "kf-interpreter" \
                and limits_of(found[0])["Max file size"] == "0" and len(list((found[0] / "fd").iterdir())) == 2
        wait_for("there is one interpreter", one, 20)
        return daemon, factory, found[0]

    def is_process(self, status: pathlib.Path, pid: str) -> bool:
        """Whether that is how the host's process of that number is seen from here."""
        try:
            text = status.read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False
        return f"\t{pid}\n" in (re.search(r"^NSpid:.*\n", text, re.MULTILINE) or [""])[0] \
            and os.readlink(status.parent / "ns/pid") == os.readlink(f"/proc/{self.host.leader}/ns/pid")

    def test_1_who_reads_what_controllers_send_has_no_privileges(self):
        with Login(self.host) as login:
            self.assertTrue(login.welcomed())
            _, factory, interpreter = self.processes()
            for process, name in ((factory, "kf-factory"), (interpreter, "kf-interpreter")):
                with self.subTest(name):
                    status = status_of(process)
                    self.assertEqual(status["Name"], name)
                    for field in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                        self.assertEqual(int(status[field], 16), 0, field)
                    self.assertEqual(status["NoNewPrivs"], "1")
                    self.assertEqual(status["Seccomp"], "2")
                    self.assertEqual(limits_of(process)["Max core file size"], "0")
            self.assertEqual([os.readlink(fd)[:8] for fd in (interpreter / "fd").iterdir()], ["socket:["] * 2)
            limits = limits_of(interpreter)
            self.assertEqual((limits["Max open files"], limits["Max processes"], limits["Max file size"]),
                             ("2", "0", "0"))
            if not sanitized.is_sanitized(BUILD / "kongfleet-agent"):
                self.assertLess(int(limits["Max address space"]), 256 << 20)

    def test_2_a_login_key_that_takes_all_places_keeps_out_neither_root_nor_for_long_a_controller(self):
        with contextlib.ExitStack() as held:
            taken = 0
            while held.enter_context(Login(self.host)).welcomed():
                taken += 1
            self.assertIn("too many conversations", self.host.journal("kongfleet-agent"))
            self.host.run("kongfleet-agent", "verify")
            wait_for("the controller is heard", lambda: self.fleet.kongfleet("plan").code == 2, 60)
            self.assertEqual(taken, PLACES)


if __name__ == "__main__":
    unittest.main(verbosity=2)
