// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::hostile {

/// One entry of a ZIP archive, stored as it is; and where it lies about itself.
struct ZipEntry {
  std::string name;
  std::string content = "return {}\n";
  unsigned mode = 0100644;
  unsigned flags = 0;
  unsigned method = 0;
  std::optional<std::uint32_t> crc = std::nullopt;
  std::optional<std::uint32_t> packed = std::nullopt, unpacked = std::nullopt;
  std::optional<std::string> local_name = std::nullopt;  // before its bytes, beside the directory's
  std::string extra = "";
};

/// An archive as APPNOTE.TXT has it, byte by byte. `directory_at`: where its end says that its
/// directory begins.
std::string zip_by_hand(const std::vector<ZipEntry>& entries,
                        std::optional<std::uint32_t> directory_at = std::nullopt);

/// One header and its content, as POSIX has it for a tar; `type`: '0' a file, '2' a link, '3' a
/// character device.
std::string tar_by_hand(const std::string& name, char type, const std::string& content,
                        const std::string& link = "");

/// So many zeros (a multiple of 258, and one more) as deflate has them, RFC 1951: 13 bits for 258.
std::string deflated_zeros(std::uint64_t bytes);

/// Any number, least significant byte first.
std::string little_endian(std::uint64_t number, unsigned bytes);

}  // namespace kongfleet::hostile
