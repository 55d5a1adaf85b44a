// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/zip_file.hpp"

#include "proto/error.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <array>
#include <fstream>
#include <memory>

namespace kongfleet::controller {

namespace {

constexpr std::size_t zip_piece_bytes = std::size_t{64} << 10;

struct FreeWriter {
  void operator()(archive* writer) const { archive_write_free(writer); }
};
struct FreeReader {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

void must(archive* zip, la_ssize_t result) {
  if (result >= ARCHIVE_OK) return;
  const char* why = archive_error_string(zip);
  throw Error(why == nullptr ? "libarchive does not say why" : printable(why, 200));
}

la_ssize_t append_to(archive* /*zip*/, void* all, const void* bytes, std::size_t length) {
  static_cast<std::string*>(all)->append(static_cast<const char*>(bytes), length);
  return static_cast<la_ssize_t>(length);
}

// No times: an entry without one is of 1980, in every time zone.
void add_to_zip(archive* writer, const TreeFile& file) {
  const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
  archive_entry_set_pathname(entry.get(), file.path.c_str());
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), file.mode);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(file.content.size()));
  must(writer, archive_write_header(writer, entry.get()));
  must(writer, archive_write_data(writer, file.content.data(), file.content.size()));
  must(writer, archive_write_finish_entry(writer));
}

/// Reads one archive; every failure is an Error without its name.
class ZipReader {
public:
  explicit ZipReader(const std::filesystem::path& path);
  /// The next plain file; nothing after the last.
  std::optional<TreeFile> next();

private:
  TreeFile file(archive_entry* entry, std::string path);
  std::string content();

  std::unique_ptr<archive, FreeReader> reader_;
  std::size_t entries_ = 0;
  std::uint64_t bytes_ = 0;
};

/// libarchive reads a whole central directory before it tells of the first entry, 150 bytes of
/// memory for 46 of it. Each record begins with this (APPNOTE.TXT 4.3.12); a file that has more of
/// them, in what it holds too, than entries are allowed twice is none that a release comes from.
bool has_too_many_records(const std::filesystem::path& path) {
  constexpr std::string_view record = "PK\x01\x02";
  std::ifstream file(path, std::ios::binary);
  std::string window;
  std::size_t found = 0;
  for (std::string piece(zip_piece_bytes, '\0'); file;) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    window.append(piece, 0, static_cast<std::size_t>(file.gcount()));
    for (auto at = window.find(record); at != std::string::npos; at = window.find(record, at + 1))
      ++found;
    window.erase(0, window.size() - std::min(window.size(), record.size() - 1));
  }
  return found > 2 * manifest_files_max;
}

ZipReader::ZipReader(const std::filesystem::path& path) : reader_(archive_read_new()) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) throw Error("there is no such file");
  if (!std::filesystem::is_regular_file(status)) throw Error("it is not a plain file");
  std::array<char, 4> magic{};
  std::ifstream(path, std::ios::binary).read(magic.data(), magic.size());
  if (std::string_view(magic.data(), 4) != "PK\x03\x04") throw Error("it is not a ZIP archive");
  if (std::filesystem::file_size(path, error) > manifest_content_max || error) {
    throw Error("it is too large; 256 MiB at most");
  }
  if (has_too_many_records(path)) throw Error("it has more than 20000 entries");
  must(reader_.get(), archive_read_support_format_zip_seekable(reader_.get()));
  must(reader_.get(), archive_read_open_filename(reader_.get(), path.c_str(), zip_piece_bytes));
}

std::string ZipReader::content() {
  std::string all;
  std::string piece(zip_piece_bytes, '\0');
  for (;;) {
    const auto got = archive_read_data(reader_.get(), piece.data(), piece.size());
    must(reader_.get(), got);
    if (got == 0) return all;
    const auto length = static_cast<std::size_t>(got);
    if (length > manifest_content_max - bytes_) {
      throw Error("it unpacks to more than the 256 MiB that a release may have");
    }
    bytes_ += length;
    all.append(piece, 0, length);
  }
}

TreeFile ZipReader::file(archive_entry* entry, std::string path) {
  const auto shown = "'" + printable(path, 300) + "' in it ";
  if (archive_entry_symlink(entry) != nullptr || archive_entry_hardlink(entry) != nullptr) {
    throw Error(shown + "is a link; a release holds plain files");
  }
  if (archive_entry_filetype(entry) != AE_IFREG) {
    throw Error(shown + "is neither a plain file nor a directory");
  }
  if (archive_entry_is_encrypted(entry) != 0) throw Error(shown + "is encrypted");
  const auto mode = archive_entry_mode(entry);
  if ((mode & (S_ISUID | S_ISGID)) != 0) throw Error(shown + "is setuid or setgid");
  const auto problem = why_bad_path(path);
  if (!problem.empty()) throw Error(shown + problem + "; a release cannot hold that");
  return {
      .path = std::move(path), .mode = (mode & S_IXUSR) != 0 ? 0755U : 0644U, .content = content()};
}

std::optional<TreeFile> ZipReader::next() {
  for (;;) {
    archive_entry* entry = nullptr;
    const auto result = archive_read_next_header(reader_.get(), &entry);
    if (result == ARCHIVE_EOF) return std::nullopt;
    must(reader_.get(), result);
    if (++entries_ > manifest_files_max) throw Error("it has more than 20000 entries");
    const char* name = archive_entry_pathname(entry);
    if (name == nullptr) throw Error("the path of one of its entries cannot be read");
    std::string path = name;
    if (archive_entry_filetype(entry) == AE_IFDIR && path.ends_with('/')) {
      path.pop_back();
      const auto problem = why_bad_path(path);
      if (problem.empty()) continue;
      throw Error("'" + printable(path, 300) + "/' in it " + problem);
    }
    return file(entry, std::move(path));
  }
}

}  // namespace

std::string zip_of(const std::vector<TreeFile>& files) {
  std::string all;
  const std::unique_ptr<archive, FreeWriter> writer(archive_write_new());
  must(writer.get(), archive_write_set_format_zip(writer.get()));
  must(writer.get(), archive_write_zip_set_compression_store(writer.get()));
  must(writer.get(), archive_write_set_bytes_in_last_block(writer.get(), 1));
  must(writer.get(), archive_write_open(writer.get(), &all, nullptr, append_to, nullptr));
  for (const auto& file : files) add_to_zip(writer.get(), file);
  must(writer.get(), archive_write_close(writer.get()));
  return all;
}

void read_zip(const std::filesystem::path& path, const std::function<void(TreeFile)>& take) {
  try {
    ZipReader reader(path);
    for (auto file = reader.next(); file; file = reader.next()) take(std::move(*file));
  } catch (const Error& error) {
    throw Error("read '" + path.string() + "': " + error.what());
  }
}

}  // namespace kongfleet::controller
