// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/digest.hpp"
#include "proto/manifest.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// A generation's number and the first 12 digits of its digest: "000007-3fa9c1d2e4b0".
struct GenerationId {
  std::uint64_t number = 0;
  std::string brief;
  std::string text() const;
  static std::optional<GenerationId> parse(std::string_view text);
  auto operator<=>(const GenerationId&) const = default;
};

/// Content that waits for its place, by digest: a directory of files named by their SHA-256, gone
/// with the object. Written as it arrives, before anybody knows whether it will be used; needs no
/// sync.
class Incoming {
public:
  explicit Incoming(std::filesystem::path directory);
  ~Incoming();
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;
  std::filesystem::path file(const Digest& digest) const { return directory_ / digest.hex(); }

private:
  std::filesystem::path directory_;
};

/// The generations kept on this host, one directory each below `root`: all releases merged,
/// 0755/0644, owned by us. A generation is complete and on disk, or absent: a half-written one is
/// never visible under its name. Its releases' manifests lie in .kongfleet/ inside it. Not
/// thread-safe for writers.
class GenerationStore {
public:
  explicit GenerationStore(std::filesystem::path root);
  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path directory(const GenerationId& id) const { return root_ / id.text(); }

  /// All generations, oldest first.
  std::vector<GenerationId> list() const;
  std::optional<GenerationId> find(std::uint64_t number) const;
  /// The releases of a generation. Throws Error when its manifests can't be read.
  std::vector<Manifest> releases(const GenerationId& id) const;
  /// The names of those releases, whatever is in their manifests; none of one that is gone.
  std::set<std::string> plugins(const GenerationId& id) const;

  /// Contents that no kept generation has, each once, in the order the releases name them. Files of
  /// kept generations are taken at their manifest's word here, and hashed when they are copied.
  std::vector<ManifestFile> missing(const std::vector<Manifest>& releases) const;

  /// A place for contents that are on their way. `tag` tells several apart.
  std::unique_ptr<Incoming> receive(const std::string& tag) const;

  /// Puts a generation together from kept generations and `incoming`, hashing every byte as it is
  /// copied, and makes it visible and durable under its name. Throws Error naming the file; nothing
  /// is visible then.
  void build(const GenerationId& id, const std::vector<Manifest>& releases,
             const Incoming* incoming) const;

  /// Hashes every file of a generation. An empty string, or what is not as its manifest says, or
  /// what is there too much.
  std::string damage(const GenerationId& id) const;

  /// The same for the one of that number, which may be gone.
  std::string damage(std::uint64_t number) const;

  /// Deletes a generation; returns the bytes that were its files'. Throws Error.
  std::uint64_t remove(const GenerationId& id) const;
  /// Deletes what earlier agents left unfinished; what can't be deleted stays. Only safe while no
  /// transaction builds.
  void sweep() const noexcept;

private:
  void put_together(const std::filesystem::path& target, const std::vector<Manifest>& releases,
                    const Incoming* incoming) const;
  std::map<Digest, std::filesystem::path> known_contents() const;
  std::filesystem::path root_;
};

/// Two releases whose files cannot lie side by side: one path with different content or in another
/// case, a file that is a directory of the other: "a and b both bring PATH". Empty:
/// they get along.
std::string conflict(const std::vector<Manifest>& releases);

}  // namespace kongfleet::agent
