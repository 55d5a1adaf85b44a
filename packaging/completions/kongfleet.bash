# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
#
# Completions of kongfleet for bash.

# Groups and hosts that a fleet file names: read as text, and only what can be nothing but a name. Where
# the file has a range of hosts, the pattern that stands for all of it.
_kongfleet_names() {
  awk '
    /^[ \t]*#/ { next }
    /^[ \t]*\[groups\.[A-Za-z0-9_.-]+\]/ {
      sub(/^[ \t]*\[groups\./, ""); sub(/\].*/, ""); print
      group = 1; hosts = 0; next
    }
    /^[ \t]*\[[a-z]/ { group = hosts = 0; next }
    group && /^[ \t]*[a-z]+[ \t]*=/ { hosts = /^[ \t]*hosts[ \t]*=/ }
    hosts {
      sub(/#.*/, "")
      while (match($0, /"[^"]*"/)) {
        name = substr($0, RSTART + 1, RLENGTH - 2)
        $0 = substr($0, RSTART + RLENGTH)
        sub(/:[0-9]+$/, "", name)
        gsub(/\[[^]]*\]/, "*", name)
        if (name ~ /^[A-Za-z0-9_][A-Za-z0-9_.*-]*$/) print name
      }
    }
  ' 2>/dev/null <"$1"
}

# What begins like the current word, quoted as the shell needs it. Not by `compgen -W`: that would
# execute what stands in its words.
_kongfleet_offer() {
  local word
  for word in "$@"; do
    [[ $word == "$cur"* ]] && COMPREPLY+=("$(printf '%q' "$word")")
  done
}

_kongfleet_paths() {
  local path
  compopt -o filenames 2>/dev/null
  while IFS= read -r path; do COMPREPLY+=("$path"); done < <(compgen "$@" -- "$cur")
}

_kongfleet() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev='' command='' file=fleet.toml word i
  local -a options=(-f --file --output -h --help) names=()
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    [[ $word == = ]] && continue # bash takes --file=NAME for three words
    case $prev in
      -f | --file) file=${word/#\~\//$HOME/} ;;
      --output | -o | --name | --release-version | --sign | --fleet | --serial | --expires | --to | --limit | --splay) ;;
      --package | --login | --identity | --key | --with) ;;
      *) [[ -z $command && $word != -* ]] && command=$word ;;
    esac
    prev=$word
  done
  [[ $cur == = ]] && cur=''

  case $prev in
    -f | --file | --sign | --with | --package | --identity | --key) _kongfleet_paths -f; return ;;
    -o) _kongfleet_paths -f; return ;;
    --output) _kongfleet_offer text json; return ;;
    --login) _kongfleet_offer root; return ;;
    --rollout) _kongfleet_offer latest; return ;;
    --name | --release-version | --fleet | --serial | --expires | --to | --limit | --splay) return ;;
  esac

  case $command in
    check) options+=(--hosts) ;;
    pack) options+=(-o --name --release-version --sign --fleet --serial --expires --with) ;;
    rollout | resume | abort) options+=(-y --yes) ;;
    rollback) options+=(--to --rollout -y --yes) ;;
    export) options+=(-o --name --release-version) ;;
    history) options+=(--limit) ;;
    report) options+=(-o) ;;
    status) options+=(--watch) ;;
    sync) options+=(--splay) ;;
    bootstrap) options+=(--package --login --sudo --identity --key --dry-run -y --yes) ;;
    '') options+=(--version) ;;
  esac
  if [[ $cur == -* ]]; then
    _kongfleet_offer "${options[@]}"
    return
  fi
  case $command in
    '') _kongfleet_offer init check pack plan rollout rollback resume abort history show report status sync bootstrap export ;;
    init | pack) _kongfleet_paths -d ;;
    export)
      if [[ $prev == export ]]; then
        _kongfleet_offer rock docker kubernetes konnect
      else
        _kongfleet_paths -f
      fi
      ;;
    resume | abort | show | report) _kongfleet_offer latest ;;
    check | plan | rollout | rollback | status | sync | bootstrap)
      mapfile -t names < <(_kongfleet_names "$file")
      if [[ $cur == \!* ]]; then
        _kongfleet_offer "${names[@]/#/!}"
      else
        _kongfleet_offer "${names[@]}"
      fi
      ;;
  esac
}

complete -F _kongfleet kongfleet
