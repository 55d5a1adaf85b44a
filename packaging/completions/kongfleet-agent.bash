# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
#
# Completions of kongfleet-agent for bash.

_kongfleet_agent() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev='' command='' word i
  local offered='--config -h --help'
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    [[ $word == = ]] && continue # bash takes --config=FILE for three words
    case $prev in
      --config | --limit | --to) ;;
      *) [[ -z $command && $word != -* ]] && command=$word ;;
    esac
    prev=$word
  done
  [[ $cur == = ]] && cur=''

  case $prev in
    --config)
      compopt -o filenames 2>/dev/null
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$cur")
      return
      ;;
    --limit | --to) return ;;
  esac
  # --config is an option of the program: it stands before the command.
  case $command in
    '') offered+=' --version' ;;
    history) offered='-h --help --limit' ;;
    rollback) offered='-h --help --to' ;;
    *) offered='-h --help' ;;
  esac
  if [[ $cur != -* ]]; then
    offered=''
    [[ -n $command ]] || offered='serve connect recover status history rollback verify'
  fi
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$offered" -- "$cur")
}

complete -F _kongfleet_agent kongfleet-agent
