#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The bills of materials list all that is in the programs, as the linker, the loader and dpkg tell it, not as
packaging/sbom.py found it out: it reads the linker's map, here the agent is linked once more and the linker traced."""
import json
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import unittest

from elf import needed, sha256, strip

PROJECT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("KONGFLEET_BUILD", PROJECT / "build")).resolve()
# A package of each program whose absence nobody would believe, with the name that people know it by.
AGENT_HAS = {"openssl": "libssl-dev", "zstd": "libzstd-dev", "protobuf": "libprotobuf-dev",
             "glibc": "libc6-dev", "libstdc++": "libstdc++-12-dev", "Boost.JSON": "libboost-json1.81-dev",
             "Boost": "libboost1.81-dev", "toml++": "libtomlplusplus-dev", "CLI11": "libcli11-dev",
             "spdlog": "libspdlog-dev", "fmt": "libfmt-dev"}
CONTROLLER_HAS = {"libssh": "libssh-4", "curl": "libcurl4", "yaml": "libyaml-0-2", "glibc": "libc6",
                  "SQLite": "libsqlite3-0", "Boost": "libboost1.81-dev", "toml++": "libtomlplusplus-dev",
                  "CLI11": "libcli11-dev"}


def told(*command) -> str:
    return subprocess.run([str(word) for word in command], check=True, text=True,
                          capture_output=True).stdout


def bill(program: str) -> dict:
    return json.loads((BUILD / f"{program}.spdx.json").read_text())


def versions(document: dict) -> dict[str, str]:
    return {package["name"]: package["versionInfo"] for package in document["packages"]}


def package_of(file: str) -> str:
    """The package that brought a file, asked for one by one, under any name that it may go by."""
    real = os.path.realpath(file)
    for name in (real, real.removeprefix("/usr"), f"/usr{real}"):
        asked = subprocess.run(["dpkg", "-S", name], text=True, capture_output=True, check=False)
        if asked.returncode == 0:
            return re.split("[:,]", asked.stdout)[0]
    return file


def missing(document: dict, files) -> set[str]:
    return {package_of(file) for file in files} - set(versions(document))


def traced() -> set[str]:
    """The files of the system that the agent is linked of, by the linker's own word."""
    command = told("ninja", "-C", BUILD, "-t", "commands", "kongfleet-agent").splitlines()[-1]
    with tempfile.TemporaryDirectory(prefix="kongfleet-link-") as scratch:
        words = shlex.split(command.replace("&& :", "").removeprefix(": &&"))
        words[words.index("-o") + 1] = f"{scratch}/agent"
        words = [f"-Wl,-Map={scratch}/map" if word.startswith("-Wl,-Map=") else word for word in words]
        out = subprocess.run([*words, "-Wl,--trace"], cwd=BUILD, check=True, text=True,
                             capture_output=True).stdout
    # "(/usr/lib/x.a)member.o", "/usr/lib/x.a(member.o)" or "/usr/lib/crt1.o"
    files = set(re.findall(r"^\(?(/[^()\s]+\.(?:a|o))(?=[()\s]|$)", out, re.MULTILINE))
    return {file for file in files if not file.startswith(str(BUILD))}


class SbomTest(unittest.TestCase):
    def test_what_everybody_expects_is_listed_with_the_version_that_dpkg_says(self):
        for program, expected in (("kongfleet-agent", AGENT_HAS), ("kongfleet", CONTROLLER_HAS)):
            listed = versions(bill(program))
            for name, package in expected.items():
                self.assertEqual(listed.get(package), told("dpkg-query", "-Wf", "${Version}", package),
                                 f"{name} of {program}")
            for package, version in listed.items():
                if package != program:
                    self.assertEqual(version, told("dpkg-query", "-Wf", "${Version}", package))

    def test_nothing_that_is_linked_is_missing(self):
        document = bill("kongfleet-agent")
        files = traced()
        self.assertTrue(any(file.endswith("/libcrypto.a") for file in files), files)
        self.assertTrue(any(file.endswith("crt1.o") for file in files), files)
        self.assertEqual(missing(document, files), set())
        cache = dict(re.findall(r"^\t(\S+) \(libc6,x86-64[^)]*\) => (\S+)$", told("/sbin/ldconfig", "-p"),
                                re.MULTILINE))
        libraries = needed(BUILD / "kongfleet")
        self.assertGreater(len(libraries), 5)
        self.assertEqual(missing(bill("kongfleet"), [cache[name] for name in libraries]), set())
        # It would be seen.
        document["packages"] = [package for package in document["packages"]
                                if package["name"] != "libzstd-dev"]
        self.assertEqual(missing(document, files), {"libzstd-dev"})

    def test_they_are_spdx_documents_of_these_very_programs(self):
        for program in ("kongfleet-agent", "kongfleet"):
            document = bill(program)
            self.assertEqual((document["spdxVersion"], document["dataLicense"], document["SPDXID"]),
                             ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"))
            self.assertRegex(document["creationInfo"]["created"], r"^\d{4}(-\d\d){2}T(\d\d:){2}\d\dZ$")
            self.assertTrue(document["creationInfo"]["creators"])
            self.assertRegex(document["documentNamespace"], r"^https://[^#]+$")
            names = [package["SPDXID"] for package in document["packages"]]
            self.assertEqual(len(names), len(set(names)))
            for package in document["packages"]:
                self.assertRegex(package["SPDXID"], r"^SPDXRef-[A-Za-z0-9.-]+$")
                for field in ("name", "versionInfo", "downloadLocation", "licenseDeclared"):
                    self.assertTrue(package[field], package)
            for relation in document["relationships"]:
                self.assertIn(relation["spdxElementId"], [*names, "SPDXRef-DOCUMENT"])
                self.assertIn(relation["relatedSpdxElement"], names)
            with tempfile.TemporaryDirectory(prefix="kongfleet-sbom-") as scratch:  # as packages have it
                shipped = strip(BUILD / program, pathlib.Path(scratch) / program)
                self.assertEqual(document["packages"][0]["checksums"], [sha256(shipped)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
