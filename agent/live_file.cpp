// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/live_file.hpp"

#include "agent/durable_file.hpp"
#include "agent/file_exchange.hpp"
#include "agent/followed_path.hpp"
#include "proto/error.hpp"

#include <unistd.h>

namespace kongfleet::agent {

namespace {

constexpr std::size_t conf_bytes_max = std::size_t{1} << 20;

Fd open_to_read(const Directory& here, const fs::path& path) {
  auto file = here.open(path);
  if (!file) throw_errno("open", path);
  return file;
}

std::optional<Digest> digest_of(const Directory& here, const fs::path& path) {
  const auto file = here.open(path);
  if (!file) return std::nullopt;
  return sha256(read_file(file, path));
}

// A full disk must not stay full because of us.
void give_up(const Directory& here, const fs::path& part) noexcept {
  try {
    here.remove(part);
  } catch (const std::exception&) {  // what went wrong before it is told
  }
}

void give_identity(const Directory& here, const fs::path& path, const FileIdentity& wanted) {
  const auto file = open_to_read(here, path);
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

// Anew each time: who owns a directory on the way may have put another, or a link, in its place.
Directory LiveFile::here() const { return followed_directory(path_.parent_path()); }

std::string LiveFile::content(const Directory& here) const {
  return read_file(open_to_read(here, path_), path_, conf_bytes_max);
}

std::string LiveFile::read() const { return content(here()); }

void LiveFile::sync() const {
  const auto directory = here();
  sync_file(open_to_read(directory, path_), path_);
  directory.sync();
}

fs::path LiveFile::companion_path(Which which) const {
  const char* suffix = which == Which::New ? ".kongfleet-new" : ".kongfleet-restore";
  return path_.parent_path() / ("." + path_.filename().string() + suffix);
}

// A companion is whole or absent; the one before it goes only when the new one is on disk. It has
// what the original has of attributes, so that an exchange needs no block for them, but is closed
// to others until then.
void LiveFile::stage(const Directory& here, Which which, std::string_view content) const {
  const auto target = companion_path(which);
  const fs::path part = target.string() + ".part";
  here.remove(part);
  auto closed = identity_of(open_to_read(here, path_), path_);
  closed.owner = ::geteuid();
  closed.group = ::getegid();
  closed.mode = 0600;
  try {
    const auto file = here.create(part, 0600);
    write_all(file, content, part);
    set_identity(file, closed, part);
    sync_file(file, part);
  } catch (const std::exception&) {
    give_up(here, part);
    throw;
  }
  here.rename(part, target);
  // Everything hangs on it: what lies there now is what was meant to.
  if (digest_of(here, target) != sha256(content)) {
    throw Error("'" + target.string() + "' is not what was just put there");
  }
}

void LiveFile::prepare(std::string_view next, std::string_view restore) const {
  const auto directory = here();
  mend(directory);
  const auto back = companion_path(Which::Restore);
  if (digest_of(directory, back) == sha256(next) && sha256(content(directory)) == sha256(restore)) {
    directory.rename(back, companion_path(Which::New));
  } else {
    stage(directory, Which::Restore, restore);
    stage(directory, Which::New, next);
  }
  directory.sync();
}

std::optional<Digest> LiveFile::companion(Which which) const {
  return digest_of(here(), companion_path(which));
}

bool LiveFile::holds(Which which, const Digest& content) const {
  return companion(which) == content;
}

// Somebody may have changed owner, mode or ACL since the file was prepared: that stands too.
FileIdentity LiveFile::take_identity(const Directory& here, Which which) const {
  auto live = identity_of(open_to_read(here, path_), path_);
  give_identity(here, companion_path(which), live);
  return live;
}

// Or have changed them after that, and before the exchange: what was taken out tells.
void LiveFile::keep_identity(const Directory& here, Which which, const FileIdentity& taken) const {
  const auto out = companion_path(which);
  const auto identity = identity_of(open_to_read(here, out), out);
  if (identity != taken) give_identity(here, path_, identity);
}

bool LiveFile::exchange(const Directory& here, Which which, const Digest& expected) const {
  if (sha256(content(here)) != expected) return false;
  const auto other = companion_path(which);
  const auto taken = take_identity(here, which);
  const auto ours = digest_of(here, other);
  exchange_files(here, other, path_);
  const bool edited = digest_of(here, other) != expected;
  // An edit came between the look and the exchange: it goes back. And if it isn't ours that comes
  // out then, but another edit, that one goes back.
  if (edited) exchange_files(here, other, path_);
  if (edited && digest_of(here, other) != ours) exchange_files(here, other, path_);
  if (!edited) keep_identity(here, which, taken);
  here.sync();
  if (!edited)
    close(here, which);  // not before: until the exchange lasts, this may be the live file
  return !edited;
}

bool LiveFile::exchange(Which which, const Digest& expected) const {
  return exchange(here(), which, expected);
}

bool LiveFile::replace(std::string_view next, const Digest& expected) const {
  const auto directory = here();
  stage(directory, Which::New, next);
  return exchange(directory, Which::New, expected);
}

// Nobody but us has business with it, and kong.conf may be closed to others since.
bool LiveFile::close(const Directory& here, Which which) const {
  const auto path = companion_path(which);
  const auto file = open_to_read(here, path);
  const auto is = identity_of(file, path);
  auto closed = is;
  closed.owner = ::geteuid();
  closed.group = ::getegid();
  closed.mode = 0600;
  if (closed == is) return false;
  set_identity(file, closed, path);
  return true;
}

bool LiveFile::mend(const Directory& here) const {
  const bool next = finish_exchange(here, companion_path(Which::New), path_);
  const bool back = finish_exchange(here, companion_path(Which::Restore), path_);
  return next || back;
}

bool LiveFile::mend() const { return mend(here()); }

void LiveFile::settle(const std::optional<std::string>& restore) const {
  const auto directory = here();
  const auto next = companion_path(Which::New);
  const auto back = companion_path(Which::Restore);
  bool changed = mend(directory);
  if (!restore) {
    changed = directory.remove(back) || changed;
  } else if (digest_of(directory, back) != sha256(*restore)) {
    if (digest_of(directory, next) == sha256(*restore)) {
      directory.rename(next, back);
    } else {
      stage(directory, Which::Restore, *restore);
    }
    changed = true;
  }
  changed = directory.remove(next) || changed;
  for (const auto& part : {next.string() + ".part", back.string() + ".part"}) {
    changed = directory.remove(part) || changed;
  }
  if (restore) changed = close(directory, Which::Restore) || changed;
  if (changed) directory.sync();
}

}  // namespace kongfleet::agent
