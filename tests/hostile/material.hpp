// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/kongfleet.pb.h"

#include <string>
#include <utility>
#include <vector>

namespace kongfleet::hostile {

/// The text of a release 'greet' of two files; good until something is done to it.
std::string good_manifest();
/// Their contents, back to back.
std::string good_content();
/// A line of a manifest about a file of one byte.
std::string file_line(const std::string& path, const std::string& mode = "0644",
                      const std::string& size = "1");
/// The text with `line` as its last, or as the first that names a file.
std::string with_last(const std::string& line);
std::string with_first(const std::string& line);
/// `text` with the first `what` replaced. Throws Error when it isn't there.
std::string replaced(std::string text, const std::string& what, const std::string& by);
wire::ToAgent proposal(const std::vector<std::string>& manifests);
/// `text` so many times.
std::string times(std::size_t count, const std::string& text);
/// Any number, most significant byte first.
std::string big_endian(std::uint64_t number, unsigned bytes);

}  // namespace kongfleet::hostile
