// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/release_signing.hpp"

#include "controller/child_process.hpp"
#include "proto/error.hpp"

namespace kongfleet::controller {

namespace {

constexpr auto time_to_type = std::chrono::minutes(5);  // a passphrase, or to touch a hardware key
constexpr std::string_view armour = "-----BEGIN SSH SIGNATURE-----\n";

// Its last line says why; those before it are about the file's rights and the like.
std::string complaint(const std::string& errors) {
  auto text = errors.substr(0, errors.find_last_not_of("\r\n") + 1);
  return printable(text.substr(text.rfind('\n') + 1), 300);
}

}  // namespace

std::string sign_manifest(const Manifest& manifest, const std::filesystem::path& key) {
  const auto what = "sign with '" + printable(key.string(), 300) + "': ";
  std::error_code error;
  if (!std::filesystem::is_regular_file(key, error)) throw Error(what + "there is no such file");
  const auto signed_text = run_child(
      {"ssh-keygen", "-Y", "sign", "-n", std::string(release_namespace), "-f", key.string()},
      manifest.text(), {.output_bytes = signature_text_max, .time = time_to_type});
  if (signed_text.exit_code != 0) {
    throw Error(what + "ssh-keygen says: " + complaint(signed_text.errors));
  }
  if (!signed_text.output.starts_with(armour)) {
    throw Error(what + "ssh-keygen gave no signature; OpenSSH 8.2 or newer can sign");
  }
  return signed_text.output;
}

}  // namespace kongfleet::controller
