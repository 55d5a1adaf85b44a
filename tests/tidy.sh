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
  ! -path '*/golden/*' ! -path '*/fuzz/corpus/*' ! -path '*/__pycache__/*' ! -name '*.md' \
  ! -path packaging/changelog) # Debian's format has no comments

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

# Most of clang-tidy's time goes into what files include: a bunch of them is looked at as one. One that has a fault is
# halved until the file is alone. The key of a good verdict is the digest of
# what the preprocessor makes of the bunch, and of the rules.
# shellcheck disable=SC2317
tidy() {
  local flags=(-std=c++20 -I. -isystem "$build/generated" -isystem "$(pkg-config --variable=includedir libpq)"
    -DKONGFLEET_VERSION='"x"'
    -DBOOST_ASIO_NO_DEPRECATED -DSPDLOG_FMT_EXTERNAL -DFMT_HEADER_ONLY) bunch key out
  bunch=$(mktemp --suffix=.cpp)
  printf '#include "%s"\n' "$@" >"$bunch"
  key=$( { cat .clang-tidy; clang-tidy-14 --version; g++ "${flags[@]}" -E -P "$bunch"; } | sha256sum | cut -d' ' -f1)
  if [ -e "$cache/$key" ]; then
    rm "$bunch"
    return 0
  fi
  out=$(clang-tidy-14 --quiet --config-file=.clang-tidy --header-filter='/?(agent|controller|proto)/[a-z_0-9]+\.[ch]pp$' \
    "$bunch" -- "${flags[@]}" -Wno-unknown-warning-option 2>/dev/null) && touch "$cache/$key" && rm "$bunch" && return 0
  rm "$bunch"
  if [ $# -eq 1 ]; then
    printf '%s\nclang-tidy: %s\n' "$out" "$1"
    return 1
  fi
  local half=$(($# / 2)) good=0
  tidy "${@:1:half}" || good=1
  tidy "${@:half+1}" || good=1
  return "$good"
}
export -f tidy
export build cache
if ! tests/bunches.py 14 agent/*.cpp controller/*.cpp proto/*.cpp | xargs -P "$(nproc)" -L 1 bash -c 'tidy "$@"' tidy; then
  bad=1
fi
find "$cache" -mtime +30 -delete
exit $bad
