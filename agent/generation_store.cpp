// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/generation_store.hpp"

#include "agent/durable_file.hpp"
#include "agent/file_copy.hpp"
#include "proto/error.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <set>

namespace kongfleet::agent {

namespace {

constexpr std::string_view manifests_name = ".kongfleet";
constexpr const char* manifest_extension = ".manifest";
constexpr std::string_view building_prefix = ".building-";
constexpr std::string_view incoming_prefix = ".incoming-";
constexpr std::size_t brief_digits = 12;
constexpr std::size_t number_digits = 6;

void make_directory(const fs::path& path) {
  if (::mkdir(path.c_str(), 0755) != 0) throw_errno("create directory", path);
  if (::chmod(path.c_str(), 0755) != 0) throw_errno("set the mode of", path);  // whatever the umask
}

// Every directory that was made, so that each can be synced: a file's name lives in its directory.
void make_parents(const fs::path& base, const fs::path& relative, std::set<fs::path>& made) {
  fs::path at = base;
  for (const auto& part : relative.parent_path()) {
    at /= part;
    if (made.insert(at).second) make_directory(at);
  }
}

void write_manifest(const fs::path& directory, const Manifest& release) {
  const auto path = directory / (release.name().text() + manifest_extension);
  const auto file = create_file(path, 0644);
  write_all(file, release.text(), path);
  sync_file(file, path);
}

}  // namespace

std::string GenerationId::text() const {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%06llu", static_cast<unsigned long long>(number));
  return std::string(digits) + "-" + brief;
}

std::optional<GenerationId> GenerationId::parse(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos || dash < number_digits) return std::nullopt;
  GenerationId id;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + dash, id.number);
  id.brief = std::string(text.substr(dash + 1));
  const bool hex = id.brief.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (ec != std::errc() || end != text.data() + dash || !hex || id.brief.size() != brief_digits) {
    return std::nullopt;
  }
  return id;
}

Incoming::Incoming(fs::path directory) : directory_(std::move(directory)) {
  fs::remove_all(directory_);
  if (::mkdir(directory_.c_str(), 0700) != 0) throw_errno("create directory", directory_);
}

Incoming::~Incoming() {
  std::error_code ignored;  // what stays is swept at the next start
  fs::remove_all(directory_, ignored);
}

GenerationStore::GenerationStore(fs::path root) : root_(std::move(root)) {
  if (fs::is_directory(root_)) return;
  fs::create_directories(root_.parent_path());
  make_directory(root_);
  sync_directory(root_.parent_path());
}

std::vector<GenerationId> GenerationStore::list() const {
  std::vector<GenerationId> found;
  for (const auto& entry : fs::directory_iterator(root_)) {
    const auto id = GenerationId::parse(entry.path().filename().string());
    if (id && entry.is_directory()) found.push_back(*id);
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::optional<GenerationId> GenerationStore::find(std::uint64_t number) const {
  for (const auto& id : list()) {
    if (id.number == number) return id;
  }
  return std::nullopt;
}

std::vector<Manifest> GenerationStore::releases(const GenerationId& id) const {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(directory(id) / manifests_name)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Manifest> found;
  for (const auto& path : paths) found.push_back(Manifest::parse(read_file(path)));
  return found;
}

std::set<std::string> GenerationStore::plugins(const GenerationId& id) const {
  std::set<std::string> names;
  std::error_code gone;
  const fs::directory_iterator end;
  fs::directory_iterator entry(directory(id) / manifests_name, gone);
  for (; !gone && entry != end; entry.increment(gone)) {
    const auto& file = entry->path();
    if (file.extension() == manifest_extension) names.insert(file.stem().string());
  }
  return names;
}

std::map<Digest, fs::path> GenerationStore::known_contents() const {
  std::map<Digest, fs::path> known;
  for (const auto& id : list()) {
    try {
      for (const auto& release : releases(id)) {
        for (const auto& file : release.files()) {
          known[file.digest] = directory(id) / file.path.text();
        }
      }
    } catch (const std::exception&) {
      continue;  // a damaged generation is no source; `status` tells of it
    }
  }
  return known;
}

std::vector<ManifestFile> GenerationStore::missing(const std::vector<Manifest>& releases) const {
  const auto known = known_contents();
  std::set<Digest> wanted;
  std::vector<ManifestFile> result;
  for (const auto& release : releases) {
    for (const auto& file : release.files()) {
      const auto source = known.find(file.digest);
      if (source != known.end() && same_content(source->second, file)) continue;
      if (wanted.insert(file.digest).second) result.push_back(file);
    }
  }
  return result;
}

std::unique_ptr<Incoming> GenerationStore::receive(const std::string& tag) const {
  return std::make_unique<Incoming>(root_ / (std::string(incoming_prefix) + tag));
}

void GenerationStore::build(const GenerationId& id, const std::vector<Manifest>& releases,
                            const Incoming* incoming) const {
  const fs::path target = root_ / (std::string(building_prefix) + id.text());
  try {
    put_together(target, releases, incoming);
  } catch (const std::exception&) {
    std::error_code ignored;  // a full disk must not stay full because of us
    fs::remove_all(target, ignored);
    throw;
  }
  rename_file(target, directory(id));
  sync_directory(root_);
}

void GenerationStore::put_together(const fs::path& target, const std::vector<Manifest>& releases,
                                   const Incoming* incoming) const {
  const auto known = known_contents();
  fs::remove_all(target);
  make_directory(target);
  make_directory(target / manifests_name);
  std::set<fs::path> directories{target / manifests_name};
  std::set<fs::path> placed;
  for (const auto& release : releases) {
    write_manifest(target / manifests_name, release);
    for (const auto& file : release.files()) {
      const fs::path place = target / file.path.text();
      if (!placed.insert(place).second) continue;  // brought by two releases, alike
      make_parents(target, file.path.text(), directories);
      const auto source = known.find(file.digest);
      const bool received = incoming != nullptr && fs::exists(incoming->file(file.digest));
      if (!received && source == known.end()) {
        throw Error("place '" + file.path.text() + "': its content was never received");
      }
      const auto from = received ? incoming->file(file.digest) : source->second;
      // Of a kept generation a copy: who writes into one must not change the way back too.
      if (!received || !take_verified(from, place, file)) copy_verified(from, place, file);
    }
  }
  for (const auto& directory : directories) sync_directory(directory);
  sync_directory(target);
}

std::string GenerationStore::damage(const GenerationId& id) const {
  try {
    std::set<fs::path> expected;
    for (const auto& release : releases(id)) {
      for (const auto& file : release.files()) {
        const auto path = directory(id) / file.path.text();
        expected.insert(path);
        if (!same_content(path, file)) return "'" + path.string() + "' was changed or is gone";
      }
    }
    for (const auto& entry : fs::recursive_directory_iterator(directory(id))) {
      const bool ours = entry.path().parent_path() == directory(id) / manifests_name;
      if (!entry.is_directory() && !ours && !expected.contains(entry.path())) {
        return "'" + entry.path().string() + "' does not belong to it";
      }
    }
    return {};
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::string GenerationStore::damage(std::uint64_t number) const {
  try {
    const auto id = find(number);
    return id ? damage(*id) : "it is gone";
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::uint64_t GenerationStore::remove(const GenerationId& id) const {
  std::uint64_t bytes = 0;
  const auto path = directory(id);
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  // Under another name first, durably: should we die half-way, or the power go, no half generation
  // stands under a good name.
  const fs::path doomed = root_ / (std::string(building_prefix) + id.text());
  fs::remove_all(doomed);
  rename_file(path, doomed);
  sync_directory(root_);
  fs::remove_all(doomed);
  return bytes;
}

void GenerationStore::sweep() const noexcept {
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(root_, failed)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(building_prefix) || name.starts_with(incoming_prefix)) {
      fs::remove_all(entry.path(), failed);
    }
  }
}

std::string conflict(const std::vector<Manifest>& releases) {
  struct Brought {
    const Manifest* release;
    const ManifestFile* file;
    std::string text() const { return release->release() + " '" + file->path.text() + "'"; }
  };
  std::map<std::string, Brought> all;  // by the path in lower case: some file systems know no other
  for (const auto& release : releases) {
    for (const auto& file : release.files()) {
      const auto [at, fresh] = all.emplace(lower_case(file.path.text()), Brought{&release, &file});
      const auto& other = *at->second.file;
      if (other.path.text() != file.path.text())
        return at->second.text() + " and " + Brought{&release, &file}.text() +
               " differ only in case";
      if (!fresh && other.digest != file.digest)
        return at->second.release->release() + " and " + release.release() + " both bring '" +
               file.path.text() + "', with different content";
    }
  }
  for (const auto& [path, brought] : all) {
    for (auto at = path.find('/'); at != std::string::npos; at = path.find('/', at + 1)) {
      const auto file = all.find(path.substr(0, at));
      if (file != all.end())
        return file->second.text() + " is a file, and a directory of " + brought.text();
    }
  }
  return {};
}

}  // namespace kongfleet::agent
