// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/content_pack.hpp"

#include "proto/zstd_stream.hpp"

namespace kongfleet::controller {

ContentPack::ContentPack(const std::vector<Release>& releases) {
  for (const auto& release : releases) {
    for (std::size_t i = 0; i < release.contents.size(); ++i) {
      contents_[release.manifest.files()[i].digest.hex()] = &release.contents[i];
    }
  }
}

SharedBytes ContentPack::compressed(const std::vector<std::string>& digests) {
  auto& made = made_[digests];
  if (made) return made;
  std::string all;
  for (const auto& digest : digests) {
    const auto content = contents_.find(digest);
    if (content == contents_.end()) throw Error("the host asks for content it was not offered");
    all += *content->second;
  }
  made = std::make_shared<const std::string>(zstd_compress(all));
  return made;
}

}  // namespace kongfleet::controller
