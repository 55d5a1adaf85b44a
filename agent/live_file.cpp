// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/live_file.hpp"

#include "agent/durable_file.hpp"
#include "agent/file_exchange.hpp"
#include "agent/followed_path.hpp"
#include "proto/error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace kongfleet::agent {

namespace {

constexpr std::size_t conf_bytes_max = std::size_t{1} << 20;

bool remove_if_there(const fs::path& path) {
  if (::unlink(path.c_str()) == 0) return true;
  if (errno != ENOENT) throw_errno("remove", path);
  return false;
}

/// None where there is no such file.
Fd open_if_there(const fs::path& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file && errno != ENOENT) throw_errno("open", path);
  return file;
}

Fd open_to_read(const fs::path& path) {
  auto file = open_if_there(path);
  if (!file) throw_errno("open", path);
  return file;
}

void give_identity(const fs::path& path, const FileIdentity& wanted) {
  const auto file = open_to_read(path);
  if (identity_of(file, path) == wanted) return;
  set_identity(file, wanted, path);
  sync_file(file, path);
}

}  // namespace

LiveFile::LiveFile(const fs::path& path) {
  path_ = followed_path(fs::absolute(path));
  if (!fs::is_regular_file(path_)) {
    throw Error("'" + path_.string() + "' is not a regular file");
  }
}

// No link here, though one led to it: who owns the directory may have put one in its place.
std::string LiveFile::read() const { return read_file(open_to_read(path_), path_, conf_bytes_max); }

void LiveFile::sync() const {
  sync_file(open_to_read(path_), path_);
  sync_directory(path_.parent_path());
}

fs::path LiveFile::companion_path(Which which) const {
  const char* suffix = which == Which::New ? ".kongfleet-new" : ".kongfleet-restore";
  return path_.parent_path() / ("." + path_.filename().string() + suffix);
}

// A companion is whole or absent; the one before it goes only when the new one is on disk. It has
// what the original has of attributes, so that an exchange needs no block for them, but is closed
// to others until then.
void LiveFile::stage(Which which, std::string_view content) const {
  const auto target = companion_path(which);
  const fs::path part = target.string() + ".part";
  remove_if_there(part);
  auto closed = identity_of(open_to_read(path_), path_);
  closed.owner = ::geteuid();
  closed.group = ::getegid();
  closed.mode = 0600;
  try {
    const auto file = create_file(part, 0600);
    write_all(file, content, part);
    set_identity(file, closed, part);
    sync_file(file, part);
  } catch (const std::exception&) {
    ::unlink(part.c_str());  // a full disk must not stay full because of us
    throw;
  }
  rename_file(part, target);
  // Everything hangs on it: what lies there now is what was meant to.
  if (!holds(which, sha256(content))) {
    throw Error("'" + target.string() + "' is not what was just put there");
  }
}

void LiveFile::prepare(std::string_view next, std::string_view restore) const {
  mend();
  if (holds(Which::Restore, sha256(next)) && sha256(read()) == sha256(restore)) {
    rename_file(companion_path(Which::Restore), companion_path(Which::New));
  } else {
    stage(Which::Restore, restore);
    stage(Which::New, next);
  }
  sync_directory(path_.parent_path());
}

std::optional<Digest> LiveFile::companion(Which which) const {
  const auto path = companion_path(which);
  const auto file = open_if_there(path);
  if (!file) return std::nullopt;
  return sha256(read_file(file, path));
}

bool LiveFile::holds(Which which, const Digest& content) const {
  return companion(which) == content;
}

// Somebody may have changed owner, mode or ACL since the file was prepared: that stands too.
FileIdentity LiveFile::take_identity(Which which) const {
  auto live = identity_of(open_to_read(path_), path_);
  give_identity(companion_path(which), live);
  return live;
}

// Or have changed them after that, and before the exchange: what was taken out tells.
void LiveFile::keep_identity(Which which, const FileIdentity& taken) const {
  const auto out = companion_path(which);
  const auto identity = identity_of(open_to_read(out), out);
  if (identity != taken) give_identity(path_, identity);
}

bool LiveFile::exchange(Which which, const Digest& expected) const {
  if (sha256(read()) != expected) return false;
  const auto other = companion_path(which);
  const auto taken = take_identity(which);
  const auto ours = companion(which);
  exchange_files(other, path_);
  const bool edited = companion(which) != expected;
  // An edit came between the look and the exchange: it goes back. And if it isn't ours that comes
  // out then, but another edit, that one goes back.
  if (edited) exchange_files(other, path_);
  if (edited && companion(which) != ours) exchange_files(other, path_);
  if (!edited) keep_identity(which, taken);
  sync_directory(path_.parent_path());
  if (!edited) close(which);  // not before: until the exchange lasts, this may be the live file
  return !edited;
}

bool LiveFile::replace(std::string_view next, const Digest& expected) const {
  stage(Which::New, next);
  return exchange(Which::New, expected);
}

// Nobody but us has business with it, and kong.conf may be closed to others since.
bool LiveFile::close(Which which) const {
  const auto path = companion_path(which);
  const auto file = open_to_read(path);
  const auto is = identity_of(file, path);
  auto closed = is;
  closed.owner = ::geteuid();
  closed.group = ::getegid();
  closed.mode = 0600;
  if (closed == is) return false;
  set_identity(file, closed, path);
  return true;
}

bool LiveFile::mend() const {
  const bool next = finish_exchange(companion_path(Which::New), path_);
  const bool back = finish_exchange(companion_path(Which::Restore), path_);
  return next || back;
}

void LiveFile::settle(const std::optional<std::string>& restore) const {
  const auto next = companion_path(Which::New);
  const auto back = companion_path(Which::Restore);
  bool changed = mend();
  if (!restore) {
    changed = remove_if_there(back) || changed;
  } else if (!holds(Which::Restore, sha256(*restore))) {
    if (holds(Which::New, sha256(*restore))) {
      rename_file(next, back);
    } else {
      stage(Which::Restore, *restore);
    }
    changed = true;
  }
  changed = remove_if_there(next) || changed;
  for (const auto& part : {next.string() + ".part", back.string() + ".part"}) {
    changed = remove_if_there(part) || changed;
  }
  if (restore) changed = close(Which::Restore) || changed;
  if (changed) sync_directory(path_.parent_path());
}

}  // namespace kongfleet::agent
