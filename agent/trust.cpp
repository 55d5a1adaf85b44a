// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/trust.hpp"

#include "agent/accepted_releases.hpp"
#include "agent/allowed_signers.hpp"
#include "agent/companions.hpp"
#include "agent/durable_file.hpp"
#include "agent/followed_path.hpp"
#include "agent/revoked_keys.hpp"
#include "proto/error.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <variant>

namespace kongfleet::agent {

namespace {

constexpr std::size_t trust_file_max = std::size_t{16} << 20;  // a long list of revoked keys
constexpr std::int64_t clock_slack = 600;  // seconds a clock may be set back without being wrong

struct TrustFiles {
  std::string allowed_signers;
  std::string revoked_keys;
};

Finding distrust(const Manifest& release, const std::string& text, const std::string& advice) {
  return {"trust", release.name().text(), "", 0, text, advice};
}

// Who can write the file decides what runs here.
std::string read_root_file(const std::filesystem::path& path) {
  const auto who = who_may_write(path);
  if (!who.empty()) {
    throw Error(who + ", so " + path.filename().string() +
                " can't say whom to trust; give it to root, closed to others ('chown root:root', "
                "'chmod go-w')");
  }
  return read_file(path, trust_file_max);
}

// What the signature promises, against this host and what it has taken before. Empty: nothing is
// against it.
std::vector<Finding> broken_terms(const Manifest& release, const Config& config,
                                  const AcceptedReleases& accepted, std::time_t now) {
  const auto& terms = release.terms();
  if (!terms) {
    return {distrust(release, "the signed text names no fleet, serial and expiry",
                     "sign it with 'kongfleet pack --sign'")};
  }
  std::vector<Finding> found;
  if (!config.fleet.empty() && terms->fleet != config.fleet) {
    found.push_back(distrust(
        release,
        "it was signed for fleet '" + terms->fleet + "', this host is of '" + config.fleet + "'",
        "sign it with --fleet " + config.fleet));
  }
  if (terms->expires <= now) {
    found.push_back(distrust(release, "it expired at " + expiry_text(terms->expires),
                             "sign it anew; it needs no new version"));
  }
  const auto at = accepted.serials.find(release.name().text());
  if (at == accepted.serials.end()) return found;
  const auto highest = at->second;
  if (terms->serial < highest) {
    found.push_back(
        distrust(release,
                 "its serial " + std::to_string(terms->serial) + " is older than " +
                     std::to_string(highest) + ", which this host has accepted",
                 "go back with 'kongfleet rollback', or sign it with a higher --serial"));
  } else if (terms->serial - highest > config.serial_jump) {
    found.push_back(distrust(
        release,
        "its serial " + std::to_string(terms->serial) + " is further above " +
            std::to_string(highest) + ", the last this host accepted, than " +
            std::to_string(config.serial_jump),
        "nothing lower would be taken afterwards; if that is meant, raise [trust] serial_jump in "
        "agent.toml"));
  }
  return found;
}

// Nothing where signatures can't be checked, and need not be.
std::optional<TrustFiles> read_files(const Config& config) {
  if (config.signatures == "optional" && is_absent(config.allowed_signers)) return std::nullopt;
  TrustFiles files{.allowed_signers = read_root_file(config.allowed_signers)};
  if (!config.revoked_keys.empty()) files.revoked_keys = read_root_file(config.revoked_keys);
  return files;
}

TrustRules rules_of(const Config& config, const TrustFiles& files) {
  TrustRules rules{.allowed_signers = {config.allowed_signers.string(), files.allowed_signers}};
  if (!config.revoked_keys.empty())
    rules.revoked_keys = TrustFile{config.revoked_keys.string(), files.revoked_keys};
  return rules;
}

SignedRelease signed_release(const Proposal& proposal, std::size_t release, std::size_t signature) {
  const auto& signatures = proposal.signatures;
  return {proposal.releases[release].text(),
          signatures.empty() ? std::string_view{} : std::string_view(signatures[signature])};
}

/// What is to be asked of the releases of a proposal, by their place.
struct Questions {
  std::vector<std::size_t> asked;    // to be signed well, or refused
  std::vector<std::size_t> kept;     // run here, with the terms with which they were accepted
  std::vector<std::size_t> renewed;  // of those, what comes signed with other terms
};

const Manifest* as_it_runs(const Manifest& release, const std::vector<Manifest>& running) {
  const auto known = std::find_if(running.begin(), running.end(), [&](const Manifest& each) {
    return each.digest() == release.digest();
  });
  return known == running.end() ? nullptr : &*known;
}

// `releases`: those of the proposal, which get the terms that hold here. What runs here, but as it
// was accepted would now lack its companions, is asked: they are part of its terms, not of its
// digest, so only its signature can say that it may do without.
Questions questions(const Proposal& proposal, const std::vector<Manifest>& running,
                    const Config& config, std::vector<Manifest>& releases) {
  Questions questions;
  for (std::size_t i = 0; i < proposal.releases.size(); ++i) {
    const auto& release = proposal.releases[i];
    const bool is_signed = !signed_release(proposal, i, i).signature.empty();
    const auto* known = as_it_runs(release, running);
    if (known == nullptr || !parted(proposal.releases, *known).empty()) {
      if (is_signed || config.signatures == "required") questions.asked.push_back(i);
      continue;
    }
    questions.kept.push_back(i);
    releases[i] = *known;
    if (is_signed && known->text() != release.text()) questions.renewed.push_back(i);
  }
  return questions;
}

// A signature that is not this release's may be another's of the proposal.
std::string mixture(const Proposal& proposal, std::size_t place, const TrustRules& rules,
                    std::time_t now) {
  for (std::size_t other = 0; other < proposal.releases.size(); ++other) {
    if (other == place) continue;
    try {
      require_trusted(signed_release(proposal, other, place), rules, now);
      return "; its signature is that of " + proposal.releases[other].release() +
             ": two releases are mixed";
    } catch (const Error&) {
      continue;
    }
  }
  return {};
}

/// Who signed it, or why that is to count for nothing.
std::variant<ReleaseSigner, std::string> signer_of(const Proposal& proposal, std::size_t place,
                                                   const TrustRules& rules, std::time_t now) {
  try {
    return require_trusted(signed_release(proposal, place, place), rules, now);
  } catch (const Error& error) {
    return error.what();
  }
}

// Who names no fleet of its own takes any, but not two beside each other.
void refuse_two_fleets(TrustVerdict& verdict, const Questions& questions) {
  std::vector<Manifest> all;
  for (const auto& trusted : verdict.accepted) all.push_back(trusted.release);
  for (const auto place : questions.kept)
    if (verdict.releases[place].terms()) all.push_back(verdict.releases[place]);
  const auto other = std::find_if(all.begin(), all.end(), [&](const Manifest& release) {
    return release.terms()->fleet != all.front().terms()->fleet;
  });
  if (other == all.end()) return;
  verdict.refusals.push_back(
      distrust(*other,
               "it was signed for fleet '" + other->terms()->fleet + "', and " +
                   all.front().release() + " beside it for '" + all.front().terms()->fleet + "'",
               "a host is of one fleet: say which with [trust] fleet in agent.toml"));
}

using TermsBroken = std::function<std::vector<Finding>(const Manifest&)>;

void examine(TrustVerdict& verdict, const Proposal& proposal, const Questions& questions,
             const TrustRules& rules, const TermsBroken& broken_terms_of, std::time_t now) {
  bool looked_for_mixture = false;  // it costs a signature for each release: once
  for (const auto place : questions.asked) {
    const auto& release = proposal.releases[place];
    const auto signer = signer_of(proposal, place, rules, now);
    if (const auto* why = std::get_if<std::string>(&signer)) {
      auto text = *why;
      if (!looked_for_mixture) text += mixture(proposal, place, rules, now);
      looked_for_mixture = true;
      verdict.refusals.push_back(distrust(release, text, "nothing was staged"));
      continue;
    }
    auto broken = broken_terms_of(release);
    if (broken.empty()) verdict.accepted.push_back({release, std::get<ReleaseSigner>(signer)});
    std::move(broken.begin(), broken.end(), std::back_inserter(verdict.refusals));
  }
}

// Signed anew it may have other terms; not signed well enough, it goes on with those it has.
void renew(TrustVerdict& verdict, const Proposal& proposal, const Questions& questions,
           const TrustRules& rules, const TermsBroken& broken_terms_of, std::time_t now) {
  for (const auto place : questions.renewed) {
    const auto& release = proposal.releases[place];
    const auto signer = signer_of(proposal, place, rules, now);
    const auto* known = std::get_if<ReleaseSigner>(&signer);
    if (known == nullptr || !broken_terms_of(release).empty() ||
        !parted(proposal.releases, release).empty())
      continue;
    verdict.accepted.push_back({release, *known});
    verdict.releases[place] = release;
  }
}

}  // namespace

std::string acceptance_text(const TrustedRelease& trusted) {
  const auto& signer = trusted.signer;
  return "accepted " + trusted.release.release() + ", signed by " + signer.principals + " with " +
         signer.key_type + " " + signer.fingerprint;
}

TrustVerdict Trust::judge(const Proposal& proposal, const std::vector<Manifest>& running,
                          std::time_t now) const {
  TrustVerdict verdict;
  verdict.releases = proposal.releases;
  if (config_.signatures == "off") return verdict;
  const auto what = questions(proposal, running, config_, verdict.releases);
  if (what.asked.empty() && what.renewed.empty()) return verdict;
  const auto& first = proposal.releases[what.asked.empty() ? 0 : what.asked.front()];
  try {
    const auto files = read_files(config_);
    if (!files) {
      if (what.asked.empty()) return verdict;
      verdict.warnings.push_back(distrust(
          first, "its signature was not checked: there is no " + config_.allowed_signers.string(),
          "write there who may sign, or set signatures = \"off\" in agent.toml"));
      return verdict;
    }
    const auto accepted = AcceptedReleases::read(file_);
    if (now < accepted.latest - clock_slack) {
      throw Error("this host's clock says " + expiry_text(now) + ", but it accepted a release at " +
                  expiry_text(accepted.latest) + ": set it, or nobody knows what has expired");
    }
    const auto rules = rules_of(config_, *files);
    const TermsBroken broken_terms_of = [&](const Manifest& release) {
      return broken_terms(release, config_, accepted, now);
    };
    examine(verdict, proposal, what, rules, broken_terms_of, now);
    for (const auto& trusted : verdict.accepted) {
      auto apart = parted(proposal.releases, trusted.release);
      std::move(apart.begin(), apart.end(), std::back_inserter(verdict.refusals));
    }
    renew(verdict, proposal, what, rules, broken_terms_of, now);
    if (config_.fleet.empty()) refuse_two_fleets(verdict, what);
  } catch (const Error& error) {
    if (!what.asked.empty())
      verdict.refusals.push_back(distrust(first, error.what(), "nothing was staged"));
  }
  return verdict;
}

std::string Trust::problem() const {
  if (config_.signatures == "off") return {};
  try {
    const auto files = read_files(config_);
    if (!files) return {};
    const auto rules = rules_of(config_, *files);
    AllowedSigners::parse(rules.allowed_signers.bytes, rules.allowed_signers.name);
    if (rules.revoked_keys) RevokedKeys::parse(rules.revoked_keys->bytes, rules.revoked_keys->name);
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

void Trust::accept(const std::vector<TrustedRelease>& releases, std::time_t now) const {
  if (releases.empty()) return;
  auto accepted = AcceptedReleases::read(file_);
  accepted.latest = std::max<std::int64_t>(accepted.latest, now);
  for (const auto& [release, signer] : releases) {
    auto& serial = accepted.serials[release.name().text()];
    serial = std::max(serial, release.terms()->serial);
  }
  accepted.write(file_);
}

}  // namespace kongfleet::agent
