// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/error.hpp"

#include <cerrno>
#include <system_error>

namespace kongfleet {

void throw_errno(std::string_view doing, const std::filesystem::path& path) {
  const int saved = errno;
  throw Error(std::string(doing) + " '" + path.string() +
              "': " + std::generic_category().message(saved));
}

void throw_errno(std::string_view doing) {
  const int saved = errno;
  throw Error(std::string(doing) + ": " + std::generic_category().message(saved));
}

}  // namespace kongfleet
