// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/digest.hpp"
#include "proto/names.hpp"
#include "proto/release_terms.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet {

/// One file of a release.
struct ManifestFile {
  RelativePath path;
  std::uint64_t size;
  unsigned mode;  // 0644 or 0755
  Digest digest;
  bool operator==(const ManifestFile&) const = default;
};

/// What a release may be: a larger one is refused before memory is taken for it.
constexpr std::size_t manifest_files_max = 20'000;
constexpr std::size_t manifest_text_max = std::size_t{6} << 20;
constexpr std::size_t signature_text_max = std::size_t{64} << 10;
constexpr std::uint64_t manifest_content_max = std::uint64_t{256} << 20;

/// What a release is. Its text is canonical: one manifest, one text, so a signature over the text
/// signs the release.
///
///     kongfleet-manifest 1
///     name my-plugin
///     version 1.0.0
///     fleet edge
///     serial 1795874400
///     expires 2027-02-26T14:00:00Z
///     with other-plugin 1.4.0 <64 hex digits>
///     file 0644 1234 <64 hex digits> kong/plugins/my-plugin/handler.lua
///
/// The lines of its terms (proto/release_terms.hpp) are there where it was made to be signed.
/// The release's identity is the SHA-256 of the text without them: signed anew, for longer or for
/// another fleet, it is the same release, and a host that runs it has nothing to do.
///
/// Lines end with LF; files are sorted by path, byte by byte; no path occurs twice, differs from
/// another only in case, or is a directory of another; each lies below kong/plugins/NAME/ or
/// outside of kong/ altogether; handler.lua and schema.lua of NAME are there.
class Manifest {
public:
  /// Reads a text that anybody may have sent. Throws Error with line and reason for any but the
  /// canonical form.
  static Manifest parse(std::string_view text);
  /// Makes one from what was read from disk; sorts files and companions. Throws Error as parse
  /// does, naming the file.
  static Manifest build(PluginName name, Version version, std::vector<ManifestFile> files,
                        std::optional<ReleaseTerms> terms = std::nullopt);

  const PluginName& name() const { return name_; }
  const Version& version() const { return version_; }
  const std::vector<ManifestFile>& files() const { return files_; }
  const std::optional<ReleaseTerms>& terms() const { return terms_; }
  std::uint64_t content_bytes() const;
  const std::string& text() const { return text_; }
  const Digest& digest() const { return digest_; }
  /// "my-plugin@1.0.0"
  std::string release() const { return name_.text() + "@" + version_.text(); }

private:
  Manifest(PluginName name, Version version, std::vector<ManifestFile> files,
           std::optional<ReleaseTerms> terms);
  void validate() const;

  PluginName name_;
  Version version_;
  std::vector<ManifestFile> files_;
  std::optional<ReleaseTerms> terms_;
  std::string text_;
  Digest digest_;
};

/// The identity of a set of releases: the SHA-256 over the sorted lines "NAME VERSION DIGEST\n".
/// Hosts that run the same releases have the same generation digest. The empty set is the baseline
/// and has one too.
Digest generation_digest(const std::vector<Manifest>& releases);

}  // namespace kongfleet
