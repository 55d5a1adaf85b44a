// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes_export.hpp"

#include "controller/answer.hpp"
#include "proto/error.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <map>

namespace kongfleet::controller {

namespace {

constexpr std::size_t config_map_bytes_max = std::size_t{1} << 20;  // Kubernetes' own limit
constexpr std::size_t dns_label_max = 63;
constexpr std::string_view volume_prefix = "kong-plugin-";  // the chart's
constexpr std::size_t digest_digits = 8;

/// One ConfigMap: the files of one directory.
struct KubernetesMap {
  std::string name;   // also of its volume
  std::string mount;  // "/opt/mylib"
  std::string sub;    // below the plugin's own directory; empty: it is that, or not below it
  std::string file;   // the only one, when that is mounted and no directory
  std::vector<std::pair<std::string, const std::string*>> data;
};

// The plugin's name and the path may both hold '-': the digest tells them apart.
std::string map_name_of(const std::string& plugin, const std::string& directory) {
  auto name = std::string(volume_prefix) + plugin + "-" + directory;
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
  });
  name.resize(std::min(name.size(), dns_label_max - digest_digits - 1));
  return name + "-" + sha256(plugin + "/" + directory).hex().substr(0, digest_digits);
}

void refuse_plugin_name(const std::string& name) {
  const bool good = name.find('_') == std::string::npos && name.back() != '-' &&
                    volume_prefix.size() + name.size() <= dns_label_max;
  if (good) return;
  throw Error("Kubernetes takes no volume '" + std::string(volume_prefix) + name +
              "', as the chart calls it: a plugin's name has there at most " +
              std::to_string(dns_label_max - volume_prefix.size()) +
              " small letters, digits and '-', and does not end with '-'");
}

std::vector<KubernetesMap> maps_of(const Release& release) {
  const auto& plugin = release.manifest.name().text();
  const auto home = "kong/plugins/" + plugin;
  std::map<std::string, KubernetesMap> maps;
  const auto& files = release.manifest.files();
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& path = files[i].path.text();
    const auto slash = path.rfind('/');
    const bool on_top = slash == std::string::npos;
    const auto directory = on_top ? path : path.substr(0, slash);
    auto& map = maps[directory];
    map.mount = "/opt/" + directory;
    map.name = map_name_of(plugin, directory);
    if (directory == home) map.name = std::string(volume_prefix) + plugin;
    if (directory.starts_with(home + "/")) map.sub = directory.substr(home.size() + 1);
    if (on_top) map.file = path;
    map.data.emplace_back(on_top ? path : path.substr(slash + 1), &release.contents[i]);
  }
  std::vector<KubernetesMap> sorted;
  for (auto& [directory, map] : maps) sorted.push_back(std::move(map));
  return sorted;
}

void refuse_size(const KubernetesMap& map) {
  std::size_t bytes = 0;
  const std::pair<std::string, const std::string*>* largest = nullptr;
  for (const auto& each : map.data) {
    bytes += each.second->size();
    if (largest == nullptr || each.second->size() > largest->second->size()) largest = &each;
  }
  if (bytes <= config_map_bytes_max) return;
  throw Error("the ConfigMap " + map.name + " for '" + map.mount.substr(5) + "' would hold " +
              counted(bytes, "byte") + " and may hold " + counted(config_map_bytes_max, "byte") +
              "; the largest file in it is '" + largest->first + "' with " +
              counted(largest->second->size(), "byte"));
}

// What YAML's literal style gives back byte by byte, in every reader.
bool plain_text(const std::string& text) {
  return !text.empty() && text.front() != ' ' && text.front() != '\t' && text.front() != '\n' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '\n' || c == '\t' || (c >= ' ' && c <= '~'); });
}

std::string literal(const std::string& text) {
  const bool ends = text.back() == '\n';
  std::string all = ends && !text.ends_with("\n\n") ? "|\n" : ends ? "|+\n" : "|-\n";
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    if (end > at) all += "    " + text.substr(at, end - at);
    all += "\n";
    at = end + 1;
  }
  return all;
}

std::string base64(const std::string& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const auto* from = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), from,
                                      static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return "\"" + text + "\"\n";
}

std::string config_map(const KubernetesMap& map, const Manifest& manifest) {
  std::string all = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + map.name +
                    "\n  annotations:\n    kongfleet/release: \"" + manifest.release() + "\"\n";
  std::string texts;
  std::string bytes;
  for (const auto& [key, content] : map.data) {
    auto& kind = plain_text(*content) ? texts : bytes;
    kind += "  \"" + key + "\": " + (&kind == &texts ? literal(*content) : base64(*content));
  }
  if (!texts.empty()) all += "data:\n" + texts;
  if (!bytes.empty()) all += "binaryData:\n" + bytes;
  return all;
}

// By the plugin's name, so that those of several do not replace each other.
std::string annotation(const Manifest& manifest, const std::string& indent) {
  const auto prefix = indent + manifest.name().text() + ".kongfleet/";
  return prefix + "release: \"" + manifest.release() + "\"\n" + prefix + "sha256: \"" +
         manifest.digest().hex() + "\"\n";
}

std::string values_yaml(const std::vector<KubernetesMap>& maps, const Manifest& manifest) {
  std::string subs;
  std::string others;
  const auto& plugin = manifest.name().text();
  for (const auto& map : maps) {
    if (!map.sub.empty()) {
      subs += "        - name: " + map.name + "\n          path: \"" + map.sub + "\"\n";
    } else if (map.mount != "/opt/kong/plugins/" + plugin) {
      others += "  - name: " + map.name + "\n    mountPath: \"" + map.mount + "\"\n";
      if (!map.file.empty()) others += "    subPath: \"" + map.file + "\"\n";
    }
  }
  std::string all = R"(# helm upgrade --install kong kong/kong --values values.yaml
# Of several --values the last one's lists replace the others': for several plugins, write the items
# of each one's configMaps and extraConfigMaps below each other into one file.
)";
  all += "plugins:\n  configMaps:\n    - pluginName: \"" + plugin +
         "\"\n      name: " + std::string(volume_prefix) + plugin + "\n";
  if (!subs.empty()) all += "      subdirectories:\n" + subs;
  if (!others.empty()) all += "extraConfigMaps:\n" + others;
  return all + "podAnnotations:\n" + annotation(manifest, "  ");
}

/// What a Deployment has beside what a plugin needs, each where it belongs in it.
struct Surroundings {
  std::string_view metadata, container, environment;
};

constexpr Surroundings none{"", "", ""};
// Kong without a database, which is told what to serve by whatever speaks to it; as the chart does,
// it is ready when its Status API answers.
constexpr Surroundings whole{"      labels:\n        app.kubernetes.io/name: kong\n",
                             R"(          image: kong:3.9
          ports:
            - name: proxy
              containerPort: 8000
            - name: status
              containerPort: 8100
          livenessProbe:
            httpGet:
              path: /status
              port: status
          readinessProbe:
            httpGet:
              path: /status
              port: status
)",
                             R"(            - name: KONG_DATABASE
              value: "off"
            - name: KONG_STATUS_LISTEN
              value: "0.0.0.0:8100"
)"};

std::string pod_template(const std::vector<KubernetesMap>& maps, const Manifest& manifest,
                         const Surroundings& with) {
  auto all =
      "  template:\n    metadata:\n" + std::string(with.metadata) + "      annotations:\n" +
      annotation(manifest, "        ") + "    spec:\n      containers:\n        - name: proxy\n" +
      std::string(with.container) + "          env:\n" + std::string(with.environment) +
      "            - name: KONG_PLUGINS\n              value: \"bundled," + manifest.name().text() +
      "\"\n            - name: KONG_LUA_PACKAGE_PATH\n"
      "              value: \"/opt/?.lua;/opt/?/init.lua;;\"\n"
      "          volumeMounts:\n";
  std::string volumes = "      volumes:\n";
  for (const auto& map : maps) {
    all += "            - name: " + map.name + "\n              mountPath: \"" + map.mount +
           "\"\n              readOnly: true\n";
    if (!map.file.empty()) all += "              subPath: \"" + map.file + "\"\n";
    volumes += "        - name: " + map.name +
               "\n          configMap:\n            name: " + map.name + "\n";
  }
  return all + volumes;
}

std::string patch_yaml(const std::vector<KubernetesMap>& maps, const Manifest& manifest) {
  return R"(# kubectl patch deployment NAME --patch-file deployment-patch.yaml
# It is for a container 'proxy', as Kong's chart calls it: where Kong's has another name, write that
# here, for kubectl would add a second container.
# KONG_PLUGINS and KONG_LUA_PACKAGE_PATH replace what is there: for several plugins name them all in
# KONG_PLUGINS of each patch; what else the path needs goes before its last two ';'.
spec:
)" + pod_template(maps, manifest, none);
}

std::string deployment_yaml(const std::vector<KubernetesMap>& maps, const Manifest& manifest) {
  return R"(# kubectl apply --server-side --filename configmaps.yaml --filename deployment.yaml
# Another plugin's would replace it: for a second one apply its deployment-patch.yaml to this.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: kong
spec:
  selector:
    matchLabels:
      app.kubernetes.io/name: kong
)" + pod_template(maps, manifest, whole) +
         R"(---
apiVersion: v1
kind: Service
metadata:
  name: kong-proxy
spec:
  selector:
    app.kubernetes.io/name: kong
  ports:
    - name: proxy
      port: 80
      targetPort: proxy
)";
}

}  // namespace

ExportedFiles kubernetes_manifests_of(const Release& release) {
  const auto& manifest = release.manifest;
  refuse_plugin_name(manifest.name().text());
  const auto maps = maps_of(release);
  // What kubectl keeps of a manifest when it is not the server that applies it is limited to 256
  // KiB.
  std::string all = "# kubectl apply --server-side --filename configmaps.yaml\n";
  for (const auto& map : maps) {
    refuse_size(map);
    all += config_map(map, manifest);
  }
  return {.files = {{.path = "configmaps.yaml", .content = all},
                    {.path = "deployment.yaml", .content = deployment_yaml(maps, manifest)},
                    {.path = "deployment-patch.yaml", .content = patch_yaml(maps, manifest)},
                    {.path = "values.yaml", .content = values_yaml(maps, manifest)}},
          .alone = true};
}

}  // namespace kongfleet::controller
