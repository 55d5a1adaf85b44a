#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What kongfleet exports for Kubernetes: kubectl puts the manifests together and patches a Deployment; Helm values are
followed to where the chart puts each file."""
import base64
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

from plugin_fixture import FILES, HOME, MORE, OTHER, PluginTest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from packages import apt_get  # noqa: E402


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

    def mounts_of(self, values: dict) -> list[tuple]:
        mounts = [(one["name"], one["mountPath"], one.get("subPath"))
                  for one in values["extraConfigMaps"]]
        for plugin in values["plugins"]["configMaps"]:  # as the chart's _helpers.tpl does
            home = f"/opt/kong/plugins/{plugin['pluginName']}"
            self.assertRegex(f"kong-plugin-{plugin['pluginName']}", self.NAME)
            mounts += [(plugin["name"], home, None)] + [
                (sub["name"], f"{home}/{sub['path']}", None) for sub in plugin.get("subdirectories", [])]
        return mounts

    def test_the_chart_mounts_every_file_where_it_belongs(self):
        self.export("kubernetes", MORE)
        values, = self.read("values.yaml")
        self.assertEqual(self.mounted(self.maps(), self.mounts_of(values)), MORE)
        self.assertEqual(values["podAnnotations"]["my-plugin.kongfleet/release"], "my-plugin@1.2.0")

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

    def check_pod(self, pod: dict, files: dict[str, bytes] = MORE) -> dict[str, str]:
        """It mounts every file where it belongs; its variables."""
        volumes = {one["name"]: one["configMap"]["name"] for one in pod["volumes"] if "configMap" in one}
        container, = pod["containers"]
        mounts = [(volumes[one["name"]], one["mountPath"], one.get("subPath"))
                  for one in container["volumeMounts"] if one["name"] in volumes]
        self.assertEqual(self.mounted(self.maps(), mounts), files)
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
        self.assertEqual(template["metadata"]["annotations"]["my-plugin.kongfleet/release"], "my-plugin@1.2.0")

    def export_two(self) -> dict[str, str]:
        """Of both plugins: their ConfigMaps are in one file afterwards, the other files' text is by plugin and name."""
        both = {"configmaps.yaml": ""}
        for name, files in (("my-plugin", MORE), ("other", OTHER)):
            self.write(files, name)
            self.kongfleet(0, "export", "kubernetes", name, "-o", "out")
            for path in (self.directory / "out").iterdir():
                both[f"{name}/{path.name}"] = path.read_text()
            both["configmaps.yaml"] += both[f"{name}/configmaps.yaml"]
        (self.directory / "out/configmaps.yaml").write_text(both["configmaps.yaml"])
        return both

    def test_patches_of_two_plugins_go_together_as_their_heads_say(self):
        """In a container that is not called as the chart's: without a word of the heads, one plugin would be gone."""
        both = self.export_two()
        for number, name in enumerate(["my-plugin", "other"]):
            text = both[f"{name}/deployment-patch.yaml"]
            head = text.split("spec:")[0]
            for word in ("container 'proxy'", "where Kong's has another name", "for several plugins name them all"):
                self.assertIn(word, head)
            self.assertEqual((text.count("- name: proxy"), text.count(f'"bundled,{name}"')), (1, 1))
            patch = yaml.safe_load(text.replace("- name: proxy", "- name: kong").replace(
                f'"bundled,{name}"', '"bundled,my-plugin,other"'))
            (self.directory / f"out/patch{number}.yaml").write_text(yaml.safe_dump(
                {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "own"}} | patch))
        (self.directory / "out/own.yaml").write_text(yaml.safe_dump({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "own"}, "spec": {
                "selector": {"matchLabels": {"app": "own"}}, "template": {
                    "metadata": {"labels": {"app": "own"}},
                    "spec": {"containers": [{"name": "kong", "image": "kong:3.4"}]}}}}))
        made = self.deployed("configmaps.yaml, own.yaml", "patchesStrategicMerge: [patch0.yaml, patch1.yaml]\n")
        template = made["Deployment"]["spec"]["template"]
        self.assertEqual(self.check_pod(template["spec"], MORE | OTHER), {
            "KONG_PLUGINS": "bundled,my-plugin,other", "KONG_LUA_PACKAGE_PATH": "/opt/?.lua;/opt/?/init.lua;;"})
        annotations = template["metadata"]["annotations"]  # of both, so that new files of either start new pods
        self.assertEqual({key: text for key, text in annotations.items() if key.endswith("/release")}, {
            "my-plugin.kongfleet/release": "my-plugin@1.2.0", "other.kongfleet/release": "other@1.2.0"})

    def test_a_second_plugin_comes_to_the_exported_deployment_by_its_patch(self):
        both = self.export_two()
        (self.directory / "out/deployment.yaml").write_text(both["my-plugin/deployment.yaml"])
        head = both["my-plugin/deployment.yaml"].split("apiVersion")[0]
        self.assertIn("for a second one apply its deployment-patch.yaml", head)
        patch = yaml.safe_load(both["other/deployment-patch.yaml"].replace('"bundled,', '"bundled,my-plugin,'))
        (self.directory / "out/patch.yaml").write_text(yaml.safe_dump(
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "kong"}} | patch))
        made = self.deployed("configmaps.yaml, deployment.yaml", "patchesStrategicMerge: [patch.yaml]\n")
        variables = self.check_pod(made["Deployment"]["spec"]["template"]["spec"], MORE | OTHER)
        self.assertEqual(variables["KONG_PLUGINS"], "bundled,my-plugin,other")

    def test_values_of_two_plugins_go_into_one_file_as_their_head_says(self):
        both = self.export_two()
        values = [yaml.safe_load(both[f"{name}/values.yaml"]) for name in ("my-plugin", "other")]
        self.assertIn("for several plugins, write the items", both["other/values.yaml"].split("\nplugins:")[0])
        self.assertFalse(set(values[0]["podAnnotations"]) & set(values[1]["podAnnotations"]))
        self.assertEqual([set(one) for one in values], [{"plugins", "extraConfigMaps", "podAnnotations"},
                                                        {"plugins", "podAnnotations"}])
        self.assertEqual(self.mounted(self.maps(), self.mounts_of({
            "plugins": {"configMaps": [item for one in values for item in one["plugins"]["configMaps"]]},
            "extraConfigMaps": values[0]["extraConfigMaps"]})), MORE | OTHER)

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


if __name__ == "__main__":
    unittest.main()
