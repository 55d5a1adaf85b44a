// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kongfleet {

/// The largest frame body either side sends or accepts: a manifest of 20,000 files is 3 MiB, a blob
/// piece 256 KiB.
constexpr std::size_t frame_bytes_max = std::size_t{4} << 20;
/// The largest piece of file content in one Blob: small enough that progress is seen on slow links.
constexpr std::size_t blob_bytes_max = std::size_t{256} << 10;
/// What both sides call the conversation they speak (Hello.protocol, Welcome.protocol).
constexpr unsigned protocol_version = 1;
/// What a Welcome names whose agent carries out probes of type "smoke".
constexpr std::string_view smoke_feature = "smoke-probe";
/// What a Welcome names whose agent answers a CheckupRequest.
constexpr std::string_view checkup_feature = "checkup";

/// A frame on the wire: the body's length in four bytes, most significant first, then the body.
/// Throws Error when the body is empty or above `limit`: the sender's bug.
std::string frame(std::string_view body, std::size_t limit = frame_bytes_max);

/// Takes the byte stream as it comes and gives back whole bodies. Pure; holds at most one frame and
/// what followed it.
class FrameReader {
public:
  explicit FrameReader(std::size_t limit = frame_bytes_max) : limit_(limit) {}
  void feed(std::string_view bytes) { buffer_.append(bytes); }
  /// The next whole body, or nothing until more is fed. Throws Error when the length is 0 or above
  /// the limit, before any memory is taken for it; the stream cannot be read any further then.
  std::optional<std::string> next();
  /// Bytes of an unfinished frame: what is lost if the stream ends now.
  std::size_t pending() const { return buffer_.size() - begin_; }
  /// All bytes it keeps, those that were given back included.
  std::size_t held() const { return buffer_.size(); }

private:
  std::nullopt_t wait_for_more();
  std::size_t limit_;
  std::string buffer_;
  std::size_t begin_ = 0;  // consumed bytes at the front, dropped in one move per feed cycle
};

}  // namespace kongfleet
