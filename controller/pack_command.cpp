// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/pack_command.hpp"

#include "controller/bundle.hpp"
#include "controller/checked_plugin.hpp"
#include "controller/plugin_tree.hpp"
#include "controller/release_signing.hpp"
#include "proto/error.hpp"

#include <boost/json.hpp>

#include <ctime>
#include <ostream>

namespace kongfleet::controller {

namespace {

ReleaseTerms terms_of(const SigningOrder& order) {
  const std::int64_t now = std::time(nullptr);
  ReleaseTerms terms{.fleet = order.fleet,
                     .serial = order.serial.value_or(static_cast<std::uint64_t>(now))};
  const auto* lifetime = std::get_if<std::chrono::milliseconds>(&order.expires);
  terms.expires = lifetime == nullptr
                      ? std::get<std::int64_t>(order.expires)
                      : now + std::chrono::duration_cast<std::chrono::seconds>(*lifetime).count();
  if (terms.expires <= now) {
    throw Error("a release that expires at " + expiry_text(terms.expires) +
                " has expired already; no host would take it");
  }
  for (const auto& bundle : order.with) {
    const auto other = read_bundle(bundle).manifest;
    terms.with.push_back({other.name(), other.version(), other.digest()});
  }
  return terms;
}

boost::json::object signed_json(const ReleaseTerms& terms) {
  boost::json::object document = {
      {"fleet", terms.fleet}, {"serial", terms.serial}, {"expires", expiry_text(terms.expires)}};
  boost::json::array with;
  for (const auto& other : terms.with) {
    with.push_back({{"name", other.name.text()},
                    {"version", other.version.text()},
                    {"digest", other.digest.hex()}});
  }
  if (!with.empty()) document["with"] = std::move(with);
  return document;
}

void print(const Release& release, const std::filesystem::path& bundle, const Answer& answer) {
  const auto& manifest = release.manifest;
  if (answer.format == OutputFormat::Text) {
    answer.out << "wrote " << bundle.string() << ": " << manifest.release() << ", "
               << counted(manifest.files().size(), "file") << ", "
               << counted(manifest.content_bytes(), "byte") << ", sha256 "
               << manifest.digest().hex() << "\n";
    if (const auto& terms = manifest.terms()) {
      answer.out << "signed for fleet " << terms->fleet << ", serial " << terms->serial
                 << ", to be taken until " << expiry_text(terms->expires) << "\n";
      for (const auto& other : terms->with)
        answer.out << "to run beside " << other.release() << ", sha256 " << other.digest.hex()
                   << "\n";
    }
    return;
  }
  boost::json::object document = {{"schema", json_schema},
                                  {"command", "pack"},
                                  {"ok", true},
                                  {"bundle", bundle.string()},
                                  {"name", manifest.name().text()},
                                  {"version", manifest.version().text()},
                                  {"digest", manifest.digest().hex()},
                                  {"files", manifest.files().size()},
                                  {"bytes", manifest.content_bytes()}};
  if (const auto& terms = manifest.terms()) document["signed"] = signed_json(*terms);
  answer.out << boost::json::serialize(document) << "\n";
}

}  // namespace

int run_pack(const PackCommand& command, const Answer& answer) {
  try {
    if (command.tree.extension() == ".kfb") {
      throw Error("'" + command.tree.string() + "' is a bundle already; pack the tree it is from");
    }
    auto [name, version, tree] = check_plugin(
        {.source = command.tree, .name = command.name, .version = command.version}, answer.err);
    std::optional<ReleaseTerms> terms;
    if (command.signing) terms = terms_of(*command.signing);
    auto release = make_release(name, version, std::move(tree), terms);
    if (command.signing) release.signature = sign_manifest(release.manifest, command.signing->key);
    const auto bundle = command.output.empty()
                            ? std::filesystem::path(name.text() + "-" + version.text() + ".kfb")
                            : command.output;
    write_bundle(bundle, release);
    print(release, bundle, answer);
    return 0;
  } catch (const Error& error) {
    answer_mistake(answer, "pack", error.what());
    return 1;
  }
}

}  // namespace kongfleet::controller
