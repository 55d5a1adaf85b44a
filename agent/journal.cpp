// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/journal.hpp"

#include "agent/durable_file.hpp"
#include "proto/digest.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>
#include <vector>

namespace kongfleet::agent {

namespace {

constexpr std::size_t slot_bytes =
    8192;  // a record is under 2 KiB; the rest is room for longer paths and causes
constexpr std::size_t cause_max = 1024;  // two of them, each character escaped, fit a slot
constexpr std::string_view magic = "kongfleet-journal 1 ";
constexpr std::string_view any_version = "kongfleet-journal ";

struct Slot {
  std::uint64_t sequence = 0;
  std::string text;
};

// "kongfleet-journal 1 SEQUENCE LENGTH SHA256\n" and the record.
std::string to_slot(const Slot& slot) {
  const auto counts = std::to_string(slot.sequence) + " " + std::to_string(slot.text.size());
  std::string bytes(magic);
  bytes += counts + " " + sha256(counts + slot.text).hex() + "\n" + slot.text;
  if (bytes.size() > slot_bytes) throw Error("journal: the record is too long");
  bytes.resize(slot_bytes, '\0');
  return bytes;
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Nothing for a slot that was never written or is torn; Error for one of another version.
std::optional<Slot> from_slot(std::string_view bytes, const fs::path& path) {
  if (bytes.starts_with(any_version) && !bytes.starts_with(magic)) {
    throw Error("journal '" + path.string() +
                "' was written by another version of kongfleet-agent; nothing was touched. "
                "Install the version that wrote it, or finish its transaction there first");
  }
  if (!bytes.starts_with(magic)) return std::nullopt;
  bytes.remove_prefix(magic.size());
  const auto line_end = bytes.find('\n');
  const auto line = bytes.substr(0, line_end);
  const auto first = line.find(' ');
  const auto second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (line_end == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  const auto sequence = number(line.substr(0, first));
  const auto length = number(line.substr(first + 1, second - first - 1));
  if (!sequence || !length || *length > bytes.size() - line_end - 1) return std::nullopt;
  const auto text = bytes.substr(line_end + 1, *length);
  const auto sum = sha256(std::string(line.substr(0, second)) + std::string(text)).hex();
  if (sum != line.substr(second + 1)) return std::nullopt;
  return Slot{*sequence, std::string(text)};
}

std::optional<Slot> newest(std::string_view bytes, const fs::path& path) {
  std::optional<Slot> best;
  for (std::size_t at = 0; at + slot_bytes <= bytes.size(); at += slot_bytes) {
    auto slot = from_slot(bytes.substr(at, slot_bytes), path);
    if (slot && (!best || slot->sequence > best->sequence)) best = std::move(slot);
  }
  return best;
}

}  // namespace

Journal::Journal(fs::path path) : path_(std::move(path)) {
  std::string bytes;
  if (!read_file_if_there(path_, bytes)) {
    create();
    bytes = read_file(path_);
  }
  const auto slot = newest(bytes, path_);
  if (!slot || bytes.size() != 2 * slot_bytes) {
    throw Error("journal '" + path_.string() +
                "' is damaged; nothing was touched. Compare kong.conf with the generations, then "
                "remove the journal: the generation that kong.conf names counts as confirmed then");
  }
  record_ = parse_host_record(slot->text);
  sequence_ = slot->sequence;
  file_ = Fd(::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file_) throw_errno("open", path_);
}

void Journal::create() {
  const auto slot = to_slot({1, to_text(HostRecord{})});
  const fs::path temporary = path_.string() + ".new";
  if (::unlink(temporary.c_str()) != 0 && errno != ENOENT) throw_errno("remove", temporary);
  const auto file = create_file(temporary, 0600);
  // btrfs writes every block to a new place, and a full disk has none: not for this file. Others
  // have no such flag.
  int flags = FS_NOCOW_FL;
  [[maybe_unused]] const int unsupported = ::ioctl(file.get(), FS_IOC_SETFLAGS, &flags);
  write_all(file, slot + slot, temporary);
  sync_file(file, temporary);
  rename_file(temporary, path_);
}

void Journal::sync() const {
  sync_file(file_, path_);
  const auto directory = path_.parent_path();
  sync_directory(directory);
  sync_directory(directory.parent_path());  // whose own name may be as new
}

void Journal::write(const HostRecord& full) {
  auto record = full;
  record.last_cause = printable(record.last_cause, cause_max);
  if (record.open) record.open->cause = printable(record.open->cause, cause_max);
  const auto bytes = to_slot({sequence_ + 1, to_text(record)});
  const auto offset = static_cast<off_t>((sequence_ + 1) % 2 * slot_bytes);
  // After an error the descriptor is not trusted again: the kernel may have dropped what it failed
  // to write.
  if (!file_) file_ = Fd(::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file_) throw_errno("open", path_);
  may_be_over_ = may_be_over_ || (record_.open && !record.open);  // until it is known
  Fd file = std::exchange(file_, Fd());
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto wrote = ::pwrite(file.get(), bytes.data() + done, bytes.size() - done,
                                offset + static_cast<off_t>(done));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) throw_errno("write", path_);
    done += static_cast<std::size_t>(wrote);
  }
  if (::fdatasync(file.get()) != 0) throw_errno("sync", path_);
  file_ = std::move(file);
  sequence_ += 1;
  may_be_over_ = false;
  record_ = record;
}

HostRecord read_journal(const fs::path& path) {
  std::string bytes;
  if (!read_file_if_there(path, bytes)) return {};
  const auto slot = newest(bytes, path);
  if (!slot) throw Error("journal '" + path.string() + "' is damaged");
  return parse_host_record(slot->text);
}

}  // namespace kongfleet::agent
