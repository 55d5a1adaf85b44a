// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace kongfleet::power {

/// A file system of the kernel's, to be made in an image.
struct FileSystem {
  std::string name;                  // "ext4"
  std::string size;                  // of the image, about the least there can be
  std::vector<std::string> options;  // of mkfs
};

/// Those that hosts have: ext4, xfs, btrfs.
const std::vector<FileSystem>& file_systems();

/// Makes an empty one. Throws Error.
void make_file_system(const FileSystem& kind, const std::filesystem::path& image);

/// An image that is mounted at a directory, by a loop device that goes with the mount. The mount
/// goes with the object; with the mount namespace of whoever dies, too.
class MountedImage {
public:
  MountedImage(const FileSystem& kind, const std::filesystem::path& image,
               std::filesystem::path place);
  ~MountedImage();
  MountedImage(const MountedImage&) = delete;
  MountedImage& operator=(const MountedImage&) = delete;
  /// Throws Error where something still uses it.
  void unmount();

private:
  std::filesystem::path place_;
  bool mounted_ = true;
};

/// Copies an image, without what is zero in it, and returns a hash of what it holds.
std::size_t copy_image(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace kongfleet::power
