# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What is put on a host before it boots: its key, the login user, the agent, a gateway.

The gateway is the stand-in of tests/gateway, or a real Kong when KONGFLEET_TEST_KONG names its
`kong` command: then that installation is mounted read-only at its own path.
"""
import os
import pathlib
import shutil
import subprocess

import sanitized
from host import Host

PROJECT = pathlib.Path(__file__).resolve().parents[2]
PREFIX = "/usr/local/kong"

KONG_CONF = f"""\
# Kong on this host. Written by hand, as it were: kongfleet changes two keys of it and no more.
prefix = {PREFIX}
database = off
declarative_config = /etc/kong/kong.yml
proxy_listen = 0.0.0.0:8000
admin_listen = 127.0.0.1:8001
status_listen = 127.0.0.1:8100
nginx_worker_processes = 2
anonymous_reports = off
"""

KONG_YML = """\
_format_version: "2.1"
services:
- name: mock
  url: http://127.0.0.1:8080
  routes:
  - name: mock
    paths: ["/mock"]
"""

# As in Kong's own package (kong.md, section 9).
KONG_SERVICE = f"""\
[Unit]
Description=Kong
After=network.target

[Service]
ExecStartPre=/usr/local/bin/kong prepare -p {PREFIX}
ExecStart=@nginx@ -p {PREFIX} -c nginx.conf
ExecReload=/usr/local/bin/kong prepare -p {PREFIX}
ExecReload=@nginx@ -p {PREFIX} -c nginx.conf -s reload
ExecStop=/bin/kill -s QUIT $MAINPID
User=root
Environment=KONG_NGINX_DAEMON=off
LimitNOFILE=infinity
PrivateTmp=true

[Install]
WantedBy=multi-user.target
"""

# What Kong's /mock leads to: an nginx that is not Kong's, so an agent must tell the two apart.
UPSTREAM_CONF = """\
worker_processes 1;
daemon off;
pid /run/upstream.pid;
error_log stderr;
events { worker_connections 256; }
http {
  access_log off;
  server { listen 127.0.0.1:8080; location / { return 200 "upstream answers\\n"; } }
}
"""
UPSTREAM_SERVICE = """\
[Unit]
Description=What the gateway of this test host leads to
Before=kong.service

[Service]
ExecStart=/usr/sbin/nginx -c /etc/upstream.conf

[Install]
WantedBy=multi-user.target
"""


def make_key(path: pathlib.Path, comment: str) -> str:
    """An ed25519 key pair at path and path.pub; the public half's text."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)],
                   check=True, stdin=subprocess.DEVNULL)
    return path.with_name(path.name + ".pub").read_text().strip()


def systemctl(host: Host, *arguments: str) -> None:
    subprocess.run(["systemctl", f"--root={host.root}", "--quiet", *arguments], check=True)


def install_login(host: Host, deploy_key: str) -> str:
    """The login user with the controller's key, as systemd/ has it; gives the host's own key."""
    units = PROJECT / "systemd"
    for kind, place in (("sysusers.d", "usr/lib/sysusers.d"), ("tmpfiles.d", "usr/lib/tmpfiles.d"),
                        ("sshd_config.d", "etc/ssh/sshd_config.d")):
        shutil.copy(units / kind / "kongfleet.conf", host.path(place))
    subprocess.run(["systemd-sysusers", f"--root={host.root}"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Without PAM, sshd takes the '!' that sysusers writes for a locked account.
    unlock = ["usermod", "--root", str(host.root), "--password", "*", "kongfleet"]
    subprocess.run(unlock, check=True)
    host.write("/etc/kongfleet/authorized_keys",
               f'restrict,command="/usr/bin/kongfleet-agent connect" {deploy_key}\n')
    return make_key(host.path("/etc/ssh/ssh_host_ed25519_key"), f"root@{host.name}")


def install_agent(host: Host, agent: pathlib.Path) -> None:
    shutil.copy(agent, host.path("/usr/bin/kongfleet-agent"))
    host.path("/usr/bin/kongfleet-agent").chmod(0o755)
    sanitized.install(host, agent)
    units = [path for kind in ("service", "socket")
             for path in sorted((PROJECT / "systemd").glob(f"*.{kind}"))]
    for unit in units:
        shutil.copy(unit, host.path("/usr/lib/systemd/system"))
    systemctl(host, "enable", "kongfleet-agent.socket", "kongfleet-recover.service")
    host.write("/etc/kongfleet/agent.toml", '[kong]\nconf = "/etc/kong/kong.conf"\n')


def install_gateway(host: Host, version: str) -> None:
    """Kong's files, unit and configuration, and the upstream that its one route leads to."""
    host.write("/etc/upstream.conf", UPSTREAM_CONF)
    host.write("/usr/lib/systemd/system/upstream.service", UPSTREAM_SERVICE)
    # A real Kong refuses every command without a hosts file, and says so of missing name servers.
    host.write("/etc/hosts", "127.0.0.1 localhost\n")
    host.write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    host.write("/etc/kong/kong.conf", KONG_CONF)
    host.write("/etc/kong/kong.yml", KONG_YML)
    real = os.environ.get("KONGFLEET_TEST_KONG")
    if real:
        install_real_kong(host, pathlib.Path(real).resolve(strict=True))
    else:
        command = [str(PROJECT / "tests/gateway/install"), str(host.root), "--version", version]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    systemctl(host, "enable", "upstream.service", "kong.service")


def install_real_kong(host: Host, kong: pathlib.Path) -> None:
    nginx = find_nginx(kong)
    trees = {kong.parents[1], nginx.parents[2]}
    trees = {tree for tree in trees if not any(other in tree.parents for other in trees)}
    for tree in sorted(trees):
        host.path(str(tree)).mkdir(parents=True, exist_ok=True)
        host.binds.append(f"--bind-ro={tree}")
    host.path(PREFIX).mkdir(parents=True, exist_ok=True)
    if pathlib.Path("/usr/local") in trees:  # the prefix lies inside and has to be writable
        host.binds.append(f"--overlay={PREFIX}:{host.directory}/prefix:{PREFIX}")
        (host.directory / "prefix").mkdir()
    elif kong != pathlib.Path("/usr/local/bin/kong"):
        # Kong's command finds `resty` in PATH, and a unit's PATH knows nothing of other places.
        path = f"{nginx.parents[2]}/bin:{nginx.parent}"
        host.write("/usr/local/bin/kong",
                   f'#!/bin/sh\nPATH={path}:$PATH exec {kong} "$@"\n', mode=0o755)
    host.write("/usr/lib/systemd/system/kong.service", KONG_SERVICE.replace("@nginx@", str(nginx)))


def find_nginx(kong: pathlib.Path) -> pathlib.Path:
    """OpenResty's nginx: in Kong's own tree, beside `resty`, or where packages put it."""
    places = [kong.parents[1] / "openresty"]
    resty = shutil.which("resty")
    if resty:
        places.append(pathlib.Path(resty).resolve().parents[1])
    places += [pathlib.Path("/usr/local/openresty"), pathlib.Path("/opt/openresty")]
    for place in places:
        nginx = place / "nginx/sbin/nginx"
        if nginx.is_file():
            return nginx
    listed = ", ".join(f"'{place}'" for place in places)
    raise RuntimeError(f"find the nginx of Kong '{kong}': there is none in {listed}")
