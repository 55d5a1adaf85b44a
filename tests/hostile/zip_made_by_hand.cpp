// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/hostile/zip_made_by_hand.hpp"

#include <cstdio>
#include <numeric>
#include <string_view>

namespace kongfleet::hostile {

namespace {

constexpr std::size_t tar_block = 512;

std::uint32_t crc_of(std::string_view bytes) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? std::uint32_t{0xedb88320} : 0U);
  }
  return ~crc;
}

/// What the header before an entry's bytes and its record in the directory have in common.
std::string common_of(const ZipEntry& entry, const std::string& name) {
  const auto size = static_cast<std::uint32_t>(entry.content.size());
  return little_endian(20, 2) + little_endian(entry.flags, 2) + little_endian(entry.method, 2) +
         little_endian(0, 4) + little_endian(entry.crc.value_or(crc_of(entry.content)), 4) +
         little_endian(entry.packed.value_or(size), 4) +
         little_endian(entry.unpacked.value_or(size), 4) + little_endian(name.size(), 2) +
         little_endian(entry.extra.size(), 2);
}

std::string octal(std::uint64_t number, int width) {
  char text[32];
  std::snprintf(text, sizeof text, "%0*llo", width - 1, static_cast<unsigned long long>(number));
  return std::string(text) + '\0';
}

std::string padded(std::string text, std::size_t size) {
  text.resize(size, '\0');
  return text;
}

}  // namespace

std::string little_endian(std::uint64_t number, unsigned bytes) {
  std::string text;
  for (unsigned i = 0; i < bytes; ++i) text += static_cast<char>((number >> (8 * i)) & 0xffU);
  return text;
}

std::string zip_by_hand(const std::vector<ZipEntry>& entries,
                        std::optional<std::uint32_t> directory_at) {
  std::string all;
  std::string directory;
  for (const auto& entry : entries) {
    const auto local = entry.local_name.value_or(entry.name);
    directory += "PK\x01\x02" + little_endian((3U << 8U) | 20U, 2) + common_of(entry, entry.name) +
                 little_endian(0, 6) + little_endian(std::uint64_t{entry.mode} << 16U, 4) +
                 little_endian(all.size(), 4) + entry.name + entry.extra;
    all += "PK\x03\x04" + common_of(entry, local) + local + entry.extra + entry.content;
  }
  return all + directory + "PK\x05\x06" + little_endian(0, 4) + little_endian(entries.size(), 2) +
         little_endian(entries.size(), 2) + little_endian(directory.size(), 4) +
         little_endian(directory_at.value_or(static_cast<std::uint32_t>(all.size())), 4) +
         little_endian(0, 2);
}

std::string deflated_zeros(std::uint64_t bytes) {
  std::string all;
  unsigned held = 0;
  unsigned bits = 0;
  const auto put = [&](unsigned code, unsigned width) {  // least significant bit first
    held |= code << bits;
    for (bits += width; bits >= 8; bits -= 8) {
      all += static_cast<char>(held & 0xffU);
      held >>= 8U;
    }
  };
  put(0b011, 3);       // the last block, of fixed codes
  put(0b00001100, 8);  // a zero: 00110000
  for (std::uint64_t done = 1; done < bytes; done += 258) {
    put(0b10100011, 8);  // a length of 258: 11000101
    put(0, 5);           // from one byte before
  }
  put(0, 7);  // the end
  put(0, 7);  // what is left of the last byte
  return all;
}

std::string tar_by_hand(const std::string& name, char type, const std::string& content,
                        const std::string& link) {
  auto head = padded(name, 100) + octal(0644, 8) + octal(0, 8) + octal(0, 8) +
              octal(content.size(), 12) + octal(0, 12) + "        " + type + padded(link, 100) +
              "ustar" + '\0' + "00" + padded("", 64) + octal(1, 8) + octal(5, 8);
  head = padded(head, tar_block);
  const auto sum = std::accumulate(head.begin(), head.end(), 0U, [](unsigned all, char byte) {
    return all + static_cast<unsigned char>(byte);
  });
  head.replace(148, 8, octal(sum, 7) + ' ');
  const auto blocks = (content.size() + tar_block - 1) / tar_block;
  return head + padded(content, blocks * tar_block) + padded("", 2 * tar_block);
}

}  // namespace kongfleet::hostile
