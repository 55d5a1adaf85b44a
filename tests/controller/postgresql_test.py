#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""A state in PostgreSQL: a real server, on a socket of its own. What the unit tests ask of a state in
a file they ask of this one, too; then two controllers share it, and one of them dies."""
import contextlib
import os
import pathlib
import pwd
import signal
import subprocess
import sys
import tempfile
import unittest

from lone_fleet import BUILD, FLEET, PROJECT, wait_for

sys.path.insert(0, str(PROJECT / "tests"))
import handbook
from in_shares import run_in_shares

ASKED = ("[#rollout_memory_test],[#fleet_hold_test],[#taken_over_test],[.postgresql],"
         "a deed that fails leaves nothing behind,a writer killed before any of its*")
HOOKS = """
[hooks]
after_rollout = ["sh", "-c", "echo $$ > hook; exec sleep 600"]
timeout = "5m"
"""


class PostgresqlTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        owner = pwd.getpwnam("postgres")  # its programs refuse to run as root
        programs = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"),
                       key=lambda path: int(path.parent.name))
        scratch = tempfile.TemporaryDirectory(prefix="kongfleet-")
        cls.addClassCleanup(scratch.cleanup)
        cls.place = pathlib.Path(scratch.name)
        os.chown(cls.place, owner.pw_uid, owner.pw_gid)
        user = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
        data = cls.place / "data"
        subprocess.run([*user, programs / "initdb", "--pgdata", data, "--username", "kongfleet",
                        "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"],
                       cwd=cls.place, stdout=subprocess.DEVNULL, check=True)
        with open(data / "pg_hba.conf", "w", encoding="utf-8") as rules:
            rules.write("local all guarded scram-sha-256\nlocal all all trust\n")
        cls.command = [*user, "--pdeathsig=QUIT", programs / "postgres", "-D", data, "-k", cls.place,
                       "-h", "", "-c", "fsync=off"]
        cls.uri = f"postgresql://kongfleet@/postgres?host={cls.place}"
        cls.programs = programs
        cls.begin()
        cls.addClassCleanup(cls.stop)

    @classmethod
    def begin(cls):
        with open(cls.place / "log", "ab") as log:
            cls.server = subprocess.Popen(cls.command, cwd=cls.place, stderr=log)
        asks = [cls.programs / "pg_isready", "-qh", cls.place]

        def answers() -> bool:
            assert cls.server.poll() is None, (cls.place / "log").read_text()
            return subprocess.run(asks, check=False).returncode == 0
        wait_for("the server answers", answers)

    @classmethod
    def stop(cls):
        cls.server.send_signal(signal.SIGQUIT)
        cls.server.wait()

    @classmethod
    def sql(cls, statement: str) -> str:
        return cls.sql_in("postgres", statement)

    @classmethod
    def sql_in(cls, database: str, statement: str) -> str:
        return subprocess.run([cls.programs / "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-h", cls.place,
                               "-U", "kongfleet", "-c", statement, database], text=True, check=True,
                              stdout=subprocess.PIPE).stdout.strip()

    def holders(self, database: str) -> str:
        there = self.sql_in(database, "SELECT to_regclass('holders') IS NOT NULL")
        return self.sql_in(database, "SELECT count(*) FROM holders") if there == "t" else ""

    def fleet(self, name: str, uri: str, more: str = "") -> pathlib.Path:
        place = self.place / name
        plugin = place / "plugins/my-plugin/kong/plugins/my-plugin"
        plugin.mkdir(parents=True)
        (place / "fleet.toml").write_text(
            FLEET.format(more=more).replace('name = "edge"', f'name = "edge"\nstate = "{uri}"'))
        (place / "known_hosts").touch()
        (plugin / "handler.lua").write_text('return { VERSION = "1.0.0", PRIORITY = 1 }\n')
        (plugin / "schema.lua").write_text('return { name = "my-plugin", fields = {} }\n')
        return place

    def start(self, place: pathlib.Path, *command: str) -> subprocess.Popen:
        process = subprocess.Popen([BUILD / "kongfleet", "-f", "fleet.toml", *command], cwd=place,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, start_new_session=True)
        def end():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # and its hook
            process.communicate()
        self.addCleanup(end)
        return process

    def run_through(self, place: pathlib.Path, *command: str) -> tuple[int, str]:
        process = self.start(place, *command)
        out, err = process.communicate(timeout=60)
        return process.returncode, out + err

    def test_what_is_asked_of_a_state_in_a_file(self):
        self.sql("CREATE DATABASE unit")
        uri = self.uri.replace("/postgres?", "/unit?")
        said = run_in_shares(str(BUILD / "tests/controller_tests"), 3,
                             {**os.environ, "KONGFLEET_TEST_POSTGRESQL": uri}, specs=(ASKED,))
        print(said)

    def test_two_controllers_share_it_and_one_dies(self):
        self.sql("CREATE DATABASE fleet")
        self.sql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
        code, said = self.run_through(self.fleet("latin", self.uri.replace("/postgres?", "/latin?")), "sync")
        self.assertNotEqual(code, 0)
        self.assertIn("its encoding is LATIN1", said)
        uri = self.uri.replace("/postgres?", "/fleet?")
        code, said = self.run_through(self.fleet("looker", uri), "history")
        self.assertEqual((code, said), (0, "nothing is remembered yet\n"))
        one = self.start(self.fleet("one", uri, HOOKS), "rollback", "--yes")
        hook = self.place / "one/hook"
        wait_for("the first one's hook", lambda: one.poll() is not None or
                 hook.exists() and hook.read_text().endswith("\n"))
        self.assertIsNone(one.poll(), "it ended before it was told to")
        code, said = self.run_through(self.fleet("two", uri), "sync")
        self.assertEqual(code, 75, said)
        self.assertRegex(said, "@.* holds this fleet since .*: rollback")
        one.kill()
        os.kill(int(hook.read_text()), signal.SIGKILL)
        one.wait()
        code, said = self.run_through(self.place / "two", "sync")
        self.assertNotEqual(code, 75, said)
        self.assertIn("Connection refused", said)  # nobody listens where its host is
        code, said = self.run_through(self.place / "looker", "history")
        self.assertEqual(code, 0, said)
        self.assertEqual(said.count("rollback-"), 1, said)

    def test_a_server_that_is_started_anew_is_waited_for(self):
        uri = self.uri.replace("/postgres?", "/anew?")
        self.sql("CREATE DATABASE anew")
        place = self.fleet("anew", uri, HOOKS)
        one = self.start(place, "rollback", "--yes")
        wait_for("it holds the fleet", lambda: self.holders("anew") == "1")
        self.stop()
        self.begin()
        wait_for("its hook", lambda: one.poll() is not None or (place / "hook").exists())
        self.assertEqual(self.holders("anew"), "1")
        os.killpg(one.pid, signal.SIGINT)
        os.killpg(one.pid, signal.SIGINT)
        out, err = one.communicate(timeout=60)
        self.assertNotIn("not remembered", out + err)
        self.assertEqual(self.holders("anew"), "0", out + err)

    def test_it_is_copied_and_put_back_as_the_handbook_says(self):
        self.sql("CREATE DATABASE kept")
        uri = self.uri.replace("/postgres?", "/kept?")
        place = self.fleet("kept", uri)
        one = self.start(place, "rollback", "--yes")
        wait_for("it is remembered", lambda: "rollback-" in self.run_through(place, "history")[1])
        one.kill()  # it need not be over for that
        one.communicate()
        before = self.run_through(place, "history")
        self.assertEqual(before[1].count("rollback-"), 1)
        dump, restore = [line for lines in handbook.typing("RESTORING THE STATE FILE") for line in lines if " -d postgresql:" in line]
        self.type(dump, uri, place)
        self.sql_in("kept", "UPDATE rollouts SET who = 'somebody'")
        self.assertNotEqual(self.run_through(place, "history"), before)
        self.type(restore, uri, place)
        self.assertEqual(self.run_through(place, "history"), before)
        self.sql("DROP DATABASE kept")
        self.sql("CREATE DATABASE kept")
        self.type(restore, uri, place)
        self.assertEqual(self.run_through(place, "history"), before)

    def type(self, line: str, uri: str, place: pathlib.Path) -> None:
        typed = line.removeprefix("$ ").replace("postgresql://USER@HOST/DATABASE", f"'{uri}'")
        path = f"{self.programs}:{os.environ['PATH']}"
        subprocess.run(["sh", "-c", typed], cwd=place, env={**os.environ, "PATH": path}, check=True)

    def test_what_a_smoke_test_left_is_deleted_and_nothing_else(self):
        """With the handbook's statement, from a table as Kong has it."""
        self.sql("CREATE TABLE plugins (id uuid PRIMARY KEY, name text NOT NULL, tags text[])")
        self.sql("INSERT INTO plugins VALUES (gen_random_uuid(), 'left', '{kongfleet-smoke,kongfleet-smoke-17}'),"
                 " (gen_random_uuid(), 'other', '{kongfleet}'), (gen_random_uuid(), 'untagged', NULL)")
        statement, = [block for block in handbook.below("A SMOKE TEST") if block.startswith("DELETE ")]
        self.sql(statement)
        self.assertEqual(self.sql("SELECT name FROM plugins ORDER BY name"), "other\nuntagged")

    def test_a_password_is_not_told(self):
        self.sql("CREATE ROLE guarded LOGIN PASSWORD 'right'")
        uri = f"postgresql://guarded:wrong-one@/postgres?host={self.place}"
        code, said = self.run_through(self.fleet("guarded", uri), "history")
        self.assertEqual(code, 1, said)
        self.assertIn(f"state 'postgresql://guarded@{self.place}/postgres': ", said)
        self.assertIn("password authentication failed", said)
        self.assertNotIn("wrong-one", said)


if __name__ == "__main__":
    unittest.main()
