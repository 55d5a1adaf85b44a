#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What kongfleet exports, read by what it is for: LuaRocks installs the rock, buildah builds the image.
kubernetes_export_test.py is the same for kubectl and Helm."""
import json
import os
import pathlib
import shlex
import shutil
import stat
import subprocess
import unittest

from plugin_fixture import FILES, HOME, MORE, OTHER, SCHEMA, PluginTest

class RockTest(PluginTest):
    STEM = "kong-plugin-my-plugin-1.2.0-1"

    def luarocks(self, *arguments: str, cwd: str = ".", code: int = 0) -> str:
        done = subprocess.run(["luarocks", "--lua-version", "5.1", "--tree", self.directory / "T",
                               "--only-server", "file:///nonexistent", *arguments],
                              cwd=self.directory / cwd, capture_output=True, text=True, timeout=60,
                              env=os.environ | {"HOME": str(self.directory)}, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def check_installed(self) -> None:
        self.assertEqual(self.below("T/share/lua/5.1"), MORE)
        for name in MORE:
            if name.endswith(".lua"):
                subprocess.run(["lua5.1", "-e", f"assert(loadfile('T/share/lua/5.1/{name}'))"],
                               cwd=self.directory, check=True, timeout=60)

    def test_luarocks_installs_the_rock(self):
        self.export("rock", MORE)
        self.luarocks("install", f"out/{self.STEM}.all.rock")
        self.check_installed()
        subprocess.run(["unzip", "-qt", f"out/{self.STEM}.all.rock"], cwd=self.directory, check=True,
                       capture_output=True, timeout=60)

    def test_luarocks_makes_the_same_of_the_rockspec(self):
        self.export("rock", MORE)
        spec = self.directory / f"out/{self.STEM}.rockspec"
        spec.rename(self.directory / "tree" / spec.name)
        self.luarocks("make", spec.name, cwd="tree")
        self.check_installed()

    def test_every_init_is_where_it_was(self):
        inits = FILES | {name: b"return {}\n" for name in [
            "init.lua", "init/init.lua", "init/x.lua", "a/init.lua", "a/init/init.lua", "a/init/init/init.lua"]}
        self.export("rock", inits)
        spec, = (self.directory / "out").glob("*.rockspec")
        spec.rename(self.directory / "tree" / spec.name)
        self.luarocks("make", spec.name, cwd="tree")
        self.assertEqual(self.below("T/share/lua/5.1"), inits)
        # And kongfleet reads it as LuaRocks does.
        self.kongfleet(0, "export", "docker", f"tree/{spec.name}", "-o", "read")
        self.assertEqual(self.below("read/lua"), inits)

    def write_rockspec(self, dependencies: str) -> None:
        modules = ",".join(f'["{name[:-4].replace("/", ".")}"] = "{name}"' for name in FILES)
        self.write(FILES | {"x-1-1.rockspec": (
            f'package = "x"\nversion = "1-1"\nsource = {{ url = "file://." }}\ndependencies = {{ {dependencies} }}\n'
            f'build = {{ type = "builtin", modules = {{ {modules} }} }}\n').encode()})

    def test_it_depends_on_what_the_rock_it_came_from_did(self):
        self.write_rockspec('"lua >= 5.1", "needed >= 2.0, < 3"')
        self.kongfleet(0, "export", "rock", "tree/x-1-1.rockspec", "-o", "1")
        self.kongfleet(0, "export", "rock", f"1/{self.STEM}.all.rock", "-o", "2")
        self.assertEqual(self.below("1"), self.below("2"))
        self.assertIn("Missing dependencies for kong-plugin-my-plugin 1.2.0-1:\n   needed >= 2.0, < 3",
                      self.luarocks("install", f"2/{self.STEM}.all.rock", code=1))

    def test_a_dependency_that_is_none_is_refused(self):
        for need in ['x\\"} os.exit() --', "x\\\ny", ""]:
            self.write_rockspec(f'"{need}"')
            self.assertRegex(self.kongfleet(1, "export", "rock", "tree/x-1-1.rockspec", "-o", "1"),
                             r"x-1-1.rockspec:4: '.*' is nothing that LuaRocks can depend on")

    def test_it_is_the_same_bytes_in_every_time_zone(self):
        self.export("rock", MORE)
        before = self.below("out")
        self.addCleanup(os.environ.pop, "TZ", None)
        os.environ["TZ"] = "Asia/Tokyo"
        self.export("rock", MORE)
        self.assertEqual(self.below("out"), before)

    def test_what_no_module_can_be_called_is_refused(self):
        self.assertIn("'mylib/v1.2/a' cannot be the path of a rock's module",
                      self.export("rock", FILES | {"mylib/v1.2/a.lua": b""}, 1))
        self.assertFalse((self.directory / "out").exists())

    def test_a_version_that_luarocks_does_not_take_is_refused(self):
        self.write(FILES)
        self.assertIn("LuaRocks does not take the version 1.2.0-rc1", self.kongfleet(
            1, "export", "rock", "tree", "-o", "out", "--release-version", "1.2.0-rc1"))


class DockerTest(PluginTest):
    def instructions(self) -> list[tuple[str, str]]:
        lines = (self.directory / "out/Dockerfile").read_text().splitlines()
        return [tuple(line.split(" ", 1)) for line in lines if line and not line.startswith("#")]

    def test_the_dockerfile_says_all_that_kong_needs(self):
        self.export("docker", MORE)
        found = self.instructions()
        self.assertEqual([word for word, _ in found], ["ARG", "FROM", "USER", "COPY", "LABEL", "ENV",
                                                      "ENV", "USER", "HEALTHCHECK"])
        self.assertRegex(dict(found)["ARG"], r"^KONG_IMAGE=kong:\d+\.\d+$")
        self.assertEqual(dict(found)["FROM"], "${KONG_IMAGE}")
        self.assertEqual([value for word, value in found if word == "USER"], ["root", "kong"])
        source, target = dict(found)["COPY"].split()
        self.assertEqual(source, "lua/")
        environment = dict(shlex.split(value)[0].split("=", 1) for word, value in found
                           if word == "ENV")
        self.assertEqual(environment, {
            "KONG_PLUGINS": "${KONG_PLUGINS:-bundled},my-plugin",
            "KONG_LUA_PACKAGE_PATH": f"{target}?.lua;{target}?/init.lua;${{KONG_LUA_PACKAGE_PATH:-;}}"})
        options, command = dict(found)["HEALTHCHECK"].split(" CMD ")
        self.assertEqual(json.loads(command), ["kong", "health"])
        for option in options.split():
            self.assertRegex(option, r"^--(interval|timeout)=\d+s$|^--retries=\d+$")

    def test_what_is_copied_is_the_tree_and_everybody_can_read_it(self):
        self.addCleanup(os.umask, os.umask(0o077))
        self.export("docker", MORE)
        self.assertEqual(self.below("out/lua"), MORE)
        for path in (self.directory / "out/lua").rglob("*"):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o755 if path.is_dir() else 0o644)

    def test_a_file_of_another_export_is_not_left_in_the_image(self):
        self.export("docker", MORE)
        self.export("docker", MORE)
        (self.directory / "tree/top.lua").unlink()
        self.assertIn("holds 'lua/top.lua', which would become part of the export",
                      self.export("docker", FILES, 1))


    def buildah(self, *arguments: str) -> str:
        store = self.directory / "store"
        environment = os.environ | {"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot", "HOME": str(self.directory)}
        command = ["buildah", "--root", store / "root", "--runroot", store / "run", *arguments]
        done = subprocess.run(command, cwd=self.directory / "out", env=environment, capture_output=True, text=True,
                              timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout.strip()

    def built(self, image: str, onto: str) -> tuple[dict, dict[str, str]]:
        """Of the image that buildah makes of the context: its configuration, and its variables."""
        self.buildah("bud", "--format", "docker", "--build-arg", f"KONG_IMAGE={onto}", "-t", image, ".")
        config = json.loads(self.buildah("inspect", "--type", "image", image))["Docker"]["config"]
        return config, dict(each.split("=", 1) for each in config["Env"])

    def check_copied(self, image: str, place: str, files: dict[str, bytes]) -> None:
        below = pathlib.Path(self.buildah("mount", self.buildah("from", image))) / place.lstrip("/")
        self.assertEqual({str(path.relative_to(below)): path.read_bytes()
                          for path in below.rglob("*") if path.is_file()}, files)

    def test_buildah_builds_the_image(self):
        """On an empty image in Kong's place: what is copied and set is in the result, by buildah's own word."""
        self.export("docker", MORE)
        self.addCleanup(self.buildah, "rm", "--all")
        self.buildah("commit", self.buildah("from", "scratch"), "localhost/kong:here")
        config, environment = self.built("gateway", "localhost/kong:here")
        self.assertEqual(config["User"], "kong")
        self.assertEqual(config["Healthcheck"]["Test"], ["CMD", "kong", "health"])
        self.assertEqual(environment["KONG_PLUGINS"], "bundled,my-plugin")
        place = environment["KONG_LUA_PACKAGE_PATH"].split("?", 1)[0]
        self.assertEqual(environment["KONG_LUA_PACKAGE_PATH"], f"{place}?.lua;{place}?/init.lua;;")
        self.check_copied("gateway", place, MORE)

    def test_a_second_plugin_leaves_the_first_in_the_image(self):
        """And what the image of one's own had before that."""
        self.addCleanup(self.buildah, "rm", "--all")
        self.export("docker", FILES)
        base = self.buildah("from", "scratch")
        self.buildah("config", "--env", "KONG_PLUGINS=cors,mine", "--env", "KONG_LUA_PACKAGE_PATH=/mine/?.lua", base)
        self.buildah("commit", base, "localhost/kong:own")
        self.built("kong-my-plugin", "localhost/kong:own")
        self.write(OTHER, "other")
        shutil.rmtree(self.directory / "out")
        self.kongfleet(0, "export", "docker", "other", "-o", "out")
        head = (self.directory / "out/Dockerfile").read_text().split("\nARG")[0]
        self.assertIn("--build-arg KONG_IMAGE=kong-other", head)
        _, environment = self.built("both", "kong-my-plugin")
        self.assertEqual(environment["KONG_PLUGINS"], "cors,mine,my-plugin,other")
        self.assertEqual(environment["KONG_LUA_PACKAGE_PATH"].split(";"), [
            f"{place}?{ending}" for place in ("/opt/kong-plugins/other/", "/opt/kong-plugins/my-plugin/")
            for ending in (".lua", "/init.lua")] + ["/mine/?.lua"])
        self.check_copied("both", "/opt/kong-plugins/my-plugin", FILES)
        self.check_copied("both", "/opt/kong-plugins/other", OTHER)


class KonnectTest(PluginTest):
    def test_the_body_holds_the_schema(self):
        self.assertIn("every data plane", self.export("konnect", FILES))
        self.assertEqual(json.loads((self.directory / "out/plugin-schema.json").read_text()),
                         {"lua_schema": SCHEMA})

    def test_everything_that_konnect_refuses_is_told_at_once(self):
        said = self.export("konnect", FILES | {
            f"{HOME}/api.lua": b"return {}\n", f"{HOME}/daos.lua": b"return {}\n",
            f"{HOME}/migrations/init.lua": b"return {}\n",
            f"{HOME}/schema.lua": b"\nlocal t = require 'kong.db.schema.typedefs'\nreturn {}\n"}, 5)
        for place in ["api.lua: extends", "daos.lua: defines", "migrations/init.lua: changes",
                      "schema.lua:2: requires"]:
            self.assertIn(f"{HOME}/{place}", said)
        self.assertFalse((self.directory / "out").exists())

    def schema(self, text: str) -> dict[str, bytes]:
        return FILES | {f"{HOME}/schema.lua": text.encode()}

    def test_a_schema_that_asks_how_it_was_loaded_is_refused(self):
        said = self.export("konnect", self.schema(
            'local function f(...) if ... then for i = 1, 2 do end end return select("#", ...) end\n'
            'local plugin = ({...})[1]:match("^kong%.plugins%.([^%.]+)")\n'
            "return { name = plugin, fields = {} }\n"), 5)
        self.assertIn(f"{HOME}/schema.lua:2: uses '...'", said)
        self.assertIn(f'{HOME}/schema.lua:3: states no name that can be read off', said)
        self.assertIn('write name = "my-plugin"', said)
        self.assertNotIn("schema.lua:1:", said)

    def test_a_schema_without_its_plugins_name_is_refused(self):
        config = 'fields = { { config = { type = "record", fields = { { name = { type = "string" } } } } } }'
        for named, right in ((f"{config}", "states no name"), (f'name = "other", {config}', "has the name 'other'"),
                             (f'{config}, name = ("my-" .. x)', "states no name")):
            self.assertIn(right, self.export("konnect", self.schema(f"return {{ {named} }}"), 5))

    def test_a_name_may_stand_anywhere_as_a_text(self):
        config = 'fields = { { config = { type = "record", fields = { { name = { type = "string" } } } } } }'
        for text in (f'return {{ {config}, name = "my-plugin" }}',
                     f'local n = "my-plugin"\nreturn {{ name = n, {config} }}',
                     f'local s = {{ {config} }}\ns.name = "my-plugin"\nreturn s',
                     f'local string = {{ name = {{ type = "string" }} }}\nreturn {{ name = "my-plugin", {config} }}',
                     f'local function any(...) return {{ ... }} end\nreturn {{ name = "my-plugin", {config} }}'):
            self.export("konnect", self.schema(text))

    def test_the_example_of_init_is_taken(self):
        self.kongfleet(0, "init")
        self.kongfleet(0, "export", "konnect", "plugins/my-plugin", "-o", "out")

    def test_a_schema_that_is_no_text_is_refused(self):
        self.assertIn("schema.lua: is not UTF-8",
                      self.export("konnect", FILES | {f"{HOME}/schema.lua": b"return {} -- \xff"}, 5))


class EveryExportTest(PluginTest):
    def test_a_bundle_and_a_rock_give_what_their_tree_gives(self):
        self.export("rock", MORE)
        self.kongfleet(0, "pack", "tree", "-o", "x.kfb")
        for source in ["x.kfb", f"out/{RockTest.STEM}.all.rock"]:
            for kind in ["rock", "docker", "kubernetes"]:
                self.kongfleet(0, "export", kind, "tree", "-o", f"1-{kind}")
                self.kongfleet(0, "export", kind, source, "-o", f"2-{kind}")
                self.assertEqual(self.below(f"1-{kind}"), self.below(f"2-{kind}"))

    def test_mistakes_in_the_command_line(self):
        self.assertIn("found 'helm' after export; it is one of 'rock', 'docker', 'kubernetes' and "
                      "'konnect'", self.kongfleet(1, "export", "helm", "tree"))
        self.assertIn("export needs a plugin and where to write it",
                      self.kongfleet(1, "export", "rock", "tree"))


if __name__ == "__main__":
    unittest.main()
