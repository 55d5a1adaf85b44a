#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""README's way to a first rollout, its lines as they stand there, with what `kongfleet init` writes, on a real host."""
import os
import re
import shutil
import subprocess
import unittest

from fleet import BUILD, PROJECT, Fleet, FleetTest


def typed() -> list[str]:
    """The block that begins with `kongfleet init`; the shell takes what stands behind '#' for a comment, too."""
    block, = re.findall(r"(?m)^    kongfleet init .*\n(?:    .*\n)*", (PROJECT / "README.md").read_text())
    return [line.strip() for line in block.splitlines()]


class FirstRolloutTest(FleetTest):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(1, uses_plugin=False)
        cls.fleet.__enter__()

    def setUp(self):
        self.host = self.fleet[0]
        home = self.fleet.directory / "home"
        (home / ".ssh").mkdir(parents=True)
        shutil.copy(self.fleet.directory / "deploy_key", home / ".ssh/id_ed25519")
        self.place = home / "edge"
        self.place.mkdir()
        # The host has no name here; a bake of a minute would only take long.
        (home / "edits").write_text(f's/"edge-\\[01-03\\]\\.example\\.net"/"{self.host.address}"/\n'
                                    's/^bake .*/bake = "1s"/\n')
        self.world = {"PATH": f"{BUILD}:{os.environ['PATH']}", "HOME": str(home), "LC_ALL": "C.UTF-8",
                      "EDITOR": f"sed -i -f {home}/edits"}

    def sh(self, command: str, expect: int = 0) -> str:
        done = subprocess.run(["sh", "-c", command], cwd=self.place, env=self.world, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=300, check=False)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, expect, f"{command}\n{said}")
        return said

    def test_the_lines_of_readme_lead_to_a_rollout(self):
        init, edit, keyscan, check, plan, rollout = typed()
        self.sh(init)
        self.sh(edit)
        self.assertIn(self.host.address, (self.place / "fleet.toml").read_text())
        # Before the line with the keys nobody is spoken to, and the message has that line.
        known = self.place / "known_hosts"
        for command in (check, plan):
            said = self.sh(command, 7)
            self.assertIn("its key is unknown", said)
            self.assertIn(f"nothing is on file for '{self.host.address}'", said)
            advice = re.search(rf"run: (ssh-keyscan {self.host.address} >> '.*known_hosts')", said)[1]
            self.assertFalse(known.exists())
        self.assertRegex(keyscan, r"^ssh-keyscan edge-01 edge-02 >> known_hosts")
        self.sh(keyscan.replace("edge-01 edge-02", self.host.address))
        # Nothing is wrong.
        self.assertRegex(self.sh(check), rf"(?m)^{re.escape(self.host.address)}  1 warning, \d+ checks$")
        self.assertIn(self.host.address, self.sh(plan, 2))
        self.sh(f"{rollout.split('#')[0]} --yes")
        self.assertIn("my-plugin@1.0.0", self.sh("kongfleet status"))
        known.unlink()
        self.sh(advice)  # by the message's own word it is as well
        self.sh("kongfleet status")


if __name__ == "__main__":
    unittest.main()
