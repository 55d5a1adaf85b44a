#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The programs that are shipped are hardened, every unit of them, and the agent needs nothing of a host. Each look is
also shown a program that was built without what it looks for."""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(pathlib.Path(__file__).parent), str(PROJECT / "tests")]
import elf  # noqa: E402
from packages import make_packages  # noqa: E402

BUILD = pathlib.Path(os.environ.get("KONGFLEET_BUILD", PROJECT / "build")).resolve()
CONTROLLER, AGENT = BUILD / "kongfleet", BUILD / "kongfleet-agent"
ARCHIVES = sorted(BUILD.glob("libkongfleet_*.a"))
AGENT_BYTES_MAX = 8 << 20  # it is copied to every host

# Reads into an array, from a file whose size nobody knows before: all three are called.
PLAIN = """
#include <cstdio>
#include <string>
#include <unistd.h>
int main(int argc, char** argv) {
  char text[64];
  const std::string word(argv[0]);
  return std::printf("%zd%c", read(0, text, static_cast<size_t>(argc) * 8), word[argc]) + text[1];
}
"""
GOOD = ["-O2", "-fPIE", "-pie", "-Wl,-z,relro,-z,now", "-D_FORTIFY_SOURCE=3", "-D_GLIBCXX_ASSERTIONS",
        "-fstack-protector-strong", "-fcf-protection=full"]
SPOILT = {
    "not position independent": ["-no-pie", "-fno-pie"],
    "no RELRO": ["-Wl,-z,norelro"],
    "binds lazily": ["-Wl,-z,lazy"],
    "executable stack": ["-Wl,-z,execstack"],
    "memory to write and execute": ["-DWRITABLE_CODE"],
    "names directories of libraries": ["-Wl,-rpath,/opt/lib"],
    "relocations in its code": ["-Wl,-z,notext", "-DTEXT_RELOCATION"],
    "no stack protector": ["-fno-stack-protector"],
    "nothing fortified": ["-U_FORTIFY_SOURCE"],
    "the standard library checks nothing": ["-U_GLIBCXX_ASSERTIONS"],
}
ASSEMBLER = """
#ifdef TEXT_RELOCATION
asm(".text\\n.quad main\\n");
#endif
#ifdef WRITABLE_CODE
asm(".section .both,\\"awx\\"\\n.byte 0\\n.text\\n");
#endif
"""


def unpack(package: pathlib.Path, root: pathlib.Path) -> None:
    """What installing would place, below `root`."""
    if package.suffix == ".deb":
        subprocess.run(["dpkg-deb", "-x", package, root], check=True)
        return
    if package.suffix == ".rpm":
        subprocess.run(["rpm2archive", package], check=True)
        package = package.with_name(package.name + ".tgz")
    subprocess.run(["tar", "-xzf", package, "-C", root], check=True)


class HardeningTest(unittest.TestCase):
    def test_the_looks_find_what_is_missing(self):
        with tempfile.TemporaryDirectory(prefix="kongfleet-elf-") as scratch:
            source, program = pathlib.Path(scratch) / "a.cpp", pathlib.Path(scratch) / "a"
            source.write_text(PLAIN + ASSEMBLER)

            def found(*flags):
                subprocess.run(["g++", source, *GOOD, *flags, "-o", program], check=True,
                               capture_output=True)
                return elf.layout_weaknesses(program) + elf.call_weaknesses(program)
            self.assertEqual(found(), [])
            for weakness, flags in SPOILT.items():
                with self.subTest(weakness):
                    self.assertIn(weakness, found(*flags))
            archive = pathlib.Path(scratch) / "a.a"
            for flags, unmarked in ((["-fcf-protection=full"], 0), (["-fcf-protection=branch"], 1)):
                subprocess.run(["g++", "-c", source, *flags, "-o", program], check=True)
                archive.unlink(missing_ok=True)
                subprocess.run(["ar", "rc", archive, program], check=True)
                self.assertEqual(len(elf.unmarked_objects(archive)), unmarked)

    def test_both_programs_are_laid_out_as_they_should_be(self):
        for program in (CONTROLLER, AGENT):
            self.assertEqual(elf.layout_weaknesses(program), [], program)

    def test_what_is_ours_calls_what_guards_it(self):
        # Of the agent, which has all of libc in it, only its own archives tell.
        self.assertEqual(elf.call_weaknesses(CONTROLLER), [])
        ours = {archive.name: elf.call_weaknesses(archive) for archive in ARCHIVES}
        # What protoc makes neither copies nor indexes by itself.
        self.assertNotIn("no stack protector", ours.pop("libkongfleet_messages.a"))
        self.assertGreaterEqual(len(ours), 3)
        self.assertEqual({name: found for name, found in ours.items() if found}, {})

    def test_every_unit_of_ours_was_compiled_with_every_flag(self):
        for program, place in ((CONTROLLER, "controller/"), (AGENT, "agent/")):
            units = [unit for unit in elf.compiled_units(program) if unit[2].startswith("GNU C++20")]
            self.assertTrue(any(place in name for name, _, _ in units), place)
            self.assertTrue(any("kongfleet.pb.cc" in name for name, _, _ in units))
            for name, _, flags in units:
                self.assertEqual([flag for flag in elf.CODE_FLAGS if flag not in flags], [], name)

    def test_every_unit_of_ours_was_compiled_with_every_check(self):
        shipped = {}
        for entry in json.loads((BUILD / "compile_commands.json").read_text()):
            words = shlex.split(entry["command"])
            out = words[words.index("-o") + 1]
            if re.match(r"CMakeFiles/kongfleet[a-z_-]*\.dir/", out):
                shipped[out] = words
        archived = sum(len(elf.members(archive)) for archive in ARCHIVES)
        self.assertEqual(len(shipped), archived + 2)  # and both main.cpp
        self.assertEqual({out: elf.undefended(words) for out, words in shipped.items()
                          if elf.undefended(words)}, {})
        # It would be seen.
        words = next(iter(shipped.values()))
        self.assertEqual(elf.undefended([*words, "-U_FORTIFY_SOURCE"]), ["_FORTIFY_SOURCE"])
        self.assertEqual(elf.undefended([*words, "-D_FORTIFY_SOURCE=2"]), ["_FORTIFY_SOURCE"])
        self.assertEqual(elf.undefended([*words, "-U_GLIBCXX_ASSERTIONS"]), ["_GLIBCXX_ASSERTIONS"])

    def test_packages_of_every_kind_ship_these_very_programs(self):
        for kind in ("DEB", "RPM", "TGZ"):
            with tempfile.TemporaryDirectory(prefix="kongfleet-shipped-") as scratch:
                root = pathlib.Path(scratch) / "root"
                root.mkdir()
                for package in make_packages(kind, pathlib.Path(scratch) / "packages"):
                    unpack(package, root)
                for program in (CONTROLLER, AGENT):
                    shipped, = root.glob(f"**/bin/{program.name}")
                    bill, = root.glob(f"**/share/doc/{program.name}/{program.name}.spdx.json")
                    with self.subTest(f"{kind} {program.name}"):
                        self.assertEqual(elf.layout_weaknesses(shipped), [])
                        digest = elf.sha256(shipped)
                        self.assertEqual(digest, elf.sha256(elf.strip(program, root / "stripped")))
                        self.assertEqual(json.loads(bill.read_text())["packages"][0]["checksums"], [digest])

    def test_every_object_of_ours_is_marked_for_cet(self):
        # Debian 12's libraries are not, and a program is only if all of it is.
        for archive in ARCHIVES:
            self.assertEqual(elf.unmarked_objects(archive), [], archive)

    def test_the_agent_is_one_small_file_that_needs_nothing(self):
        self.assertNotIn("INTERP", elf.readelf("-l", AGENT))
        self.assertEqual(elf.needed(AGENT), [])
        self.assertIn("INTERP", elf.readelf("-l", CONTROLLER))
        self.assertIn("libssh.so.4", elf.needed(CONTROLLER))
        with tempfile.TemporaryDirectory(prefix="kongfleet-chroot-") as root:
            agent = elf.strip(AGENT, pathlib.Path(root) / "agent")
            self.assertLess(agent.stat().st_size, AGENT_BYTES_MAX)
            for program in (agent, elf.strip(CONTROLLER, pathlib.Path(root) / "controller")):
                ran = subprocess.run(["chroot", root, f"/{program.name}", "--version"], text=True,
                                     capture_output=True, check=False)
                if program == agent:
                    self.assertEqual((ran.returncode, ran.stderr), (0, ""))
                    named = r"^kongfleet-agent \d\S* \(commit ([0-9a-f]{12}|unknown)\), protocol \d+$"
                    self.assertRegex(ran.stdout, named)
                else:  # the root is empty: what needs a library does not start there
                    self.assertNotEqual(ran.returncode, 0)
            # No /etc, no /proc, no shell: the daemon serves there, and says what is missing.
            with subprocess.Popen(["chroot", root, "/agent", "serve"], stderr=subprocess.PIPE, text=True) as daemon:
                assert daemon.stderr
                said = next(line for line in daemon.stderr if "ready" in line or not line)
                self.assertIn("info: ready, version", said)
                status = subprocess.run(["chroot", root, "/agent", "status"], text=True, capture_output=True, check=False,
                                        timeout=60)
                daemon.terminate()
                self.assertIn("info: stopping", daemon.stderr.read())
            self.assertEqual((daemon.returncode, status.returncode, status.stderr), (0, 4, ""))
            self.assertIn("find Kong's command 'kong': there is none", status.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
