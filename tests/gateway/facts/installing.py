# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The stand-in as `install` puts it somewhere; a real Kong comes with its own package."""

import os
import subprocess

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def installed(check, node):
    if not node.kong.is_stand_in:
        return
    destination = os.path.join(node.root, "host")
    subprocess.run([os.path.join(HERE, "install"), destination, "--version", check.version],
                   check=True)
    node.kong.command = [os.path.join(destination, "usr/local/bin/kong")]
    node.kong.environment = {}
    result = node.run("version")
    check("the installed command knows its version", result.out.strip() == check.version, result)
    node.generation("1")
    node.write_conf()
    node.start()
    check("it starts", node.ask() == (200, "1.0.0"), node.ask())
    old = node.workers()
    node.use("2")
    node.reload()
    check("it reloads", node.replaced(old) and node.served("2.0.0"), node.ask())
    scratch = os.path.join(node.root, "scratch")
    os.mkdir(scratch)
    result = node.run("config", "parse", node.yml, "-c", node.conf, "-p", scratch)
    check("it parses", result.code == 0, result)
    with open(os.path.join(destination, "lib/systemd/system/kong.service"),
              encoding="utf-8") as file:
        unit = file.read()
    for line in ("ExecStartPre=/usr/local/bin/kong prepare -p /usr/local/kong",
                 "ExecReload=/usr/local/bin/kong prepare -p /usr/local/kong",
                 "ExecStop=/bin/kill -s QUIT $MAINPID", "PrivateTmp=true",
                 "Environment=KONG_NGINX_DAEMON=off", "LimitNOFILE=infinity"):
        check(f"the unit says {line}", line in unit.splitlines())
    check("the unit says User=root from 3.4.2 on",
          ("User=root" in unit.splitlines()) == check.is_3x)


def installed_over_another(check, node):
    if not node.kong.is_stand_in:
        return
    destination = os.path.join(node.root, "host")
    for version in ("3.4.2", "2.8.5", check.version):
        subprocess.run([os.path.join(HERE, "install"), destination, "--version", version],
                       check=True)
    node.kong.command = [os.path.join(destination, "usr/local/bin/kong")]
    node.kong.environment = {}
    result = node.run("version")
    check("installed again as another version: it is that version",
          result.out.strip() == check.version, result)


GROUPS = [installed, installed_over_another]
