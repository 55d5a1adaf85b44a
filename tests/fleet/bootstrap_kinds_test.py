#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Hosts of many kinds, bootstrapped: whose Kong it is and where its configuration lies is found and not guessed; what a
deploy changes is open to the agent, wherever it lies; a host that can't be managed is told so before it is touched."""
import os
import socket
import unittest

from bare_hosts import BareHostsTest
from environment_test import DROP_IN, IN_DROP_IN, IN_VARIABLES, VARIABLES
from fleet import PROJECT, wait_for

UNITS = "/etc/systemd/system"
SSHD = "/etc/ssh/sshd_config"
TOML = "/etc/kongfleet/agent.toml"
NGINX = "/usr/local/openresty/nginx/sbin/nginx"
PREPARE = "/usr/local/bin/kong prepare -p /usr/local/kong"


class BootstrapKindsTest(BareHostsTest):
    @classmethod
    def setUpClass(cls):
        cls.begin_with_bare_hosts(3)
        cls.deb = cls.agent_package("DEB")
        cls.host, cls.units, cls.variables = cls.fleet

    def found(self, expect: int = 0) -> dict:
        """What a bootstrap finds on the first host."""
        host, = self.bootstrap(self.deb, "--dry-run", self.host.name, expect=expect).json()["hosts"]
        return host

    def refused(self) -> str:
        """Why it refuses the first host, which it did not touch."""
        host, = self.bootstrap(self.deb, "--yes", self.host.name, expect=5).json()["hosts"]
        self.assertEqual(host["result"], "refused")
        self.assertFalse(self.host.path("/usr/bin/kongfleet-agent").exists())
        return host["text"]

    def serve(self, host, *commands: str):
        host.run("sh", "-ec", "; ".join(commands))
        wait_for("the gateway answers", lambda: self.fleet.serves(host))

    def configure_sshd(self, text: str):
        self.host.write(SSHD, text)
        self.host.run("systemctl", "reload", "ssh")

    def sshd_as_it_is(self) -> str:
        """Its configuration, which comes back at the end of the test."""
        text = self.host.read(SSHD)
        self.addCleanup(self.configure_sshd, text)
        return text

    def test_1_a_unit_in_which_kong_merely_runs_is_not_taken_for_its_own(self):
        self.host.run("systemctl", "stop", "kong")
        start = "/usr/local/bin/kong start -c /etc/kong/kong.conf"
        for name, text in (("cron", f"ExecStart=/bin/sh -c '{start} && exec sleep infinity'"),
                           ("rc-local", f"Type=oneshot\nRemainAfterExit=yes\nExecStart={start}")):
            with self.subTest(unit=name):
                self.host.write(f"{UNITS}/{name}.service", f"[Service]\n{text}\n")
                self.serve(self.host, "systemctl daemon-reload", f"systemctl start {name}")
                found = self.found()
                self.assertEqual(found["unit"], "")
                self.assertIn('unit = "none"', found["script"])
                self.assertNotIn(f"{name}.service", found["script"])
                self.host.run("systemctl", "stop", name)
                self.host.run("rm", f"{UNITS}/{name}.service")
        self.serve(self.host, "systemctl daemon-reload", "systemctl start kong")
        self.assertEqual(self.found()["unit"], "kong.service")

    def test_2_what_kong_is_told_is_its_conf_and_not_what_nginx_is_told(self):
        drop_in = f"{UNITS}/kong.service.d/x.conf"
        for conf, setting, command in (
                ("/srv/gw/gateway.conf", "ExecStartPre", f"{PREPARE} --conf /srv/gw/gateway.conf"),
                ("/srv/gw/gateway.conf", "ExecStartPre", f"{PREPARE} --conf=/srv/gw/gateway.conf"),
                ("/etc/gateway/edge.conf", "ExecStartPre",
                 f"/bin/sh -c '{PREPARE} -c /etc/gateway/edge.conf; true -c /x.conf'"),
                ("/etc/kong/kong.conf", "ExecStart", f"{NGINX} -p /usr/local/kong -c /usr/local/kong/kong.conf")):
            with self.subTest(command=command):
                self.host.write(drop_in, f"[Service]\n{setting}=\n{setting}={command}\n")
                self.host.run("systemctl", "daemon-reload")
                self.assertEqual(self.found()["conf"], conf)
        self.host.run("sh", "-c", f"rm -r {UNITS}/kong.service.d; systemctl daemon-reload")

    def test_2b_the_kong_conf_in_use_is_found_in_kongs_own_order(self):
        first, second = "/etc/kong/kong.conf", "/etc/kong.conf"
        self.host.run("cp", first, second)
        self.assertEqual(self.found()["conf"], first)
        self.serve(self.host, f"rm {first}", "systemctl restart kong")
        self.assertIn(f"a deploy changes {second}, and all of /etc is too much to open", self.refused())
        self.assertEqual(self.found(expect=5)["conf"], second)
        # As the refusal has it, Kong runs on what it ran on.
        self.serve(self.host, f"mv {second} {first}", "systemctl restart kong")
        found = self.found()
        self.assertIn(f'conf = "{first}"', found["script"])
        self.host.run("mv", first, "/root")
        self.assertIn("write an empty /etc/kong/kong.conf", self.refused())
        self.host.run("mv", "/root/kong.conf", first)
        # A link is the file it leads to, which Kong and the agent find by it.
        self.serve(self.host, f"mkdir -p /srv/gw && mv {first} /srv/gw/ && ln -s /srv/gw/kong.conf {second}",
                   "systemctl restart kong")
        found = self.found()
        self.assertIn(f'conf = "{second}"', found["script"])
        self.assertIn("\npaths='\"-/srv/gw\"'\n", found["script"])
        self.serve(self.host, f"rm {second}", f"mv /srv/gw/kong.conf {first}", "systemctl restart kong")

    def test_3_of_several_kongs_the_one_that_is_configured_counts(self):
        conf = self.host.read("/etc/kong/kong.conf").replace("/usr/local/kong", "/srv/kong")
        for port in (8000, 8001, 8100):
            conf = conf.replace(f":{port}", f":{port + 500}")
        self.host.write("/etc/kong/second.conf", conf)
        unit = self.host.run("systemctl", "cat", "kong.service").stdout
        self.host.write(f"{UNITS}/second.service", unit.replace(PREPARE, f"{PREPARE} -c /etc/kong/second.conf")
                        .replace("/usr/local/kong", "/srv/kong"))
        self.addCleanup(self.host.run, "sh", "-ec", "rm -rf /etc/kongfleet /etc/kong/second.conf; "
                        f"systemctl stop second; rm -r {UNITS}/second.service /srv/kong; systemctl daemon-reload")
        self.host.run("sh", "-ec", "mkdir /srv/kong; systemctl daemon-reload; systemctl start second")
        wait_for("the other gateway answers", self.second_serves)
        self.assertIn("more than one Kong runs there", self.refused())
        for toml, unit in (('prefix = "/usr/local/kong"', "kong.service"),
                           ('prefix = "/srv/kong/"', "second.service"),
                           ('conf = "/etc/kong/second.conf"', "second.service"),
                           ("", "kong.service"),
                           ('prefix = "/srv/kong"\nunit = "else.service"', "else.service"),
                           ('prefix = "/srv/kong"\nunit = "none"', "")):
            with self.subTest(toml=toml):
                self.host.write(TOML, f"[kong]\n{toml}\n")
                found = self.found()
                self.assertEqual(found["unit"], unit)
                self.assertIn(f"\nunit='{unit}'\n", found["script"])

    def second_serves(self) -> bool:
        try:
            return self.host.http_get("/mock/anything", port=8500).status == 200
        except OSError:
            return False

    def test_4_an_sshd_that_keeps_the_login_out_is_told_before_it_is_touched(self):
        before = self.sshd_as_it_is()
        for line in ("AllowUsers root admin", "AllowGroups root", "DenyUsers kong*", "DenyGroups kongfleet"):
            self.configure_sshd(f"{line}\n{before}")
            self.assertIn(f"its sshd keeps the login 'kongfleet' out ({line})", self.refused())
        for line in ("AllowUsers root kong*@127.0.0.?", "AllowGroups root kongfleet",
                     "DenyUsers kongfleet@192.0.2.1 admin"):
            self.configure_sshd(f"{line}\n{before}")
            self.assertEqual(self.found()["result"], "surveyed", line)

    def test_5_an_sshd_is_good_if_it_reads_the_directory_or_has_what_would_be_in_it(self):
        before = self.sshd_as_it_is()
        include = "Include /etc/ssh/sshd_config.d/*.conf"
        self.assertIn(include, before)
        block = (PROJECT / "systemd/sshd_config.d/kongfleet.conf").read_text()
        for text, good in (("", False), ("Include /etc/ssh/sshd_config.d/own.conf", False),
                           ("Include sshd_config.d/*.conf", True), (block, True),
                           (block.replace("User kongfleet", "User else"), False)):
            self.configure_sshd(before.replace(include, text))
            if good:
                self.assertEqual(self.found()["result"], "surveyed", text)
            else:
                self.assertIn("its sshd_config does not include", self.refused(), text)
        # Named, and not read all the same: below a Match it is for others. That shows afterwards.
        self.configure_sshd(before.replace(include, f"Match User nobody\n{include}"))
        host, = self.bootstrap(self.deb, "--yes", self.host.name, expect=4).json()["hosts"]
        self.assertIn("sshd does not restrict the login 'kongfleet'", host["text"])
        self.host.run("sh", "-ec", "dpkg --purge kongfleet-agent; rm -r /etc/kongfleet")

    def test_6_what_a_deploy_changes_is_open_to_the_agent_wherever_it_is(self):
        self.host.run("sh", "-ec", "mkdir -p /opt/gw/etc; mv /etc/kong/kong.conf /opt/gw/etc")
        self.host.run("sed", "-i", "s|^prefix = .*|prefix = /srv/kong|", "/opt/gw/etc/kong.conf")
        prepare = "/usr/local/bin/kong prepare -p /srv/kong -c /opt/gw/etc/kong.conf"
        nginx = f"{NGINX} -p /srv/kong -c nginx.conf"
        self.host.write(f"{UNITS}/kong.service.d/conf.conf", "[Service]\nExecStartPre=\nExecStart=\nExecReload=\n"
                        f"ExecStartPre={prepare}\nExecStart={nginx}\n"
                        f"ExecReload={prepare}\nExecReload={nginx} -s reload\n")
        own = self.units.address
        self.units.run("sed", "-i", f"s/^\\(admin\\|status\\)_listen = 127.0.0.1/\\1_listen = {own}/",
                       "/etc/kong/kong.conf")
        self.units.write(DROP_IN, IN_DROP_IN)
        self.variables.write(VARIABLES, IN_VARIABLES)
        self.variables.write(DROP_IN, f"[Service]\nEnvironmentFile=-{VARIABLES}\n")
        for host in self.fleet:
            self.serve(host, "systemctl daemon-reload", "systemctl restart kong")
        planned = self.bootstrap(self.deb, "--dry-run", self.units.name, expect=0).json()["hosts"][0]["script"]
        self.assertIn(f"\naddresses='{own}'\n", planned)
        self.assertEqual(self.results(self.deb, "--yes", expect=0), ["installed"] * 3)
        for host in self.fleet:
            opened = host.run("systemctl", "show", "-P", "IPAddressAllow", "kongfleet-agent.service").stdout.split()
            self.assertEqual(f"{own}/32" in opened, host is self.units, opened)
        for host, setting in ((self.host, 'conf = "/opt/gw/etc/kong.conf"'), (self.units, 'configure = "environment"'),
                              (self.variables, 'configure = "environment"')):
            self.assertIn(f"{setting}\n", host.read(TOML))
        self.fleet.kongfleet("rollout", "--yes", expect=0)
        for host, managed in ((self.host, "/opt/gw/etc/kong.conf"), (self.units, DROP_IN), (self.variables, VARIABLES)):
            self.assertIn("/var/lib/kongfleet/generations/", host.read(managed), managed)
        self.assertEqual(self.results(self.deb, "--yes", expect=0), ["unchanged"] * 3)
        self.assertIn('prefix = "/srv/kong"\n', self.host.read(TOML))
        self.lose_power_with_a_socket_in("/srv/kong")

    def lose_power_with_a_socket_in(self, prefix: str):
        """As a Kong 3.x leaves it, which does not start again before it is gone."""
        left = self.host.path(f"{prefix}/worker_events.sock")
        self.host.kill()
        place = os.open(left.parent, os.O_PATH)
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(f"/proc/self/fd/{place}/{left.name}")  # a path that is short enough
        os.close(place)
        self.assertTrue(left.is_socket())
        self.host.boot()
        self.assertFalse(left.exists())
        self.assertIn(f"removed stale '{prefix}/{left.name}'", self.host.journal("kongfleet-recover"))
        wait_for("the gateway answers", lambda: self.fleet.serves(self.host))

    def test_6b_where_systemd_does_not_know_a_group_of_calls_the_example_has_both_units_start(self):
        """What systemd before 239 makes of @system-service, this one makes of a group that there is not."""
        host = self.variables
        units = ("kongfleet-recover.service", "kongfleet-agent.service")  # one at a time: they share a lock
        survey = self.bootstrap(self.deb, "--dry-run", host.name, expect=0).json()["survey"]
        host.run("sed", "-i", "s/@system-service/@no-such-group/",
                 *(f"/usr/lib/systemd/system/{unit}" for unit in units))
        host.run("systemctl", "daemon-reload")
        host.run("systemctl", "stop", "kongfleet-agent.service")
        for unit in units:
            self.assertNotEqual(host.run("systemctl", "restart", unit, check=False).returncode, 0, unit)
        self.assertNotIn("unfiltered=yes", host.run("sh", "-c", survey).stdout)
        example = (PROJECT / "systemd/examples/kongfleet-agent.service.d/systemd-before-239.conf").read_text()
        for unit in units:
            host.write(f"{UNITS}/{unit}.d/systemd-before-239.conf", example)
        host.run("systemctl", "daemon-reload")
        host.run("systemctl", "stop", "kongfleet-agent.service")
        for unit in units:
            host.run("systemctl", "restart", unit)
        self.assertIn("unfiltered=yes", host.run("sh", "-c", survey).stdout)
        self.fleet.kongfleet("plan", host.name, expect=0)

    def test_6c_the_order_at_boot_stands_in_a_file_of_its_own(self):
        """Beside what people wrote; what a bootstrap wrote under a name of theirs goes, if they left it as it was."""
        host, order = self.host, f"{UNITS}/kongfleet-recover.service.d"
        ours = "# Written by 'kongfleet bootstrap'.\n[Unit]\nBefore=gateway.service\n"
        self.serve(host, "systemctl stop kong", f"cp /usr/lib/systemd/system/kong.service {UNITS}/gateway.service",
                   f"cp -r {UNITS}/kong.service.d {UNITS}/gateway.service.d", "systemctl daemon-reload",
                   "systemctl start gateway")
        host.write(TOML, host.read(TOML).replace('"kong.service"', '"gateway.service"'))
        for theirs, left in (("[Unit]\nBefore=rc-local.service\n", True), (ours, False),
                             (ours.replace("gateway.service", "gateway.service cron.service"), True)):
            host.run("rm", "-f", f"{order}/bootstrap-order.conf", "/var/lib/kongfleet/bootstrapped")
            host.write(f"{order}/kong.conf", theirs)
            host.run("systemctl", "daemon-reload")
            self.assertEqual(self.results(self.deb, "--yes", host.name, expect=0), ["upgraded"])
            self.assertEqual(host.path(f"{order}/kong.conf").exists(), left, theirs)
            if left:
                self.assertEqual(host.read(f"{order}/kong.conf"), theirs)
            before = host.run("systemctl", "show", "-P", "Before", "kongfleet-recover.service").stdout.split()
            self.assertIn("gateway.service", before)
            self.assertEqual(host.path(f"{order}/bootstrap-order.conf").exists(), "gateway" not in theirs or not left)
        host.run("rm", f"{order}/kong.conf")
        host.write(f"{order}/zz-kongfleet-order.conf", "[Unit]\nBefore=rc-local.service\n")
        host.write(f"{order}/bootstrap-order.conf", ours)

    def test_7_a_purge_takes_away_what_a_bootstrap_made_and_leaves_what_people_wrote(self):
        by_hand = f"{UNITS}/kongfleet-agent.service.d/limits.conf"
        self.host.write(by_hand, "[Service]\nMemoryMax=2G\n")
        self.assertTrue(self.host.path(f"{UNITS}/kongfleet-recover.service.d/bootstrap-paths.conf").exists())
        for host in (self.host, self.units):
            host.run("dpkg", "--purge", "kongfleet-agent")
            left = host.run("sh", "-c", f"ls -d {UNITS}/kongfleet*/*", check=False).stdout.split()
            self.assertEqual(left, [by_hand] if host is self.host else [])
        self.assertNotIn("/var/lib/kongfleet", self.host.read("/opt/gw/etc/kong.conf"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
