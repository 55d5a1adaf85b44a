# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Packages of what is built, made by CPack in a directory of the caller's."""
import os
import pathlib
import subprocess
import tarfile

PROJECT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("KONGFLEET_BUILD", PROJECT / "build")).resolve()


def make_packages(kind: str, directory: pathlib.Path, version: str = "", umask: int = 0o022) -> list[pathlib.Path]:
    """Of a kind that CPack knows (DEB, RPM, TGZ), in order of their names. `version`: other than the real one; `umask`: of who
    makes them."""
    directory.mkdir(parents=True, exist_ok=True)
    command = ["cpack", "-G", kind, "-B", str(directory), "--config", str(BUILD / "CPackConfig.cmake")]
    if version:
        command += ["-D", f"CPACK_PACKAGE_VERSION={version}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, umask=umask)
    if done.returncode:
        raise RuntimeError(f"make {kind} packages: {done.stdout}{done.stderr}")
    suffix = {"DEB": ".deb", "RPM": ".rpm", "TGZ": ".tar.gz"}[kind]
    return sorted(path for path in directory.iterdir() if path.name.endswith(suffix))


def with_closed_directories(tarball: pathlib.Path) -> pathlib.Path:
    """The same, as somebody makes it whose umask is 077."""
    closed = tarball.parent / "closed" / tarball.name
    closed.parent.mkdir()
    with tarfile.open(tarball) as before, tarfile.open(closed, "w:gz") as after:
        for member in before:
            if member.isdir():
                member.mode = 0o700
            after.addfile(member, before.extractfile(member) if member.isfile() else None)
    return closed


def download_with_dependencies(root: pathlib.Path, packages: list, directory: pathlib.Path) -> None:
    """Downloads to `directory` what `packages` (names or files) need that the Debian below `root` does not have."""
    (directory / "partial").mkdir(parents=True, exist_ok=True)
    apt_get(directory, "-y", "--no-install-recommends", "--download-only", "-o", "Debug::NoLocking=1",
            "-o", f"Dir::State::status={root}/var/lib/dpkg/status", "-o", f"Dir::Cache::archives={directory}",
            "install", *map(str, packages))


def apt_get(directory: pathlib.Path, *arguments: str) -> None:
    """In `directory`; once more with new lists where those that are here are too old, or none."""
    for attempt in ("as it is", "updated"):
        if attempt == "updated":
            subprocess.run(["apt-get", "-q", "update"], check=True, capture_output=True)
        done = subprocess.run(["apt-get", "-q", *arguments], cwd=directory, capture_output=True, text=True, check=False)
        if not done.returncode:
            return
    raise RuntimeError(f"apt-get {' '.join(arguments)}: {done.stdout}{done.stderr}")
