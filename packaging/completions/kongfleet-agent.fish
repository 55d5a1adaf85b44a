# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
#
# Completions of kongfleet-agent for fish.

set -l commands serve connect recover status history rollback verify
set -l program "not __fish_seen_subcommand_from $commands"

complete -c kongfleet-agent -f
complete -c kongfleet-agent -s h -l help -d 'Print help and exit'
complete -c kongfleet-agent -n $program -l version -d 'Print the version and exit'
complete -c kongfleet-agent -n $program -l config -r -F -d 'agent.toml to use'

complete -c kongfleet-agent -n $program -a serve -d 'The daemon'
complete -c kongfleet-agent -n $program -a connect -d 'Join standard input and output to the daemon'
complete -c kongfleet-agent -n $program -a recover -d 'Take back what was left unconfirmed'
complete -c kongfleet-agent -n $program -a status -d 'What this host runs'
complete -c kongfleet-agent -n $program -a history -d 'Past transactions'
complete -c kongfleet-agent -n $program -a rollback -d 'Break glass: back to the generation before'
complete -c kongfleet-agent -n $program -a verify -d 'Compare with what was confirmed'

complete -c kongfleet-agent -n '__fish_seen_subcommand_from history' -l limit -x -d 'How many'
complete -c kongfleet-agent -n '__fish_seen_subcommand_from rollback' -l to -x -d 'The number of a generation'
