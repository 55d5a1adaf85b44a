#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What kongfleet exports, read by what it is for: LuaRocks installs the rock, buildah builds the image, kubectl puts the
manifests together and patches a Deployment; Helm values are followed to where the chart puts each file."""
import base64
import json
import os
import pathlib
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

import yaml

from plugin_fixture import FILES, HOME, SCHEMA, PluginTest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from packages import apt_get  # noqa: E402

MORE = FILES | {
    f"{HOME}/migrations/init.lua": b"return {}\n",
    f"{HOME}/a/b/deep.lua": b"\n  return 1",
    "mylib/init.lua": b"return { [[\n\n  x\t]] }\n\n",
    "mylib/data.json": b"{}",
    "mylib/umlaut.lua": "return 'ü'\r\n".encode(),
    "mylib/empty.lua": b"",
    "top.lua": b"return 2\n",
}


class RockTest(PluginTest):
    STEM = "kong-plugin-my-plugin-1.2.0-1"

    def luarocks(self, *arguments: str, cwd: str = ".") -> None:
        done = subprocess.run(["luarocks", "--lua-version", "5.1", "--tree", self.directory / "T",
                               "--only-server", "file:///nonexistent", *arguments],
                              cwd=self.directory / cwd, capture_output=True, text=True, timeout=60,
                              env=os.environ | {"HOME": str(self.directory)}, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

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
            "KONG_PLUGINS": "bundled,my-plugin",
            "KONG_LUA_PACKAGE_PATH": f"{target}?.lua;{target}?/init.lua;;"})
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


    def test_buildah_builds_the_image(self):
        """On an empty image in Kong's place: what is copied and set is in the result, by buildah's own word."""
        self.export("docker", MORE)
        store = self.directory / "store"
        environment = os.environ | {"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot", "HOME": str(self.directory)}

        def buildah(*arguments: str) -> str:
            command = ["buildah", "--root", store / "root", "--runroot", store / "run", *arguments]
            done = subprocess.run(command, cwd=self.directory / "out", env=environment, capture_output=True, text=True,
                                  timeout=120, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            return done.stdout.strip()

        buildah("commit", buildah("from", "scratch"), "localhost/kong:here")
        buildah("bud", "--format", "docker", "--build-arg", "KONG_IMAGE=localhost/kong:here", "-t", "gateway", ".")
        image = json.loads(buildah("inspect", "--type", "image", "gateway"))["Docker"]["config"]
        self.assertEqual(image["User"], "kong")
        self.assertEqual(image["Healthcheck"]["Test"], ["CMD", "kong", "health"])
        environment_of = dict(each.split("=", 1) for each in image["Env"])
        self.assertEqual(environment_of["KONG_PLUGINS"], "bundled,my-plugin")
        place = environment_of["KONG_LUA_PACKAGE_PATH"].split("?", 1)[0]
        root = pathlib.Path(buildah("mount", buildah("from", "gateway")))
        below = root / place.lstrip("/")
        self.assertEqual({str(path.relative_to(below)): path.read_bytes() for path in below.rglob("*") if path.is_file()},
                         MORE)
        buildah("rm", "--all")


def kubectl(scratch: pathlib.Path) -> str:
    """The one that is here, or Debian's, unpacked: its package does not go beside others that bring one."""
    if shutil.which("kubectl"):
        return "kubectl"
    apt_get(scratch, "download", "kubernetes-client")
    package, = scratch.glob("kubernetes-client_*.deb")
    subprocess.run(["dpkg-deb", "-x", package, scratch / "kubectl"], check=True)
    return str(scratch / "kubectl/usr/bin/kubectl")


class KubernetesTest(PluginTest):
    NAME = re.compile(r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")  # DNS-1123 label

    def read(self, name: str) -> list:
        return list(yaml.safe_load_all((self.directory / "out" / name).read_text()))

    def maps(self) -> dict[str, dict[str, bytes]]:
        maps = {}
        for one in self.read("configmaps.yaml"):
            self.assertEqual((one["apiVersion"], one["kind"]), ("v1", "ConfigMap"))
            name = one["metadata"]["name"]
            self.assertRegex(name, self.NAME)
            self.assertNotIn(name, maps)
            maps[name] = {key: text.encode() for key, text in one.get("data", {}).items()} | {
                key: base64.b64decode(text, validate=True)
                for key, text in one.get("binaryData", {}).items()}
            for key in maps[name]:
                self.assertRegex(key, r"^[-._a-zA-Z0-9]{1,253}$")
        return maps

    @staticmethod
    def mounted(maps, mounts) -> dict[str, bytes]:
        """The files as Kong sees them; a mount is (ConfigMap, path, subPath or None)."""
        seen = {}
        for name, path, sub in mounts:
            for key, content in maps[name].items():
                if sub in (None, key):
                    seen[path if sub else f"{path}/{key}"] = content
        return {path.removeprefix("/opt/"): content for path, content in seen.items()}

    def test_the_chart_mounts_every_file_where_it_belongs(self):
        self.export("kubernetes", MORE)
        values, = self.read("values.yaml")
        mounts = [(one["name"], one["mountPath"], one.get("subPath"))
                  for one in values["extraConfigMaps"]]
        for plugin in values["plugins"]["configMaps"]:  # as the chart's _helpers.tpl does
            home = f"/opt/kong/plugins/{plugin['pluginName']}"
            self.assertRegex(f"kong-plugin-{plugin['pluginName']}", self.NAME)
            mounts += [(plugin["name"], home, None)] + [
                (sub["name"], f"{home}/{sub['path']}", None) for sub in plugin["subdirectories"]]
        self.assertEqual(self.mounted(self.maps(), mounts), MORE)
        self.assertEqual(values["podAnnotations"]["kongfleet/release"], "my-plugin@1.2.0")

    def test_the_patch_mounts_the_same(self):
        self.export("kubernetes", MORE)
        patch, = self.read("deployment-patch.yaml")
        pod = patch["spec"]["template"]["spec"]
        volumes = {one["name"]: one["configMap"]["name"] for one in pod["volumes"]}
        container, = pod["containers"]
        mounts = [(volumes[one["name"]], one["mountPath"], one.get("subPath"))
                  for one in container["volumeMounts"]]
        self.assertEqual(self.mounted(self.maps(), mounts), MORE)
        self.assertEqual({one["name"]: one["value"] for one in container["env"]},
                         {"KONG_PLUGINS": "bundled,my-plugin",
                          "KONG_LUA_PACKAGE_PATH": "/opt/?.lua;/opt/?/init.lua;;"})

    def deployed(self, resources: str, patches: str = "") -> dict[str, dict]:
        """What `kubectl kustomize` makes of it, by kind: it knows the fields of a Deployment, and how lists are merged."""
        (self.directory / "out/kustomization.yaml").write_text(f"resources: [{resources}]\n{patches}")
        with tempfile.TemporaryDirectory(prefix="kongfleet-kubectl-") as scratch:
            done = subprocess.run([kubectl(pathlib.Path(scratch)), "kustomize", "out"], cwd=self.directory,
                                  capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        made = list(yaml.safe_load_all(done.stdout))
        self.assertEqual({one["metadata"]["name"] for one in made if one["kind"] == "ConfigMap"}, set(self.maps()))
        return {one["kind"]: one for one in made}

    def check_pod(self, pod: dict) -> dict[str, str]:
        """It mounts every file where it belongs; its variables."""
        volumes = {one["name"]: one["configMap"]["name"] for one in pod["volumes"] if "configMap" in one}
        container, = pod["containers"]
        mounts = [(volumes[one["name"]], one["mountPath"], one.get("subPath"))
                  for one in container["volumeMounts"] if one["name"] in volumes]
        self.assertEqual(self.mounted(self.maps(), mounts), MORE)
        return {one["name"]: one["value"] for one in container["env"]}

    def test_kubectl_takes_the_plain_manifests(self):
        self.export("kubernetes", MORE)
        made = self.deployed("configmaps.yaml, deployment.yaml")
        template = made["Deployment"]["spec"]["template"]
        self.assertEqual(self.check_pod(template["spec"]), {
            "KONG_DATABASE": "off", "KONG_STATUS_LISTEN": "0.0.0.0:8100", "KONG_PLUGINS": "bundled,my-plugin",
            "KONG_LUA_PACKAGE_PATH": "/opt/?.lua;/opt/?/init.lua;;"})
        labels = template["metadata"]["labels"]
        self.assertEqual(made["Deployment"]["spec"]["selector"]["matchLabels"], labels)
        self.assertEqual(made["Service"]["spec"]["selector"], labels)
        container, = template["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        self.assertEqual(ports, {"proxy": 8000, "status": 8100})
        self.assertEqual(made["Service"]["spec"]["ports"][0]["targetPort"], "proxy")
        for probe in ("livenessProbe", "readinessProbe"):
            self.assertEqual(container[probe]["httpGet"], {"path": "/status", "port": "status"})

    def test_kubectl_patches_a_deployment_of_ones_own(self):
        self.export("kubernetes", MORE)
        own = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "own"}, "spec": {
            "selector": {"matchLabels": {"app": "own"}},
            "template": {"metadata": {"labels": {"app": "own"}, "annotations": {"mine": "1"}}, "spec": {
                "containers": [{"name": "proxy", "image": "kong:3.4", "env": [{"name": "KONG_DATABASE", "value": "off"}],
                                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]}],
                "volumes": [{"name": "tmp", "emptyDir": {}}]}}}}
        (self.directory / "out/own.yaml").write_text(yaml.safe_dump(own))
        patch, = self.read("deployment-patch.yaml")
        of_what = {key: own[key] for key in ("apiVersion", "kind", "metadata")}  # as `kubectl patch` is told
        (self.directory / "out/patch.yaml").write_text(yaml.safe_dump(of_what | patch))
        made = self.deployed("configmaps.yaml, own.yaml", "patchesStrategicMerge: [patch.yaml]\n")
        template = made["Deployment"]["spec"]["template"]
        self.assertEqual(self.check_pod(template["spec"])["KONG_DATABASE"], "off")
        self.assertIn({"name": "tmp", "emptyDir": {}}, template["spec"]["volumes"])
        self.assertEqual(template["metadata"]["annotations"]["mine"], "1")
        self.assertEqual(template["metadata"]["annotations"]["kongfleet/release"], "my-plugin@1.2.0")

    def test_it_is_the_same_bytes_again_and_other_pods_for_another_release(self):
        self.export("kubernetes", MORE)
        before = self.below("out")
        self.export("kubernetes", MORE)
        self.assertEqual(self.below("out"), before)
        self.export("kubernetes", MORE | {"top.lua": b"return 3\n"})
        for name, content in self.below("out").items():
            self.assertNotEqual(content, before[name])

    def test_what_a_config_map_cannot_hold_is_refused_by_name_and_size(self):
        full = FILES | {"mylib/a.lua": b"--".ljust(1 << 20)}
        self.export("kubernetes", full)
        said = self.export("kubernetes", full | {"mylib/b.lua": b"\n"}, 1)
        self.assertRegex(said, r"ConfigMap kong-plugin-my-plugin-mylib-[0-9a-f]{8} for 'mylib' would "
                               r"hold 1,048,577 bytes and may hold 1,048,576 bytes; .*'a.lua'")

    def test_a_name_that_is_none_there_is_refused(self):
        self.write({f"kong/plugins/my_plugin/{name.rsplit('/', 1)[1]}": content
                    for name, content in FILES.items()})
        self.assertIn("Kubernetes takes no volume 'kong-plugin-my_plugin'",
                      self.kongfleet(1, "export", "kubernetes", "tree", "-o", "out"))


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
