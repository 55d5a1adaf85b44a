#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Shows that rollout_simulation can fail:  mutants.py [NAME...]

Without names it takes a few, or with KONGFLEET_DEEP=1 all. Each mutant is the controller with one thing wrong in it. It is built beside the real one, and its
simulation must break an invariant within the seeds of an ordinary run. KONGFLEET_BUILD is the build;
the mutants stay in its tests/simulation/mutants, and the compiler's cache knows them the next time.
"""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("KONGFLEET_BUILD", SOURCE / "build")).resolve()
SEEDS = 10_000
DEEP = os.environ.get("KONGFLEET_DEEP") == "1"
# One each of the engine, what drives it, and what is remembered.
USUAL = ("confirms-before-bake", "trials-go-back-at-once", "confirmed-without-asking",
         "ousted-goes-on", "sync-tries-again-what-failed")

# name: file, what stands there, what stands there instead
MUTANTS = {
    "calls-a-refused-rollback-done": (
        "host_run_back.cpp", "phase == HostPhase::Back && outcome->transaction() != rollback.transaction();",
        "phase == HostPhase::Refused ||\n      (phase == HostPhase::Back && outcome->transaction() != rollback.transaction());"),
    "takes-back-nothing": (
        "host_run_back.cpp", "if (is == BroughtIs::There) return true;", ""),
    "confirms-before-bake": ("rollout.cpp", "    if (now < *bake_until_) return false;\n", ""),
    "ignores-max-unavailable": (
        "rollout.cpp", "    if (unavailable() >= rules_.max_unavailable) return;\n    if (hosts_",
        "    if (hosts_"),
    "next-wave-early": ("rollout.cpp", "    if (!done) return actions;\n", ""),
    "lost-hosts-are-no-trouble": (
        "rollout.cpp", "return phase == HostPhase::Lost || phase == HostPhase::Stranded ||",
        "return phase == HostPhase::Stranded ||"),
    "one-failure-too-many": (
        "rollout.cpp", "if (failures_ > rules_.max_failures) {",
        "if (failures_ > rules_.max_failures + 1) {"),
    "forgets-to-revert-the-first": (
        "rollout.cpp", "if (hosts_[host] != from) continue;",
        "if (hosts_[host] != from || (host == 0 && from == HostPhase::Trial)) continue;"),
    "trials-go-back-at-once": (
        "rollout.cpp", "if (moving() > 0 && unavailable()", "if (from == HostPhase::Done && unavailable()"),
    "leaves-what-was-confirmed": (
        "rollout.cpp", "if (hosts_[host] != from) continue;",
        "if (hosts_[host] != from || (host == 0 && from == HostPhase::Done)) continue;"),
    "says-it-is-well": (
        "rollout.cpp", "if (touched > 0) return exit_code::taken_back;",
        "if (touched > 0) return exit_code::done;"),
    "starts-though-others-are-lost": (
        "rollout.cpp", "return !stopping() && unavailable() <= rules_.max_unavailable;",
        "return !stopping();"),
    "resume-takes-trial-for-done": (
        "resume_decision.cpp", "return stays(HostPhase::Trial);", "return stays(HostPhase::Done);"),
    "resume-forgets-failures": (
        "recorded_run.cpp", "if (why != TakenUp::AfterStop) {", "if (false) {"),
    "lost-is-called-back": (
        "host_run_back.cpp", "  const bool possible = phase != HostPhase::Trial",
        "  if (phase == HostPhase::Lost) co_return HostPhase::Back;\n"
        "  const bool possible = phase != HostPhase::Trial"),
    "kept-is-called-back": (
        "host_run_back.cpp", "co_return untouched ? HostPhase::Kept : phase;",
        "co_return untouched ? HostPhase::Back : phase;"),
    "who-goes-on-tells-no-hook": (
        "recorded_run.cpp", "begun.held.push_back(may_be_untold(host));", "begun.held.push_back(false);"),
    "no-renewal": (
        "rollout_driver.cpp",
        "if (rollout_.phase(host) == HostPhase::Trial && !busy_[host]) give(host, Job::Renew);", ""),
    "confirmed-without-a-look": (
        "rollout.cpp",
        "(looked_at_[host] || silent_[host])) return false;", "false) return false;"),
    "hooks-outlast-leases": (
        "rollout_driver.cpp",
        "if (told || !in_trial) continue;", "continue;"),
    "confirmed-without-asking": (
        "rollout_driver.cpp",
        "    const auto phase = co_await run.confirm(std::move(may));\n    co_return phase;",
        "    co_await run.confirm(std::move(may));\n    co_return HostPhase::Done;"),
    "tells-before-it-remembers": (
        "rollout_driver.cpp", "  keep_up([this] { view_.commit(rollout_); });\n", ""),
    "starts-while-stopping": (
        "rollout_driver.cpp", "return still_ours() && rollout_.may_start(); };",
        "return still_ours(); };"),
    "another-transaction-will-do": (
        "conversation.cpp", "if (answer.outcome().transaction() != transaction && !comes_home) {",
        "if (false && !comes_home) {"),
    "busy-with-ours-is-refused": (
        "host_run_back.cpp", "holder_ == rollback.transaction()", "holder_.empty()"),
    "resume-renews-once": (
        "fleet_run.cpp", "while (!asking.is_over() && asked && host.answer == HostAnswer::Trial) {",
        "while (false && !asking.is_over()) {"),
    "sync-tries-again-what-failed": (
        "sync_decision.cpp",
        "  if (host.plan && !host.plan->poison().empty()) return SyncLot::Poisoned;\n", ""),
    "sync-says-it-is-well": ("sync_decision.cpp", "return all_well ? 0 : 2;", "return 0;"),
    "two-hold-the-fleet": ("fleet_hold.cpp", "  } else if (other) {", "  } else if (other && false) {"),
    "ousted-goes-on": (
        "rollout_memory.cpp", "  if (hold == nullptr) return;\n", "  if (true) return;\n"),
}


def ninja_command(target: str) -> list[str]:
    """The command that makes `target`, as words of a shell."""
    said = subprocess.run(["ninja", "-C", BUILD, "-t", "commands", "-s", target],
                          stdout=subprocess.PIPE, text=True, check=True).stdout
    words = shlex.split(said.strip().splitlines()[-1])
    return [word for word in words if word not in (":", "&&")]


def with_output(words: list[str], output: pathlib.Path) -> list[str]:
    words = list(words)
    words[words.index("-o") + 1] = str(output)
    return words


def build(name: str) -> pathlib.Path:
    file, right, wrong = MUTANTS[name]
    text = (SOURCE / "controller" / file).read_text()
    if text.count(right) != 1:
        sys.exit(f"{name}: {file} has it {text.count(right)} times: {right}")
    place = BUILD / "tests/simulation/mutants" / name
    place.mkdir(parents=True, exist_ok=True)
    source, made = place / file, place / "mutant.o"
    source.write_text(text.replace(right, wrong))
    words = ninja_command(f"CMakeFiles/kongfleet_controller_core.dir/controller/{file}.o")
    original = str(SOURCE / "controller" / file)
    words = [str(source) if word == original else word for word in with_output(words, made)]
    for flag in ("-MD", "-Werror", "-Wall"):
        words = [word for word in words if word != flag]
    for flag in ("-MT", "-MF"):
        at = words.index(flag)
        del words[at:at + 2]
    subprocess.run(words, cwd=BUILD, check=True)
    link = with_output(ninja_command("tests/simulation/rollout_simulation"), place / "simulation")
    # Before the archive: of that the linker takes only what is not there yet.
    link.insert(link.index("-o"), str(made))
    subprocess.run(link, cwd=BUILD, check=True)
    return place / "simulation"


def attempt(name: str) -> str:
    """What its simulation breaks, as a line; empty: nothing."""
    program = build(name)
    environment = {key: value for key, value in os.environ.items() if key != "KONGFLEET_PROOF_DIR"}

    def run(*command: str) -> subprocess.CompletedProcess:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, env=environment)

    try:
        first = run(program, "--until-bad", str(SEEDS))
        found = re.search(r"^seed \d+: .*$", first.stdout, re.MULTILINE)
        if first.returncode != 1 or not found:
            return ""
        # What it prints to see that again shows the same.
        again = re.search(r"^ *again with: (.*)$", first.stdout, re.MULTILINE)
        replayed = run(*shlex.split(again[1])) if again else None
        what = found[0].partition(": ")[2]
        same = replayed and replayed.returncode and (replayed.returncode < 0 or
                                                     what in replayed.stdout)
        return found[0] if same else ""
    finally:
        shutil.rmtree(program.parent)


def main() -> int:
    began = time.monotonic()
    names = sys.argv[1:] or (MUTANTS if DEEP else USUAL)
    missed = 0
    with ThreadPoolExecutor(2) as pool:
        for name, found in zip(names, pool.map(attempt, names)):
            print(f"mutants: {name}: {found or 'NOT CAUGHT'}", flush=True)
            missed += not found
    seconds = time.monotonic() - began
    print(f"simulation-mutants: {len(names)}, {missed} bad, {seconds:.1f} s")
    if "KONGFLEET_PROOF_DIR" in os.environ:
        proof = {"name": "simulation-mutants", "promise": "P8 P11", "count": len(names), "bad": missed,
                 "seconds": seconds}
        path = pathlib.Path(os.environ["KONGFLEET_PROOF_DIR"]) / "simulation-mutants.json"
        path.write_text(json.dumps(proof) + "\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
