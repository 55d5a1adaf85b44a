// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/release.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace kongfleet::controller {

/// A bundle is a release as one file. Byte by byte; numbers are unsigned, most significant byte
/// first:
///
///     offset  bytes  what
///          0     19  "kongfleet-bundle 1\n"
///         19      4  M: length of the manifest, 1 to manifest_text_max
///         23      4  S: length of the signature, 0 to signature_text_max; 0: nobody signed
///         27      8  Z: length of the compressed content, 1 to bundle_compressed_max
///         35      M  the manifest's text (proto/manifest.hpp)
///       35+M      S  the signature over the manifest's text (Release::signature)
///     35+M+S      Z  one zstd frame: the contents of all files, one after the other, in the
///     manifest's order
///   35+M+S+Z         the end of the file
///
/// The manifest says how long each file is and what its digest is, so nothing else is needed to
/// take the content apart.

/// What zstd makes of the largest content there can be is at most this long (ZSTD_compressBound
/// adds 1/256).
constexpr std::uint64_t bundle_compressed_max = manifest_content_max + manifest_content_max / 128;

/// The bytes of the bundle.
std::string bundle_bytes(const Release& release);

/// Writes the bundle so that `path` is, whatever dies, absent or as before or complete. Throws
/// Error.
void write_bundle(const std::filesystem::path& path, const Release& release);

/// Reads a bundle that anybody may have made. Every length is checked against its limit and the
/// file's size before memory is taken; memory stays within the manifest's limits. Throws Error
/// "read bundle 'PATH': why".
Release read_bundle(const std::filesystem::path& path);

/// The same for one that is in memory; messages call it `name`.
Release parse_bundle(const std::string& bytes, const std::string& name);

}  // namespace kongfleet::controller
