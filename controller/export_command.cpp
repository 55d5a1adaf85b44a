// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/export_command.hpp"

#include "controller/checked_plugin.hpp"
#include "controller/declined.hpp"
#include "controller/docker_export.hpp"
#include "controller/konnect_export.hpp"
#include "controller/kubernetes_export.hpp"
#include "controller/rock_export.hpp"
#include "proto/error.hpp"

#include <boost/json.hpp>

#include <ostream>

namespace kongfleet::controller {

namespace {

ExportedFiles exported_by(ExportKind kind, const Release& release,
                          const std::vector<TreeNeed>& needs) {
  switch (kind) {
    case ExportKind::Rock:
      return rock_of(release, needs);
    case ExportKind::Docker:
      return docker_context_of(release);
    case ExportKind::Kubernetes:
      return kubernetes_manifests_of(release);
    case ExportKind::Konnect:
      return konnect_upload_of(release);
  }
  throw Error("export: no such kind");
}

void tell(const ExportCommand& command, const Release& release, const ExportedFiles& exported,
          const Answer& answer) {
  const auto& manifest = release.manifest;
  if (answer.format == OutputFormat::Text) {
    answer.out << "wrote " << manifest.release() << " to " << command.output.string() << ": "
               << counted(exported.files.size(), "file") << ", sha256 " << manifest.digest().hex()
               << "\n";
    if (command.kind == ExportKind::Konnect) {
      answer.out << "Konnect takes the schema only: the plugin's files must come to every data "
                    "plane as well, by a rollout for one\n";
    }
    return;
  }
  boost::json::array files;
  for (const auto& file : exported.files) files.emplace_back(file.path);
  answer.out << boost::json::serialize(boost::json::object{{"schema", json_schema},
                                                           {"command", "export"},
                                                           {"ok", true},
                                                           {"kind", name_of(command.kind)},
                                                           {"directory", command.output.string()},
                                                           {"name", manifest.name().text()},
                                                           {"version", manifest.version().text()},
                                                           {"digest", manifest.digest().hex()},
                                                           {"files", files}})
             << "\n";
}

}  // namespace

int run_export(const ExportCommand& command, const Answer& answer) {
  try {
    auto [name, version, tree] = check_plugin(
        {.source = command.source, .name = command.name, .version = command.version}, answer.err);
    const auto needs = tree.needs;
    const auto release = make_release(name, version, std::move(tree));
    const auto exported = exported_by(command.kind, release, needs);
    write_exported(command.output, exported);
    tell(command, release, exported, answer);
    return 0;
  } catch (const Declined& declined) {
    answer_mistake(answer, "export", declined.what());
    return declined.exit_code();
  } catch (const Error& error) {
    answer_mistake(answer, "export", error.what());
    return 1;
  }
}

}  // namespace kongfleet::controller
