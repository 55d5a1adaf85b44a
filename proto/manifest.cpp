// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/manifest.hpp"

#include "proto/error.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace kongfleet {

namespace {

constexpr std::string_view magic = "kongfleet-manifest 1";

[[noreturn]] void refuse(std::size_t line, const std::string& reason) {
  throw Error("manifest, line " + std::to_string(line) + ": " + reason);
}

/// Hands out lines that end with LF, and counts them.
class Lines {
public:
  explicit Lines(std::string_view text) : rest_(text) {}
  bool done() const { return rest_.empty(); }
  bool at(std::string_view word) const { return rest_.starts_with(word); }
  std::size_t number() const { return number_; }
  std::string_view next() {
    ++number_;
    const auto end = rest_.find('\n');
    if (end == std::string_view::npos) refuse(number_, "the line is missing or has no end");
    const auto line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return line;
  }
  /// The rest of a line that must begin with `word` and a blank.
  std::string_view next(std::string_view word) {
    const auto line = next();
    if (!line.starts_with(word) || line.size() <= word.size() || line[word.size()] != ' ') {
      refuse(number_,
             "expected '" + std::string(word) + " …', found '" + printable(line, 80) + "'");
    }
    return line.substr(word.size() + 1);
  }

private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

std::string_view take_word(std::string_view& rest) {
  const auto end = rest.find(' ');
  const auto word = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return word;
}

std::uint64_t parse_size(std::string_view text, std::size_t line) {
  std::uint64_t size = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), size);
  const bool canonical = text == "0" || (!text.empty() && text.front() != '0');
  if (ec != std::errc() || end != text.data() + text.size() || !canonical ||
      size > manifest_content_max) {
    refuse(line, "'" + printable(text, 40) + "' is not a size from 0 to " +
                     std::to_string(manifest_content_max));
  }
  return size;
}

ManifestFile parse_file(std::string_view rest, std::size_t line) {
  const auto mode = take_word(rest);
  if (mode != "0644" && mode != "0755") refuse(line, "the mode is neither 0644 nor 0755");
  const auto size = parse_size(take_word(rest), line);
  const auto digest = Digest::parse(take_word(rest));
  if (!digest) refuse(line, "the digest is not 64 lower-case hexadecimal digits");
  const auto problem = why_bad_path(rest);
  if (!problem.empty()) refuse(line, "path '" + printable(rest, 300) + "' " + problem);
  return {*RelativePath::parse(rest), size, mode == "0755" ? 0755U : 0644U, *digest};
}

Companion parse_companion(std::string_view rest, std::size_t line) {
  const auto name = PluginName::parse(take_word(rest));
  if (!name) refuse(line, "it is with what is not a plugin name");
  const auto version = Version::parse(take_word(rest));
  if (!version) refuse(line, "it is with what is not a version of " + name->text());
  const auto digest = Digest::parse(rest);
  if (!digest) refuse(line, "the digest is not 64 lower-case hexadecimal digits");
  return {*name, *version, *digest};
}

ReleaseTerms parse_terms(Lines& lines) {
  ReleaseTerms terms;
  const auto fleet = lines.next("fleet");
  if (!is_plain_name(fleet)) {
    refuse(lines.number(), "'" + printable(fleet, 80) + "' is not a fleet's name");
  }
  terms.fleet = fleet;
  const auto serial_text = lines.next("serial");
  const auto serial = parse_serial(serial_text);
  if (!serial) {
    refuse(lines.number(), "'" + printable(serial_text, 80) +
                               "' is not a serial number from 1 to " +
                               std::to_string(release_serial_max));
  }
  terms.serial = *serial;
  const auto expiry_line = lines.next("expires");
  const auto expires = parse_expiry(expiry_line);
  if (!expires) {
    refuse(lines.number(),
           "'" + printable(expiry_line, 80) + "' is not a time like 2027-02-26T14:00:00Z");
  }
  terms.expires = *expires;
  while (lines.at("with ")) {
    const auto rest = lines.next("with");
    if (terms.with.size() == companions_max) refuse(lines.number(), "it is with too many releases");
    terms.with.push_back(parse_companion(rest, lines.number()));
    if (terms.with.size() > 1 && !(terms.with[terms.with.size() - 2].name < terms.with.back().name))
      refuse(lines.number(), "what it is with is not sorted by name, or occurs twice");
  }
  return terms;
}

std::string render(const PluginName& name, const Version& version,
                   const std::vector<ManifestFile>& files,
                   const std::optional<ReleaseTerms>& terms) {
  std::string text(magic);
  text += "\nname " + name.text() + "\nversion " + version.text() + "\n";
  if (terms) {
    text += "fleet " + terms->fleet + "\nserial " + std::to_string(terms->serial) + "\nexpires " +
            expiry_text(terms->expires) + "\n";
    for (const auto& other : terms->with) {
      text += "with " + other.name.text() + " " + other.version.text() + " " + other.digest.hex() +
              "\n";
    }
  }
  for (const auto& file : files) {
    text += file.mode == 0755 ? "file 0755 " : "file 0644 ";
    text += std::to_string(file.size) + " " + file.digest.hex() + " " + file.path.text() + "\n";
  }
  return text;
}

void refuse_companions(const PluginName& name, const std::vector<Companion>& with) {
  if (with.size() > companions_max) {
    throw Error("manifest: it is with " + std::to_string(with.size()) + " releases, allowed are " +
                std::to_string(companions_max));
  }
  for (std::size_t i = 0; i < with.size(); ++i) {
    if (with[i].name == name)
      throw Error("manifest: it is with " + with[i].release() + ", which is of the same plugin");
    if (i > 0 && with[i].name == with[i - 1].name)
      throw Error("manifest: it is with two releases of " + with[i].name.text());
  }
}

// A file 'a' beside a file 'a/b', whatever the case: on some file system they cannot both be.
void refuse_collisions(const std::vector<ManifestFile>& files) {
  std::set<std::string> names;
  for (const auto& file : files) {
    if (!names.insert(lower_case(file.path.text())).second) {
      throw Error("manifest: '" + file.path.text() + "' occurs twice, or differs only in case");
    }
  }
  for (const auto& name : names) {
    for (auto slash = name.find('/'); slash != std::string::npos;
         slash = name.find('/', slash + 1)) {
      if (names.contains(name.substr(0, slash))) {
        throw Error("manifest: '" + name.substr(0, slash) + "' is both a file and a directory");
      }
    }
  }
}

}  // namespace

Manifest::Manifest(PluginName name, Version version, std::vector<ManifestFile> files,
                   std::optional<ReleaseTerms> terms)
    : name_(std::move(name)),
      version_(std::move(version)),
      files_(std::move(files)),
      terms_(std::move(terms)),
      text_(render(name_, version_, files_, terms_)),
      digest_(sha256(terms_ ? render(name_, version_, files_, std::nullopt) : text_)) {}

void Manifest::validate() const {
  if (files_.size() > manifest_files_max) {
    throw Error("manifest: " + std::to_string(files_.size()) + " files, allowed are " +
                std::to_string(manifest_files_max));
  }
  if (text_.size() > manifest_text_max) throw Error("manifest: its text is too long");
  if (content_bytes() > manifest_content_max) {
    throw Error("manifest: " + std::to_string(content_bytes()) + " bytes of content, allowed are " +
                std::to_string(manifest_content_max));
  }
  if (terms_) refuse_companions(name_, terms_->with);
  refuse_collisions(files_);
  const std::string home = "kong/plugins/" + name_.text() + "/";
  for (const auto& file : files_) {
    // Anything else below kong/ would come before Kong's own modules in lua_package_path and
    // replace them.
    if (lower_case(file.path.text()).starts_with("kong/") && !file.path.text().starts_with(home)) {
      throw Error("manifest: '" + file.path.text() +
                  "' would replace a module of Kong's or of another plugin: below kong/ only " +
                  home + " is this plugin's");
    }
  }
  for (const std::string_view needed : {"handler.lua", "schema.lua"}) {
    const auto wanted = home + std::string(needed);
    if (std::none_of(files_.begin(), files_.end(),
                     [&](const ManifestFile& file) { return file.path.text() == wanted; })) {
      throw Error("manifest: '" + wanted + "' is missing; Kong needs it to load the plugin");
    }
  }
}

std::uint64_t Manifest::content_bytes() const {
  std::uint64_t sum = 0;  // cannot overflow: 20,000 sizes of at most 256 MiB
  for (const auto& file : files_) sum += file.size;
  return sum;
}

Manifest Manifest::parse(std::string_view text) {
  if (text.size() > manifest_text_max) throw Error("manifest: its text is too long");
  Lines lines(text);
  if (lines.next() != magic) refuse(1, "expected '" + std::string(magic) + "'");
  const auto name_text = lines.next("name");
  const auto name = PluginName::parse(name_text);
  if (!name) refuse(2, "'" + printable(name_text, 80) + "' is not a plugin name");
  const auto version_text = lines.next("version");
  const auto version = Version::parse(version_text);
  if (!version) refuse(3, "'" + printable(version_text, 80) + "' is not a version");
  std::optional<ReleaseTerms> terms;
  if (lines.at("fleet ")) terms = parse_terms(lines);
  std::vector<ManifestFile> files;
  while (!lines.done()) {
    const auto rest = lines.next("file");
    if (files.size() == manifest_files_max) refuse(lines.number(), "too many files");
    files.push_back(parse_file(rest, lines.number()));
    if (files.size() > 1 && !(files[files.size() - 2].path < files.back().path)) {
      refuse(lines.number(), "files are not sorted by path, or one occurs twice");
    }
  }
  Manifest manifest(*name, *version, std::move(files), std::move(terms));
  manifest.validate();
  return manifest;
}

Manifest Manifest::build(PluginName name, Version version, std::vector<ManifestFile> files,
                         std::optional<ReleaseTerms> terms) {
  std::sort(files.begin(), files.end(),
            [](const ManifestFile& a, const ManifestFile& b) { return a.path < b.path; });
  if (terms) {
    std::sort(terms->with.begin(), terms->with.end(),
              [](const Companion& a, const Companion& b) { return a.name < b.name; });
  }
  Manifest manifest(std::move(name), std::move(version), std::move(files), std::move(terms));
  manifest.validate();
  return manifest;
}

Digest generation_digest(const std::vector<Manifest>& releases) {
  std::vector<std::string> lines;
  lines.reserve(releases.size());
  for (const auto& release : releases) {
    lines.push_back(release.name().text() + " " + release.version().text() + " " +
                    release.digest().hex() + "\n");
  }
  std::sort(lines.begin(), lines.end());
  Sha256 hash;
  for (const auto& line : lines) hash.update(line);
  return hash.finish();
}

}  // namespace kongfleet
