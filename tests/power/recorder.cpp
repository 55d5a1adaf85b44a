// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/recorder.hpp"

#include "proto/error.hpp"
#include "tests/power/files.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstring>
#include <fstream>

namespace kongfleet::power {

namespace fs = std::filesystem;

namespace {

// Where the next write of a descriptor goes.
std::uint64_t position(const SystemCall& call, int fd) {
  std::ifstream info("/proc/" + std::to_string(call.thread) + "/fdinfo/" + std::to_string(fd));
  std::string word;
  std::uint64_t at = 0;
  if (!(info >> word >> at) || word != "pos:") throw Error("read the position of a descriptor");
  return at;
}

std::string gathered(const SystemCall& call, std::size_t count) {
  std::string vectors = call.bytes(1, call.arguments[2] * sizeof(iovec));
  std::string content;
  for (std::size_t at = 0; at < vectors.size() && content.size() < count; at += sizeof(iovec)) {
    iovec piece{};
    std::memcpy(&piece, vectors.data() + at, sizeof piece);
    SystemCall there = call;
    there.arguments[1] = reinterpret_cast<std::uint64_t>(piece.iov_base);
    content += there.bytes(1, std::min(piece.iov_len, count - content.size()));
  }
  return content;
}

// Digits and what follows in a generation that is being built vary from run to run, from file to
// file: one place in the code has one name.
std::string pattern_of(const fs::path& path) {
  std::string pattern;
  for (const auto& part : path) {
    const auto name = part.string();
    if (!pattern.empty()) pattern += '/';
    if (name.starts_with(".building-")) return pattern + ".building-*/**";
    pattern += name.find_first_of("0123456789") == 0 ? "*" : name;
  }
  return pattern.empty() ? "." : pattern;
}

}  // namespace

Recorder::Recorder(const Disk& disk, std::vector<std::string> wrappers)
    : wrappers_(std::move(wrappers)), recording_{disk, DiskTree::read(disk), {}} {
  now_ = recording_.before;
}

std::optional<fs::path> Recorder::file_of(const SystemCall& call, std::size_t index) const {
  const auto path = inside(call.path_of(call.descriptor(index)));
  return path && now_.find(*path) ? path : std::nullopt;
}

Inode Recorder::need(const Path& path) const {
  const auto inode = now_.find(path);
  if (!inode) throw Error("record: nothing is known of '" + path.string() + "'");
  return *inode;
}

void Recorder::change(DiskChange change) {
  now_.apply(change);
  recording_.events.emplace_back(std::move(change));
}

void Recorder::mark(const std::string& text) {
  const std::lock_guard lock(mutex_);
  recording_.events.emplace_back(Mark{text});
  ++marks_;
}

std::size_t Recorder::marks() const {
  const std::lock_guard lock(mutex_);
  return marks_;
}

void Recorder::edit(const Path& file, const std::string& content, mode_t mode) {
  const std::lock_guard lock(mutex_);
  const auto copy = Path(file) += "~";
  const auto info = look_at(file);
  put_file(copy, content);
  if (::chmod(copy.c_str(), mode) != 0 || ::chown(copy.c_str(), info.st_uid, info.st_gid) != 0) {
    throw_errno("edit", file);
  }
  made(*inside(copy), false);
  wrote(*inside(copy), 0, content);
  recording_.events.emplace_back(DiskSync{need(*inside(copy)), false, editors_site});
  sync_file_system(file.parent_path());
  fs::rename(copy, file);
  sync_file_system(file.parent_path());
  renamed(copy, file, 0);
  recording_.events.emplace_back(DiskSync{need(inside(file)->parent_path()), false, editors_site});
}

void Recorder::append(const Path& file, const std::string& text) {
  const std::lock_guard lock(mutex_);
  const auto path = *inside(file);
  put_file(file, content_of(file) + text);
  wrote(path, now_.size(need(path)), text);
}

void Recorder::remove(const Path& path) {
  const std::lock_guard lock(mutex_);
  fs::remove_all(path);
  sync_file_system(path.parent_path());
  removed(*inside(path));
  const auto directory = need(inside(path)->parent_path());
  recording_.events.emplace_back(DiskSync{directory, false, editors_site});
}

void Recorder::see(const SystemCall& call) {
  if (call.entering || call.result < 0) return;
  const std::lock_guard lock(mutex_);
  returned(call);
}

void Recorder::returned(const SystemCall& call) {
  const auto& arguments = call.arguments;
  const auto count = static_cast<std::size_t>(call.result);
  const auto named = [&](int directory, std::size_t index) {
    return inside(call.path(directory, index));
  };
  const auto on = [](const std::optional<Path>& path, auto act) {
    if (path) act(*path);
  };
  const auto make_directory = [&](const Path& path) { made(path, true); };
  const auto remove = [&](const Path& path) { removed(path); };
  const auto guard = [&](const Path& path) { protect(path); };
  switch (call.number) {
    case SYS_open:
      return opened(call, arguments[1]);
    case SYS_openat:
      return opened(call, arguments[2]);
    case SYS_creat:
      return opened(call, O_CREAT | O_TRUNC);
    case SYS_mkdir:
      return on(named(AT_FDCWD, 0), make_directory);
    case SYS_mkdirat:
      return on(named(call.descriptor(0), 1), make_directory);
    case SYS_link:
      return linked(call.path(AT_FDCWD, 0), call.path(AT_FDCWD, 1));
    case SYS_linkat:
      return linked(call.path(call.descriptor(0), 1), call.path(call.descriptor(2), 3));
    case SYS_unlink:
    case SYS_rmdir:
      return on(named(AT_FDCWD, 0), remove);
    case SYS_unlinkat:
      return on(named(call.descriptor(0), 1), remove);
    case SYS_rename:
      return renamed(call.path(AT_FDCWD, 0), call.path(AT_FDCWD, 1), 0);
    case SYS_renameat:
    case SYS_renameat2:
      return renamed(call.path(call.descriptor(0), 1), call.path(call.descriptor(2), 3),
                     call.number == SYS_renameat2 ? arguments[4] : 0);
    case SYS_write:
    case SYS_writev:
      if (!file_of(call, 0)) return;
      return wrote(*file_of(call, 0), position(call, call.descriptor(0)) - count,
                   call.number == SYS_write ? call.bytes(1, count) : gathered(call, count));
    case SYS_pwrite64:
    case SYS_pwritev:
      if (!file_of(call, 0)) return;
      return wrote(*file_of(call, 0), arguments[3],
                   call.number == SYS_pwrite64 ? call.bytes(1, count) : gathered(call, count));
    case SYS_truncate:
      return on(named(AT_FDCWD, 0), [&](const Path& path) { resized(path, arguments[1]); });
    case SYS_ftruncate:
      return on(file_of(call, 0), [&](const Path& path) { resized(path, arguments[1]); });
    case SYS_fallocate:
      return on(file_of(call, 0), [&](const Path& path) {
        resized(path, std::max(now_.size(need(path)), arguments[2] + arguments[3]));
      });
    case SYS_chmod:
    case SYS_chown:
    case SYS_lchown:
      return on(named(AT_FDCWD, 0), guard);
    case SYS_fchmodat:
    case SYS_fchownat:
      return on(named(call.descriptor(0), 1), guard);
    case SYS_fchmod:
    case SYS_fchown:
      return on(file_of(call, 0), guard);
    case SYS_ioctl:
      if (arguments[1] == FICLONE && file_of(call, 0)) cloned(call);
      return;
    case SYS_fsync:
    case SYS_fdatasync:
      return synced(call);
    default:
      return;  // should it change the disk after all, take() will find that
  }
}

void Recorder::opened(const SystemCall& call, std::uint64_t flags) {
  const auto path = inside(call.path_of(static_cast<int>(call.result)));
  if (!path) return;
  const bool fresh = !now_.find(*path);
  if (fresh && (flags & O_CREAT) == 0) {
    throw Error("record: '" + path->string() + "' was opened, and nobody had made it");
  }
  if (fresh) return made(*path, false);
  if ((flags & O_TRUNC) != 0 && now_.size(need(*path)) > 0) resized(*path, 0);
}

void Recorder::made(const Path& path, bool is_directory) {
  const auto info = look_at(recording_.disk.root / path);
  DiskChange make{.kind = DiskChange::Kind::Make};
  for (auto* tree : {&now_, &recording_.before}) {  // both know the same inodes
    make.inode = tree->add(is_directory, info.st_mode & 07777, info.st_uid, info.st_gid);
  }
  make.directory = need(path.parent_path());
  make.name = path.filename().string();
  change(make);
}

void Recorder::removed(const Path& path) {
  DiskChange remove{.kind = DiskChange::Kind::Remove};
  remove.inode = need(path);
  remove.directory = need(path.parent_path());
  remove.name = path.filename().string();
  change(remove);
}

void Recorder::linked(const Path& old, const Path& fresh) {
  const auto source = inside(old);
  const auto target = inside(fresh);
  if (!source || !target) return;
  DiskChange link{.kind = DiskChange::Kind::Make};
  link.inode = need(*source);
  link.directory = need(target->parent_path());
  link.name = target->filename().string();
  linked_.insert(link.inode);
  change(link);
}

void Recorder::renamed(const Path& from, const Path& to, std::uint64_t flags) {
  const auto source = inside(from);
  const auto target = inside(to);
  if (!source && !target) return;
  if (!source || !target || source->parent_path() != target->parent_path()) {
    throw Error("record: '" + from.string() + "' moved to another directory: no model knows that");
  }
  const bool exchange = (flags & RENAME_EXCHANGE) != 0;
  DiskChange move{.kind = exchange ? DiskChange::Kind::Exchange : DiskChange::Kind::Move};
  move.inode = need(*source);
  move.directory = need(target->parent_path());
  move.name = target->filename().string();
  move.other_name = source->filename().string();
  move.only_name = !linked_.contains(move.inode);
  if (exchange) move.other = need(*target);
  change(move);
}

void Recorder::wrote(const Path& path, std::uint64_t offset, std::string bytes) {
  if (bytes.empty()) return;
  DiskChange write{.kind = DiskChange::Kind::Write};
  write.inode = need(path);
  write.offset = offset;
  write.bytes = std::move(bytes);
  change(write);
}

void Recorder::resized(const Path& path, std::uint64_t size) {
  DiskChange resize{.kind = DiskChange::Kind::Resize};
  resize.inode = need(path);
  resize.offset = size;
  change(resize);
}

void Recorder::protect(const Path& path) {
  const auto info = look_at(recording_.disk.root / path);
  DiskChange protect{.kind = DiskChange::Kind::Protect};
  protect.inode = need(path);
  protect.mode = info.st_mode & 07777;
  protect.uid = info.st_uid;
  protect.gid = info.st_gid;
  change(protect);
}

// A clone is one write of the whole content.
void Recorder::cloned(const SystemCall& call) {
  wrote(*file_of(call, 0), 0, content_of(call.path_of(call.descriptor(2))));
}

void Recorder::synced(const SystemCall& call) {
  const auto path = file_of(call, 0);
  if (!path) return;
  recording_.events.emplace_back(
      DiskSync{need(*path), call.number == SYS_fdatasync, site(call, *path)});
}

std::string Recorder::site(const SystemCall& call, const Path& path) {
  for (const auto& frame : stack_.frames(call.process, call.thread)) {
    if (std::find(wrappers_.begin(), wrappers_.end(), frame.function) != wrappers_.end()) continue;
    return frame.function + " " + frame.line + " " + pattern_of(path);
  }
  throw Error("record: a sync of '" + path.string() + "' comes from no known line");
}

Recording Recorder::take() {
  const std::lock_guard lock(mutex_);
  const auto real = DiskTree::read(recording_.disk);
  if (real.digest() != now_.digest()) {
    throw Error("record: '" + recording_.disk.root.string() + "' holds\n" + real.listing() +
                "but the record says\n" + now_.listing());
  }
  return recording_;
}

}  // namespace kongfleet::power
