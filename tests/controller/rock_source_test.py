#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Rocks and rockspecs as a plugin's source: what LuaRocks itself makes of one is what kongfleet
takes, and what is hostile, native or would have to be run is refused with the reason."""
import os
import pathlib
import stat
import struct
import subprocess
import sys
import unittest
import zipfile

from lone_fleet import FLEET
from plugin_fixture import BUILD, FILES, HANDLER, SCHEMA, PluginTest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "hosts"))
import sanitized  # noqa: E402

# As Kong's own template has it, with names and '..'.
ROCKSPEC = '''-- a comment
local plugin_name = "my-plugin"
local package_version = "1.2.0"
package = "kong-plugin-" .. plugin_name
version = package_version .. "-1"
supported_platforms = { "linux", "macosx" }
source = { url = "git+https://example.org/" .. package .. ".git", tag = package_version }
description = { summary = [[a plugin]], license = 'Apache-2.0' };
dependencies = { "lua >= 5.1", %(needs)s }
build = {
  type = "%(type)s",
  modules = {
    ["kong.plugins." .. plugin_name .. ".handler"] = "src/handler.lua",
    ["kong.plugins." .. plugin_name .. ".schema"] = "./src/schema.lua",
    mylib = "src/init.lua",
%(modules)s
  },
  %(more)s
}
'''
SOURCES = {"src/handler.lua": HANDLER.encode(), "src/schema.lua": SCHEMA.encode(),
           "src/init.lua": b"return {}\n", "src/data.json": b"{}"}
SPEC = "kong-plugin-my-plugin-1.2.0-1.rockspec"


def rockspec(**more: str) -> bytes:
    return (ROCKSPEC % ({"needs": "", "type": "builtin", "modules": "", "more": ""} | more)).encode()


class RockspecTest(PluginTest):
    def make(self, **more: str) -> None:
        self.write(SOURCES | {SPEC: rockspec(**more)})

    def refused(self, **more: str) -> str:
        self.make(**more)
        return self.kongfleet(1, "pack", "tree", "-o", "x.kfb")

    def test_a_directory_with_a_rockspec_gives_what_luarocks_installs(self):
        self.make(more='install = { lua = { ["mylib.data"] = "src/data.json" } }')
        for source in ["tree", f"tree/{SPEC}"]:
            self.kongfleet(0, "export", "docker", source, "-o", "out")
            subprocess.run(["luarocks", "--lua-version", "5.1", "--tree", self.directory / "T",
                            "make", SPEC], cwd=self.directory / "tree", check=True,
                           capture_output=True, timeout=60,
                           env=os.environ | {"HOME": str(self.directory)})
            self.assertEqual(self.below("out/lua"), self.below("T/share/lua/5.1"))

    def test_it_can_be_the_source_in_a_fleet_file(self):
        self.make()
        for source in ["tree", f"tree/{SPEC}"]:
            (self.directory / "fleet.toml").write_text(
                FLEET.format(more="").replace("plugins/my-plugin", source))
            self.assertIn("my-plugin", self.kongfleet(0, "check"))

    def test_what_it_depends_on_is_told(self):
        self.make(needs='"lua-resty-jwt >= 0.2"')
        self.kongfleet(0, "pack", "tree", "-o", "x.kfb")
        self.assertRegex(self.warnings, rf"^tree/{SPEC}:9: warning: depends on "
                                        r"'lua-resty-jwt >= 0.2', which is not installed with it")

    def test_what_would_have_to_be_run_is_refused_with_its_line(self):
        self.assertIn(f"{SPEC}:11: build.type is 'make', which runs commands",
                      self.refused(type="make"))
        self.assertIn(f"{SPEC}:18: found 'function'; it is read and not run",
                      self.refused(more="x = function() end"))
        self.assertIn(f"{SPEC}:18: found 'os'", self.refused(more='x = os.getenv("HOME")'))
        self.assertIn(f"{SPEC}:18: build.patches is not read", self.refused(more="patches = {}"))
        self.assertIn(f"{SPEC}:18: tables are nested too deeply",
                      self.refused(more="x = " + "{" * 1000 + "}" * 1000))

    def test_a_string_that_doubles_does_not_grow_for_ever(self):
        self.write(SOURCES | {SPEC: b'local a = "xxxxxxxxxxxxxxxx"\n' + b"local a = a .. a\n" * 60})
        self.assertIn("the string is too long", self.kongfleet(1, "pack", "tree", "-o", "x.kfb"))

    def test_modules_in_c_are_refused_with_the_reason(self):
        for module in ['["my.fast"] = "src/fast.c",', '["my.fast"] = { sources = { "fast.c" } },']:
            self.assertIn(f"{SPEC}:16: module 'my.fast' is not a Lua file: what must be compiled",
                          self.refused(modules=module))

    def test_files_outside_are_refused(self):
        for path in ["../x.lua", "/etc/x.lua", "src/../../x.lua"]:
            self.assertIn(f"{SPEC}:16: '{path}' ", self.refused(modules=f'x = "{path}",'))
        os.symlink("/etc", self.directory / "tree/link")
        self.assertIn(f"{SPEC}:16: read directory", self.refused(modules='x = "link/passwd.lua",'))

    def test_a_file_that_is_not_there_is_told_with_its_line(self):
        self.assertIn(f"{SPEC}:16: read 'tree/src/none.lua': No such file",
                      self.refused(modules='x = "src/none.lua",'))

    def test_two_rockspecs_are_one_too_many(self):
        self.make()
        self.write({"b.rockspec": b""})
        self.assertIn("name the rockspec that is meant",
                      self.kongfleet(1, "pack", "tree", "-o", "x.kfb"))

    def test_beside_a_plugin_tree_it_is_left_out(self):
        self.write(FILES | {SPEC: b"error()"})
        self.kongfleet(0, "pack", "tree", "-o", "x.kfb")


class RockTest(PluginTest):
    def rock(self, entries: dict, spec: bytes = None, name: str = "x-1-1.all.rock") -> str:
        with zipfile.ZipFile(self.directory / name, "w", zipfile.ZIP_DEFLATED) as rock:
            for path, content in ({"x-1-1.rockspec": spec or rockspec()} | entries).items():
                rock.writestr(path, content)
        return name

    def refused(self, entries: dict) -> str:
        inside = {f"lua/{path}": content for path, content in FILES.items()}
        self.rock(inside | entries)
        said = self.kongfleet(1, "pack", "x-1-1.all.rock", "-o", "x.kfb")
        self.assertFalse((self.directory / "x.kfb").exists())
        return said

    @staticmethod
    def entry(path: str, mode: int) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(path)
        info.create_system, info.external_attr = 3, mode << 16
        return info

    def test_what_luarocks_packs_is_taken(self):
        self.write(SOURCES | {SPEC: rockspec()})
        for command in [["make", SPEC], ["pack", "kong-plugin-my-plugin", "1.2.0"]]:
            subprocess.run(["luarocks", "--lua-version", "5.1", "--tree", self.directory / "T",
                            *command], cwd=self.directory / "tree", check=True, timeout=60,
                           capture_output=True, env=os.environ | {"HOME": str(self.directory)})
        rock = f"tree/{SPEC.removesuffix('.rockspec')}.all.rock"
        self.kongfleet(0, "export", "docker", rock, "-o", "out")
        self.assertEqual(self.below("out/lua"), self.below("T/share/lua/5.1"))
        (self.directory / "fleet.toml").write_text(
            FLEET.format(more="").replace("plugins/my-plugin", rock))
        self.kongfleet(0, "check")

    def test_paths_that_lead_out_are_refused(self):
        for path in ["lua/../../x.lua", "/lua/x.lua", "lua//x.lua", "lua/./x.lua", "lua/a\\b.lua",
                     "lua/-x.lua", "lua/" + "d/" * 40 + "x.lua", "lua/" + "n" * 300 + ".lua",
                     "lua/K\u212a.lua", "doc/../../x"]:
            with self.subTest(path):
                self.assertRegex(self.refused({path: b""}), "in it |Pathname cannot be converted")

    def test_what_is_no_plain_file_is_refused(self):
        for kind in [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFSOCK]:  # libarchive takes a fifo for a file
            with self.subTest(kind):
                self.assertRegex(self.refused({self.entry("lua/x.lua", kind | 0o777): b"/etc/passwd"}),
                                 "'lua/x.lua' in it is (a link|neither a plain file nor)")
        self.assertIn("is setuid or setgid",
                      self.refused({self.entry("lua/x.lua", stat.S_IFREG | 0o4755): b""}))

    def test_a_bomb_is_refused_before_it_fills_memory(self):
        rock = self.rock({"lua/x.lua": b"\0" * (300 << 20)})
        self.assertLess((self.directory / rock).stat().st_size, 1 << 20)
        said = self.kongfleet(1, "pack", rock, "-o", "x.kfb")
        self.assertIn("it unpacks to more than the 256 MiB", said)

    def test_too_many_entries_are_refused(self):
        self.assertIn("more than 20000 entries",
                      self.refused({f"doc/{number}": b"" for number in range(20001)}))

    def test_a_directory_of_a_million_entries_is_refused_before_it_fills_memory(self):
        record = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, *[0] * 7, 1, *[0] * 6) + b"a"
        start = b"PK\3\4" + bytes(100)
        end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(record) << 20, len(start), 0)
        with open(self.directory / "x-1-1.all.rock", "wb") as rock:
            rock.write(start)
            for _ in range(1 << 10):
                rock.write(record * (1 << 10))
            rock.write(end)
        # Asked by way of a small process: ours may have been a large one, and hands that down.
        asks = ("import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]); "
                "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
        done = subprocess.run([sys.executable, "-c", asks, BUILD / "kongfleet", "pack", "x-1-1.all.rock", "-o",
                               "x.kfb"], cwd=self.directory, check=True, capture_output=True, text=True,
                              timeout=60)
        self.assertIn("more than 20000 entries", done.stderr)
        code, kilobytes = map(int, done.stdout.split())
        self.assertEqual(code, 1)
        self.assertLess(kilobytes, (240 if sanitized.is_sanitized(BUILD / "kongfleet") else 60) << 10)

    def test_names_that_collide_are_refused(self):
        self.assertIn("'x.lua' occurs twice, or differs only in case",
                      self.refused({"lua/x.lua": b"", "lua/X.lua": b""}))
        self.assertIn("x.lua", self.refused({"lua/x.lua": b"", "lua/x.lua/y.lua": b""}))

    def test_native_modules_are_refused_with_the_reason(self):
        self.assertIn("it holds 'lib/fast.so', which was compiled for one kind of host",
                      self.refused({"lib/fast.so": b"\x7fELF"}))

    def test_a_source_rock_must_be_built_first(self):
        rock = self.rock({"x-1.tar.gz": b""}, name="x-1-1.src.rock")
        self.assertIn("luarocks build --pack-binary-rock x-1-1.src.rock",
                      self.kongfleet(1, "pack", rock, "-o", "x.kfb"))

    def test_damage_is_found_wherever_it_is(self):
        inside = {f"lua/{path}": content for path, content in FILES.items()}
        whole = (self.directory / self.rock(inside)).read_bytes()
        self.kongfleet(0, "pack", "x-1-1.all.rock", "-o", "x.kfb")
        for end in range(0, len(whole) - 30, 97):
            (self.directory / "x.rock").write_bytes(whole[:end])
            self.kongfleet(1, "pack", "x.rock", "-o", "x.kfb")
        self.assertIn("it is not a ZIP archive", self.refused_bytes(b"\x1f\x8b" + whole))

    def refused_bytes(self, content: bytes) -> str:
        (self.directory / "x.rock").write_bytes(content)
        return self.kongfleet(1, "pack", "x.rock", "-o", "x.kfb")

    def test_its_rockspec_is_not_run(self):
        inside = {f"lua/{path}": content for path, content in FILES.items()}
        self.rock(inside, b"package = 'x'\nos.execute('touch hacked')\n")
        self.assertIn("x-1-1.rockspec:2: found '.'",
                      self.kongfleet(1, "pack", "x-1-1.all.rock", "-o", "x.kfb"))


if __name__ == "__main__":
    unittest.main()
