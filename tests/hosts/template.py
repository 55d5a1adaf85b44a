# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The root file system that all test hosts share, read-only: a small Debian with systemd and sshd.

It is made once (about a minute), kept as a directory in the user's cache under a name that is the
hash of everything that decides what is in it, and checked against its list of files at each use.
"""
import fcntl
import hashlib
import inspect
import os
import pathlib
import shutil
import stat
import subprocess
import time
from contextlib import contextmanager

UNUSED_SECONDS = 14 * 24 * 3600
SUITE = "bookworm"
PACKAGES = (
    "systemd systemd-sysv dbus openssh-server iproute2 procps udev curl openssl "
    "nginx-light libnginx-mod-http-lua luajit2 "
    "lua-penlight lua-posix lua-cjson lua-yaml"
).split()

# What the packages enable that a host for tests must not run: it takes time, ports or the network.
DISABLED = ("nginx apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer "
            "e2scrub_all.timer e2scrub_reap fstrim.timer systemd-pstore console-getty "
            "getty@tty1 getty.target").split()

REMOVED = ("var/cache/apt/archives var/lib/apt/lists usr/share/doc usr/share/man usr/share/locale "
           "usr/lib/udev/hwdb.d usr/lib/udev/hwdb.bin var/log/bootstrap.log").split()

SSHD_CONFIG = """\
Port 22
HostKey /etc/ssh/ssh_host_ed25519_key
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
X11Forwarding no
PrintMotd no
MaxStartups 200
Include /etc/ssh/sshd_config.d/*.conf
"""


def cache_directory() -> pathlib.Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base) / "kongfleet"


def recipe_hash() -> str:
    """Names the template: another list of packages, or another way to build it, is another one."""
    recipe = [SUITE, *PACKAGES, *DISABLED, *REMOVED, SSHD_CONFIG, inspect.getsource(build)]
    return hashlib.sha256("\n".join(recipe).encode()).hexdigest()[:16]


def ensure_template() -> pathlib.Path:
    """The template's directory, made first if it is missing or damaged. Two callers make one."""
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    template = cache / f"template-{recipe_hash()}"
    listing = template.with_suffix(".files")
    with locked(cache / "lock"):
        if is_whole(template, listing):
            os.utime(listing)
            return template
        remove_unused(cache)
        for left in cache.glob(f"{template.name}*"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        partial = cache / f"{template.name}.partial"
        build(partial)
        partial.rename(template)
        partial_listing = listing.with_suffix(".partial")
        partial_listing.write_text(list_files(template))
        partial_listing.rename(listing)  # last: a template without its list counts as missing
    return template


def remove_unused(cache: pathlib.Path) -> None:
    """Removes templates of other recipes that nobody has used for a while."""
    for listing in cache.glob("template-*.files"):
        if time.time() - listing.stat().st_mtime > UNUSED_SECONDS:
            listing.unlink()
            shutil.rmtree(listing.with_suffix(""), ignore_errors=True)


@contextmanager
def locked(path: pathlib.Path):
    """Holds an exclusive lock that the kernel gives back when the process dies."""
    with open(path, "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_whole(template: pathlib.Path, listing: pathlib.Path) -> bool:
    return listing.is_file() and template.is_dir() and listing.read_text() == list_files(template)


def list_files(root: pathlib.Path) -> str:
    """Every name below root with its type, mode, owner, and, of files, size and time of change."""
    lines = []
    for directory, names, files in os.walk(root):
        for name in names + files:
            path = os.path.join(directory, name)
            info = os.lstat(path)
            plain = stat.S_ISREG(info.st_mode)
            detail = (info.st_size, info.st_mtime_ns) if plain else ()
            relative = os.path.relpath(path, root)
            lines.append(f"{relative} {info.st_mode:o} {info.st_uid} {info.st_gid} {detail}")
    return "\n".join(sorted(lines)) + "\n"


def mirror() -> str:
    """Where this machine's own apt gets the suite from."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)",
               "Created-By: Packages"]

    def find() -> str | None:
        for line in subprocess.check_output(command, text=True).splitlines():
            uri, codename, component = line.split()
            if (codename, component) == (SUITE, "main"):
                return uri
        return None

    found = find()
    if not found:
        subprocess.run(["apt-get", "update", "-q"], check=True, stdout=subprocess.DEVNULL)
        found = find()
    if not found:
        raise RuntimeError(f"make the hosts' template: apt has no source for '{SUITE}' main; "
                           "add one to its sources")
    return found


def proxy_environment() -> dict[str, str]:
    """The environment with apt's proxies: debootstrap downloads with wget, which asks these."""
    environment = dict(os.environ, LC_ALL="C.UTF-8")
    for scheme in ("http", "https"):
        key = f"Acquire::{scheme}::Proxy"
        answer = subprocess.check_output(["apt-config", "shell", "P", key], text=True)
        value = answer.partition("=")[2].strip().strip("'")
        if value and value != "DIRECT":
            environment[f"{scheme}_proxy"] = value
    return environment


def build(root: pathlib.Path) -> None:
    log = root.with_suffix(".log")
    command = ["debootstrap", "--variant=minbase", "--include=" + ",".join(PACKAGES), SUITE,
               str(root), mirror()]
    with open(log, "wb") as output:
        done = subprocess.run(command, env=proxy_environment(), stdout=output,
                              stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        tail = log.read_text(errors="replace").splitlines()[-20:]
        raise RuntimeError("make the hosts' template: debootstrap failed:\n" + "\n".join(tail))
    log.unlink()
    for name in REMOVED:
        path = root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    (root / "var/cache/apt/archives/partial").mkdir(parents=True)
    (root / "var/lib/apt/lists/partial").mkdir(parents=True)
    systemctl = ["systemctl", f"--root={root}", "--quiet"]
    subprocess.run([*systemctl, "mask", *DISABLED], check=True)
    subprocess.run([*systemctl, "enable", "ssh.service"], check=True)
    subprocess.run([*systemctl, "set-default", "multi-user.target"], check=True)
    subprocess.run(["useradd", "--root", str(root), "--system", "--user-group", "--no-create-home",
                    "--home-dir", "/usr/local/kong", "--shell", "/usr/sbin/nologin", "kong"],
                   check=True)
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()  # each host has its own
    (root / "etc/ssh/sshd_config").write_text(SSHD_CONFIG)
    (root / "etc/machine-id").write_text("")
    (root / "var/log/journal").mkdir(exist_ok=True)  # so that the journal outlives a power cut
    (root / "etc/resolv.conf").write_text("")
