// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/known_hosts.hpp"

#include "controller/ssh_file.hpp"
#include "controller/ssh_hash.hpp"
#include "controller/ssh_pattern.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <stdexcept>

namespace kongfleet::controller {
namespace {

using Marker = KnownHostsEntry::Marker;

constexpr std::size_t file_bytes_max = 256U << 20;  // a million hosts with three keys each
constexpr std::size_t word_shown_max = 80;
constexpr std::size_t sha1_bytes = 20;  // both the salt and the digest of a hashed name

/// Takes the next word off `line`.
std::string_view take_word(std::string_view& line) {
  constexpr std::string_view blanks = " \t\r";
  line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(blanks));
  line.remove_prefix(word.size());
  return word;
}

std::string with_port(std::string_view host, std::uint16_t port) {
  if (port == 22) return std::string(host);
  return '[' + std::string(host) + "]:" + std::to_string(port);
}

std::string place(const KnownHostsEntry& entry) {
  return entry.file + ':' + std::to_string(entry.line);
}

std::string key_text(const HostKey& key) { return key.type + ' ' + key.fingerprint(); }

std::string keyscan(const KnownHost& known, const std::string& file) {
  std::string command = "ssh-keyscan";
  if (known.port != 22) command += " -p " + std::to_string(known.port);
  return command + ' ' + known.host + " >> '" + file + '\'';
}

/// One regular or revoked key equal to what was offered.
const KnownHostsEntry* same_key(const KnownHost& known, Marker marker, const HostKey& offered) {
  for (const KnownHostsEntry* entry : known.entries) {
    if (entry->marker == marker && entry->key.blob == offered.blob) return entry;
  }
  return nullptr;
}

/// The regular key to show beside what was offered: one of the same type where there is one.
const KnownHostsEntry* closest(const KnownHost& known, const HostKey& offered) {
  const KnownHostsEntry* other = nullptr;
  for (const KnownHostsEntry* entry : known.entries) {
    if (entry->marker != Marker::Key) continue;
    if (entry->key.type == offered.type) return entry;
    if (other == nullptr) other = entry;
  }
  return other;
}

}  // namespace

std::string HostKey::fingerprint() const {
  std::string text = base64_encoded(sha256_bytes(blob));
  text.erase(text.find_last_not_of('=') + 1);  // ssh-keygen prints no padding
  return "SHA256:" + text;
}

std::optional<HostKey> HostKey::parse(std::string_view type, std::string_view base64) {
  std::optional<std::string> blob = base64_decoded(base64);
  // The blob begins with its own type as an SSH string: four bytes of length, most significant
  // first.
  if (!blob || blob->size() < 4 + type.size() || type.size() > 255) return std::nullopt;
  std::string head(3, '\0');
  head += static_cast<char>(type.size());
  head += type;
  if (!blob->starts_with(head)) return std::nullopt;
  return HostKey{std::string(type), std::move(*blob)};
}

std::vector<std::string> KnownHost::key_types() const {
  std::vector<std::string> types;
  for (const KnownHostsEntry* entry : entries) {
    const bool seen = std::find(types.begin(), types.end(), entry->key.type) != types.end();
    if (entry->marker == Marker::Key && !seen) types.push_back(entry->key.type);
  }
  return types;
}

KnownHosts KnownHosts::load(const std::vector<std::filesystem::path>& files) {
  KnownHosts known;
  for (const std::filesystem::path& file : files) {
    known.files_.push_back(file.string());
    const std::optional<std::string> text =
        read_whole_file(file, "reading known hosts", file_bytes_max);
    if (text) known.add(*text, file.string());
  }
  return known;
}

void KnownHosts::add(std::string_view text, const std::string& file) {
  if (std::find(files_.begin(), files_.end(), file) == files_.end()) files_.push_back(file);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    add_line(text.substr(0, end), file, number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void KnownHosts::add_line(std::string_view line, const std::string& file, std::size_t number) {
  std::string_view names = take_word(line);
  if (names.empty() || names.starts_with('#')) return;
  const auto bad = [&](std::string why) { problems_.push_back({file, number, std::move(why)}); };
  Marker marker = Marker::Key;
  if (names.starts_with('@')) {
    if (names != "@revoked" && names != "@cert-authority") {
      return bad("unknown marker '" + printable(names, word_shown_max) + '\'');
    }
    marker = names == "@revoked" ? Marker::Revoked : Marker::CertAuthority;
    names = take_word(line);
  }
  const std::string_view type = take_word(line);
  const std::string_view base64 = take_word(line);
  if (base64.empty()) return bad("not 'names keytype base64-key'");
  std::optional<HostKey> key = HostKey::parse(type, base64);
  if (!key)
    return bad("the key is not a base64 key of type '" + printable(type, word_shown_max) + '\'');
  entries_.push_back({marker, std::move(*key), file, number});
  try {
    add_names(names, entries_.size() - 1);
  } catch (const std::invalid_argument& error) {
    entries_.pop_back();
    bad(error.what());
  }
}

void KnownHosts::add_names(std::string_view names, std::size_t entry) {
  if (names.starts_with("|1|")) {
    const std::vector<std::string> parts = split_list(names.substr(3), '|');
    const auto salt = parts.size() == 2 ? base64_decoded(parts[0]) : std::nullopt;
    const auto digest = parts.size() == 2 ? base64_decoded(parts[1]) : std::nullopt;
    if (!salt || !digest || salt->size() != sha1_bytes || digest->size() != sha1_bytes) {
      throw std::invalid_argument("the hashed name is not '|1|salt|hash'");
    }
    hashed_.push_back({*salt, *digest, entry});
    return;
  }
  std::vector<std::string> list = split_list(lower_case(names), ',');
  if (names.find_first_of("*?!") != std::string_view::npos) {
    patterns_.push_back({std::move(list), entry});
    return;
  }
  for (const std::string& name : list) plain_[name].push_back(entry);
}

std::vector<const KnownHostsEntry*> KnownHosts::named(const std::string& name) const {
  std::vector<std::size_t> found;
  if (const auto plain = plain_.find(name); plain != plain_.end()) found = plain->second;
  for (const Patterns& line : patterns_) {
    if (pattern_list_matches(name, line.patterns)) found.push_back(line.entry);
  }
  for (const Hashed& line : hashed_) {
    if (hmac_sha1(line.salt, name) == line.digest) found.push_back(line.entry);
  }
  std::sort(found.begin(), found.end());  // file order, whatever index they came from
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::vector<const KnownHostsEntry*> entries;
  for (const std::size_t index : found) entries.push_back(&entries_[index]);
  return entries;
}

KnownHost KnownHosts::find(std::string_view host, std::uint16_t port) const {
  KnownHost known;
  known.host = lower_case(host);
  known.port = port;
  known.name = with_port(known.host, port);
  known.entries = named(known.name);
  if (port == 22) return known;
  const auto regular = [](const KnownHostsEntry* entry) { return entry->marker == Marker::Key; };
  const bool decided = std::any_of(known.entries.begin(), known.entries.end(), regular);
  for (const KnownHostsEntry* entry : named(known.host)) {
    // A key revoked for the host is revoked on all of its ports.
    if (!decided || entry->marker == Marker::Revoked) known.entries.push_back(entry);
  }
  return known;
}

std::string KnownHosts::unknown(const KnownHost& known, const HostKey& offered) const {
  std::string text = "its key is unknown: it offers " + key_text(offered) + ", and ";
  if (files_.empty()) return text + "there is no known_hosts file to look it up in";
  text += "nothing is on file for '" + known.name + "' in ";
  for (const std::string& file : files_) text += (&file == &files_[0] ? "'" : ", '") + file + '\'';
  for (const KnownHostsEntry* entry : known.entries) {
    if (entry->marker != Marker::CertAuthority) continue;
    text += "; only a certificate authority is (" + place(*entry) +
            "), and host certificates are not supported: the host's own key must be there";
    break;
  }
  return text + ". If the fingerprint is right, run: " + keyscan(known, files_[0]);
}

std::optional<std::string> KnownHosts::refusal(const KnownHost& known,
                                               const HostKey& offered) const {
  if (const KnownHostsEntry* revoked = same_key(known, Marker::Revoked, offered)) {
    return "its key is revoked: it offers " + key_text(offered) + ", marked @revoked at " +
           place(*revoked) + ". Do not connect; give the host a new key";
  }
  if (same_key(known, Marker::Key, offered) != nullptr) return std::nullopt;
  const KnownHostsEntry* expected = closest(known, offered);
  if (expected == nullptr) return unknown(known, offered);
  return "its key has changed: it offers " + key_text(offered) + ", but on file is " +
         key_text(expected->key) + " (" + place(*expected) +
         "). Somebody may be in between. If the host really got a new key, run: ssh-keygen -R '" +
         known.name + "' -f '" + expected->file + "' && " + keyscan(known, expected->file);
}

}  // namespace kongfleet::controller
