// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/bundle.hpp"

#include "controller/durable_file.hpp"
#include "proto/error.hpp"
#include "proto/zstd_stream.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace kongfleet::controller {

namespace {

constexpr std::string_view magic = "kongfleet-bundle 1\n";
constexpr std::string_view any_magic = "kongfleet-bundle ";
constexpr std::size_t manifest_length_bytes = 4;
constexpr std::size_t signature_length_bytes = 4;
constexpr std::size_t content_length_bytes = 8;
constexpr std::size_t header_bytes =
    magic.size() + manifest_length_bytes + signature_length_bytes + content_length_bytes;
constexpr std::size_t piece_bytes = std::size_t{64} << 10;

std::string big_endian(std::uint64_t number, std::size_t width) {
  std::string bytes(width, '\0');
  for (std::size_t i = width; i-- > 0; number >>= 8U) {
    bytes[i] = static_cast<char>(static_cast<unsigned char>(number & 0xFFU));
  }
  return bytes;
}

std::uint64_t number_at(std::string_view bytes, std::size_t offset, std::size_t width) {
  std::uint64_t number = 0;
  for (const char c : bytes.substr(offset, width)) {
    number = number << 8U | static_cast<unsigned char>(c);
  }
  return number;
}

struct Header {
  std::size_t manifest;
  std::size_t signature;
  std::uint64_t content;
};

/// A bundle's bytes, read from the front; every failure is an Error without its name.
class BundleBytes {
public:
  BundleBytes(std::istream& bytes, std::uint64_t size) : bytes_(bytes), size_(size) {}
  std::uint64_t size() const { return size_; }
  /// The next `length` bytes; `length` was checked.
  std::string take(std::size_t length) {
    std::string taken(length, '\0');
    bytes_.read(taken.data(), static_cast<std::streamsize>(length));
    if (static_cast<std::size_t>(bytes_.gcount()) != length) throw Error("it ends too early");
    return taken;
  }

private:
  std::istream& bytes_;
  std::uint64_t size_;
};

Header read_header(BundleBytes& file) {
  const auto available = std::min<std::uint64_t>(file.size(), header_bytes);
  const auto bytes = file.take(static_cast<std::size_t>(available));
  if (!bytes.starts_with(any_magic)) throw Error("it is not a kongfleet bundle");
  if (!bytes.starts_with(magic)) {
    throw Error("its format is of another version than 1; a newer kongfleet may read it");
  }
  if (bytes.size() < header_bytes) throw Error("it ends too early");
  auto at = magic.size();
  const auto manifest = number_at(bytes, at, manifest_length_bytes);
  at += manifest_length_bytes;
  const auto signature = number_at(bytes, at, signature_length_bytes);
  at += signature_length_bytes;
  const auto content = number_at(bytes, at, content_length_bytes);
  if (manifest < 1 || manifest > manifest_text_max) throw Error("its manifest's length is absurd");
  if (signature > signature_text_max) throw Error("its signature's length is absurd");
  if (content < 1 || content > bundle_compressed_max) throw Error("its content's length is absurd");
  const auto expected = header_bytes + manifest + signature + content;
  if (file.size() < expected) throw Error("it ends too early");
  if (file.size() > expected) throw Error("there are bytes after its end");
  return {static_cast<std::size_t>(manifest), static_cast<std::size_t>(signature), content};
}

/// Deals a stream of bytes out to the files of a manifest, checking each digest as a file fills.
class Dealer {
public:
  explicit Dealer(const Manifest& manifest) : manifest_(manifest) { pass_full(); }
  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      auto& content = contents_.back();
      const auto size = manifest_.files()[contents_.size() - 1].size;
      const auto part = bytes.substr(0, static_cast<std::size_t>(size - content.size()));
      content.append(part);
      bytes.remove_prefix(part.size());
      pass_full();
    }
  }
  std::vector<std::string> finish() { return std::move(contents_); }

private:
  // Moves on past every file that is complete. The reader ends with the last one's last byte.
  void pass_full() {
    const auto& files = manifest_.files();
    while (contents_.empty() || contents_.back().size() == files[contents_.size() - 1].size) {
      if (!contents_.empty()) check(files[contents_.size() - 1]);
      if (contents_.size() == files.size()) return;
      contents_.emplace_back();
    }
  }
  void check(const ManifestFile& file) const {
    if (sha256(contents_.back()) == file.digest) return;
    throw Error("the content of '" + file.path.text() + "' is not what its manifest says");
  }

  const Manifest& manifest_;
  std::vector<std::string> contents_;
};

Release read_all(BundleBytes& file) {
  const auto header = read_header(file);
  auto manifest = Manifest::parse(file.take(header.manifest));
  auto signature = file.take(header.signature);
  Dealer dealer(manifest);
  ZstdReader reader(manifest.content_bytes(), [&](std::string_view bytes) { dealer.take(bytes); });
  for (auto left = header.content; left > 0;) {
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(left, piece_bytes));
    reader.feed(file.take(length));
    left -= length;
  }
  reader.finish();
  auto contents = dealer.finish();
  return {std::move(manifest), std::move(contents), std::move(signature)};
}

Release read_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) throw Error("there is no such file");
  if (!std::filesystem::is_regular_file(status)) throw Error("it is not a plain file");
  const auto size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) throw Error("it cannot be opened");
  BundleBytes bytes(file, size);
  return read_all(bytes);
}

}  // namespace

std::string bundle_bytes(const Release& release) {
  std::string content;
  content.reserve(static_cast<std::size_t>(release.manifest.content_bytes()));
  for (const auto& bytes : release.contents) content += bytes;
  const auto compressed = zstd_compress(content);
  const auto& manifest = release.manifest.text();
  return std::string(magic) + big_endian(manifest.size(), manifest_length_bytes) +
         big_endian(release.signature.size(), signature_length_bytes) +
         big_endian(compressed.size(), content_length_bytes) + manifest + release.signature +
         compressed;
}

void write_bundle(const std::filesystem::path& path, const Release& release) {
  replace_file(path, bundle_bytes(release));
}

Release read_bundle(const std::filesystem::path& path) {
  try {
    return read_file(path);
  } catch (const Error& error) {
    throw Error("read bundle '" + path.string() + "': " + error.what());
  }
}

Release parse_bundle(const std::string& bytes, const std::string& name) {
  try {
    std::istringstream stream(bytes);
    BundleBytes all(stream, bytes.size());
    return read_all(all);
  } catch (const Error& error) {
    throw Error("read bundle " + name + ": " + error.what());
  }
}

}  // namespace kongfleet::controller
