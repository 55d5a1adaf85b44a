// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/command.hpp"

#include "agent/flat.hpp"
#include "agent/wire.hpp"
#include "proto/error.hpp"
#include "proto/manifest.hpp"

#include <algorithm>

namespace kongfleet::agent {

namespace {

constexpr std::uint64_t nonsense_kind = 100;  // beside the numbers of ToAgent's messages
constexpr std::uint64_t broken_kind = 101;
constexpr std::uint64_t answer_follows = 1;
constexpr std::uint64_t your_turn = 2;
// One more than a probe may have, so that the daemon sees that there are too many.
constexpr int headers_passed = probe_headers_max + 1;

using Probes = google::protobuf::RepeatedPtrField<wire::Probe>;

void write_propose(FlatWriter& out, const wire::Propose& propose) {
  if (propose.manifests_size() > releases_max) throw Error("too many releases proposed");
  if (propose.signatures_size() != 0 && propose.signatures_size() != propose.manifests_size())
    throw Error("as many signatures are needed as releases, or none");
  out.number(static_cast<std::uint64_t>(propose.manifests_size()));
  for (const auto& text : propose.manifests()) out.text(Manifest::parse(text).text());
  out.number(static_cast<std::uint64_t>(propose.signatures_size()));
  for (const auto& signature : propose.signatures()) {
    if (signature.size() > signature_text_max) throw Error("a signature is too long");
    out.text(signature);
  }
  out.text(propose.expected_digest());
}

void read_propose(FlatReader& in, wire::Propose& propose) {
  for (auto left = in.number(releases_max); left > 0; --left)
    propose.add_manifests(std::string(in.text()));
  for (auto left = in.number(releases_max); left > 0; --left)
    propose.add_signatures(std::string(in.text()));
  propose.set_expected_digest(std::string(in.text()));
}

void write_probes(FlatWriter& out, const Probes& probes) {
  if (probes.size() > probes_max) throw Error("too many probes ordered");
  out.number(static_cast<std::uint64_t>(probes.size()));
  for (const auto& probe : probes) {
    out.text(probe.name()).text(probe.type()).text(probe.url()).number(probe.status());
    const int headers = std::min(probe.header_size(), headers_passed);
    out.number(static_cast<std::uint64_t>(headers));
    for (int i = 0; i < headers; ++i)
      out.text(probe.header(i).name()).text(probe.header(i).pattern());
    out.text(probe.body()).text(probe.address());
    out.number(probe.interval_ms()).number(probe.timeout_ms()).number(probe.successes());
    out.text(probe.plugin()).text(probe.config()).number(probe.introduce() ? 1 : 0);
  }
}

void read_probes(FlatReader& in, Probes& probes) {
  for (auto left = in.number(probes_max); left > 0; --left) {
    auto& probe = *probes.Add();
    probe.set_name(std::string(in.text()));
    probe.set_type(std::string(in.text()));
    probe.set_url(std::string(in.text()));
    probe.set_status(in.number32());
    for (auto headers = in.number(headers_passed); headers > 0; --headers) {
      auto& rule = *probe.add_header();
      rule.set_name(std::string(in.text()));
      rule.set_pattern(std::string(in.text()));
    }
    probe.set_body(std::string(in.text()));
    probe.set_address(std::string(in.text()));
    probe.set_interval_ms(in.number32());
    probe.set_timeout_ms(in.number32());
    probe.set_successes(in.number32());
    probe.set_plugin(std::string(in.text()));
    probe.set_config(std::string(in.text()));
    probe.set_introduce(in.number(1) == 1);
  }
}

void write_rollback(FlatWriter& out, const wire::Rollback& rollback) {
  out.text(rollback.transaction()).number(rollback.has_to() ? 1 : 0).number(rollback.to());
  write_probes(out, rollback.probes());
  out.number(rollback.deadline_ms());
}

void read_rollback(FlatReader& in, wire::Rollback& rollback) {
  rollback.set_transaction(std::string(in.text()));
  const bool has_to = in.number(1) == 1;
  const auto to = in.number();
  if (has_to) rollback.set_to(to);
  read_probes(in, *rollback.mutable_probes());
  rollback.set_deadline_ms(in.number32());
}

void write_apply(FlatWriter& out, const wire::Apply& apply) {
  out.text(apply.transaction()).text(apply.plan());
  write_probes(out, apply.probes());
  out.number(apply.deadline_ms()).number(apply.confirm_timeout_ms());
}

void read_apply(FlatReader& in, wire::Apply& apply) {
  apply.set_transaction(std::string(in.text()));
  apply.set_plan(std::string(in.text()));
  read_probes(in, *apply.mutable_probes());
  apply.set_deadline_ms(in.number32());
  apply.set_confirm_timeout_ms(in.number32());
}

void write_checkup(FlatWriter& out, const wire::CheckupRequest& request) {
  if (request.plugins_size() > releases_max) throw Error("too many plugins asked about");
  out.number(static_cast<std::uint64_t>(request.plugins_size()));
  for (const auto& name : request.plugins()) out.text(name);
}

void read_checkup(FlatReader& in, wire::CheckupRequest& request) {
  for (auto left = in.number(releases_max); left > 0; --left)
    request.add_plugins(std::string(in.text()));
}

void read_hello(FlatReader& in, wire::Hello& hello) {
  hello.set_protocol(in.number32());
  hello.set_controller(std::string(in.text()));
  hello.set_rollout(std::string(in.text()));
}

void read_message(FlatReader& in, std::uint64_t kind, wire::ToAgent& to) {
  switch (kind) {
    case wire::ToAgent::kHello:
      return read_hello(in, *to.mutable_hello());
    case wire::ToAgent::kPropose:
      return read_propose(in, *to.mutable_propose());
    case wire::ToAgent::kBlob:
      to.mutable_blob()->set_last(in.number(1) == 1);
      return to.mutable_blob()->set_data(std::string(in.text()));
    case wire::ToAgent::kApply:
      return read_apply(in, *to.mutable_apply());
    case wire::ToAgent::kConfirm:
      return to.mutable_confirm()->set_transaction(std::string(in.text()));
    case wire::ToAgent::kRevert:
      to.mutable_revert()->set_transaction(std::string(in.text()));
      return to.mutable_revert()->set_reason(std::string(in.text()));
    case wire::ToAgent::kRenew:
      to.mutable_renew()->set_transaction(std::string(in.text()));
      return to.mutable_renew()->set_confirm_timeout_ms(in.number32());
    case wire::ToAgent::kStatus:
      to.mutable_status();
      return;
    case wire::ToAgent::kHistory:
      return to.mutable_history()->set_limit(in.number32());
    case wire::ToAgent::kRollback:
      return read_rollback(in, *to.mutable_rollback());
    case wire::ToAgent::kCollect:
      to.mutable_collect();
      return;
    case wire::ToAgent::kCheckup:
      return read_checkup(in, *to.mutable_checkup());
    default:
      throw Error("a command of a kind that does not exist");
  }
}

std::string content_command(std::uint64_t last, std::string_view piece) {
  return FlatWriter().number(wire::ToAgent::kBlob).number(last).text(piece).take();
}

}  // namespace

std::string flat(const wire::ToAgent& message) {
  FlatWriter out;
  out.number(static_cast<std::uint64_t>(message.body_case()));
  switch (message.body_case()) {
    case wire::ToAgent::kHello:
      out.number(message.hello().protocol());
      out.text(message.hello().controller()).text(message.hello().rollout());
      break;
    case wire::ToAgent::kPropose:
      write_propose(out, message.propose());
      break;
    case wire::ToAgent::kApply:
      write_apply(out, message.apply());
      break;
    case wire::ToAgent::kConfirm:
      out.text(message.confirm().transaction());
      break;
    case wire::ToAgent::kRevert:
      out.text(message.revert().transaction()).text(message.revert().reason());
      break;
    case wire::ToAgent::kRenew:
      out.text(message.renew().transaction()).number(message.renew().confirm_timeout_ms());
      break;
    case wire::ToAgent::kHistory:
      out.number(message.history().limit());
      break;
    case wire::ToAgent::kRollback:
      write_rollback(out, message.rollback());
      break;
    case wire::ToAgent::kCheckup:
      write_checkup(out, message.checkup());
      break;
    case wire::ToAgent::kStatus:
    case wire::ToAgent::kCollect:
      break;
    case wire::ToAgent::kBlob:  // its content goes piece by piece
    case wire::ToAgent::BODY_NOT_SET:
      throw Error("a message of a kind this agent does not know");
  }
  return out.take();
}

std::string flat_nonsense(std::string_view why) {
  return FlatWriter().number(nonsense_kind).text(why).take();
}

std::string flat_broken(std::string_view why) {
  return FlatWriter().number(broken_kind).text(why).take();
}

std::string flat_content(std::string_view piece) { return content_command(0, piece); }

std::string flat_content_end() { return content_command(1, {}); }

Command read_command(std::string_view bytes) {
  FlatReader in(bytes);
  Command command;
  const auto kind = in.number();
  if (kind == nonsense_kind || kind == broken_kind) {
    command.kind = kind == nonsense_kind ? Command::Kind::Nonsense : Command::Kind::Broken;
    command.why = in.text();
  } else {
    read_message(in, kind, command.message);
  }
  in.end();
  return command;
}

std::string flat_answer(std::string_view answer) {
  return FlatWriter().number(answer_follows).text(answer).take();
}

std::string flat_turn(std::optional<std::uint64_t> content) {
  return FlatWriter().number(your_turn).number(content ? 1 : 0).number(content.value_or(0)).take();
}

Reply read_reply(std::string_view bytes) {
  FlatReader in(bytes);
  Reply reply;
  reply.is_answer = in.number() == answer_follows;
  if (reply.is_answer) {
    reply.answer = in.text();
    return reply;
  }
  const bool awaited = in.number(1) == 1;
  const auto content = in.number();
  if (awaited) reply.content = content;
  return reply;
}

}  // namespace kongfleet::agent
