// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/content_receiver.hpp"

#include "agent/durable_file.hpp"
#include "proto/error.hpp"

#include <numeric>

namespace kongfleet::agent {

namespace {

std::uint64_t sum(const std::vector<ManifestFile>& files) {
  return std::accumulate(
      files.begin(), files.end(), std::uint64_t{0},
      [](std::uint64_t total, const ManifestFile& file) { return total + file.size; });
}

}  // namespace

ContentReceiver::ContentReceiver(const Incoming& incoming, std::vector<ManifestFile> expected)
    : incoming_(incoming), expected_(std::move(expected)), awaited_(sum(expected_)) {
  open_next();
}

// Opens the next file that has bytes to come; empty ones are made on the way.
void ContentReceiver::open_next() {
  while (at_ < expected_.size()) {
    file_ = create_file(incoming_.file(expected_[at_].digest), 0600);
    left_ = expected_[at_].size;
    if (left_ > 0) return;
    ++at_;
  }
  file_ = Fd();
}

void ContentReceiver::feed(std::string_view content) {
  if (content.size() > awaited_) throw Error("more content than was announced");
  awaited_ -= content.size();
  while (!content.empty()) {
    const auto piece = content.substr(0, std::min<std::uint64_t>(left_, content.size()));
    write_all(file_, piece, incoming_.file(expected_[at_].digest));
    content.remove_prefix(piece.size());
    left_ -= piece.size();
    if (left_ > 0) return;
    ++at_;
    open_next();
  }
}

void ContentReceiver::finish() {
  if (awaited_ > 0)
    throw Error("content ends, and " + std::to_string(awaited_) + " bytes of it are missing");
  complete_ = true;
}

}  // namespace kongfleet::agent
