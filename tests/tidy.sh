#!/bin/bash
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
#
# Style as a test:  tests/tidy.sh BUILD-DIRECTORY
# Prints each breach as FILE:LINE: what; exit 1 if there is one. clang-tidy's good verdicts are kept by the digest of all it
# read, in ${XDG_CACHE_HOME:-~/.cache}/kongfleet/tidy, so that only what changed is looked at again.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:?usage: tests/tidy.sh BUILD-DIRECTORY}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kongfleet/tidy
mkdir -p "$cache"
bad=0

breach() {
  if [ -n "$2" ]; then
    printf '%s\n' "$2" | sed "s|\$|   <- $1|"
    bad=1
  fi
}

mapfile -t cpp < <(find agent controller proto tests -name '*.[ch]pp' | sort)
mapfile -t scripts < <(grep -rlE '^#!/bin/(ba)?sh' tests packaging .ci)
mapfile -t ours < <(find agent controller proto tests packaging systemd .ci CMakeLists.txt -type f \
  ! -path '*/golden/*' ! -path '*/__pycache__/*' ! -name '*.md')

breach "clang-format-14 -i mends it" \
  "$(clang-format-14 --dry-run -Werror "${cpp[@]}" 2>&1 | grep -E 'error:' | head -20 || true)"
breach "a line is at most 100 columns" \
  "$(grep -nE '^.{101,}' "${cpp[@]}" | cut -c1-120 || true)"
breach "g++ 12 miscompiles co_await in a condition: name the result first" \
  "$(grep -nE '\b(if|while|switch) \(([^()]|\([^()]*\))*co_await' "${cpp[@]}" || true)"
breach "g++ 12 destroys a temporary in a co_await twice: name it and move it in" \
  "$(grep -nE 'co_await [^;]*([(,] ?\{|\[[a-z_&=, ]*\]\()' "${cpp[@]}" || true)"
breach "no 'using namespace' in a header" \
  "$(grep -rnE --include='*.hpp' '^ *using namespace' agent controller proto tests || true)"
breach "proto knows neither agent nor controller" \
  "$(grep -nE '#include "(agent|controller)/' proto/* || true)"
breach "agent and controller do not know each other" \
  "$(grep -nE '#include "controller/' agent/*; grep -nE '#include "agent/' controller/* || true)"
breach "a file has its two SPDX lines" \
  "$(for file in "${ours[@]}"; do
    head -4 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo "$file:1"
  done)"
breach "a file near 400 lines wants to be two" \
  "$(wc -l "${cpp[@]}" | awk '$1 > 400 && $2 != "total" {print $2 ": " $1}')"
breach "shellcheck" "$(shellcheck -f gcc "${scripts[@]}" || true)"

# One file: the digest of what the preprocessor makes of it, of the rules, and of the command is the key.
# shellcheck disable=SC2317
tidy_one() {
  local file=$1 key
  key=$( { cat .clang-tidy; clang-tidy-14 --version; compiled "$file"; } | sha256sum | cut -d' ' -f1)
  [ -e "$cache/$key" ] && return 0
  clang-tidy-14 -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option "$file" 2>/dev/null || return 1
  touch "$cache/$key"
}
# shellcheck disable=SC2317
compiled() {
  g++ -std=c++20 -E -P -I. -isystem "$build/generated" -DKONGFLEET_VERSION='"x"' \
    -DBOOST_ASIO_NO_DEPRECATED -DSPDLOG_FMT_EXTERNAL -DFMT_HEADER_ONLY "$1"
}
export -f tidy_one compiled
export build cache
if ! printf '%s\n' agent/*.cpp controller/*.cpp proto/*.cpp |
  xargs -P "$(nproc)" -I{} bash -c 'tidy_one {} || { echo "clang-tidy: {}"; exit 1; }'; then
  bad=1
fi
find "$cache" -mtime +30 -delete
exit $bad
