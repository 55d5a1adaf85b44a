# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
#
# Completions of kongfleet for fish.

# Groups and hosts that a fleet file names: read as text, and only what can be nothing but a name. Where
# the file has a range of hosts, the pattern that stands for all of it.
function __kongfleet_names
    set -l file fleet.toml
    set -l words (commandline -opc)
    for i in (seq 2 (count $words))
        switch $words[$i]
            case '--file=*'
                set file (string replace -- '--file=' '' $words[$i])
            case '*'
                contains -- $words[(math $i - 1)] -f --file; and set file $words[$i]
        end
    end
    set file (string replace -r '^~/' "$HOME/" -- $file)
    test -r $file; or return
    set -l names (awk '
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
    ' <$file)
    string match -q -- '!*' (commandline -ct); and set names !$names
    printf '%s\n' $names
end

set -l commands init check pack plan rollout rollback resume abort history show report status sync bootstrap export
set -l program "not __fish_seen_subcommand_from $commands"

complete -c kongfleet -f
complete -c kongfleet -s f -l file -r -F -d 'The fleet file'
complete -c kongfleet -l output -x -a 'text json' -d 'How to answer'
complete -c kongfleet -s h -l help -d 'Print help and exit'
complete -c kongfleet -n $program -l version -d 'Print the version and exit'

complete -c kongfleet -n $program -a init -d 'Write a commented fleet.toml and an example plugin'
complete -c kongfleet -n $program -a check -d 'Validate the fleet file and lint every plugin'
complete -c kongfleet -n $program -a pack -d 'Build a bundle (.kfb) from a plugin tree'
complete -c kongfleet -n $program -a export -d 'Write a plugin for another way to deploy it'
complete -c kongfleet -n $program -a plan -d 'Tell what would change on which host'
complete -c kongfleet -n $program -a rollout -d 'Make it so, wave by wave'
complete -c kongfleet -n $program -a rollback -d 'Go back at once'
complete -c kongfleet -n $program -a resume -d 'Go on with a rollout'
complete -c kongfleet -n $program -a abort -d 'Take back a rollout'
complete -c kongfleet -n $program -a history -d 'Tell what was rolled out, the newest first'
complete -c kongfleet -n $program -a show -d 'Tell what became of every host of a rollout'
complete -c kongfleet -n $program -a report -d 'Write a rollout as one HTML page'
complete -c kongfleet -n $program -a status -d 'Tell what every host runs now'
complete -c kongfleet -n $program -a sync -d 'For cron: mend what differs'
complete -c kongfleet -n $program -a bootstrap -d 'Install the agent on hosts'

complete -c kongfleet -n '__fish_seen_subcommand_from init pack' -a '(__fish_complete_directories)'
complete -c kongfleet -n '__fish_seen_subcommand_from check' -l hosts -d 'Also connect: what is wrong on each host'
complete -c kongfleet -n '__fish_seen_subcommand_from pack' -s o -r -F -d 'The bundle'
complete -c kongfleet -n '__fish_seen_subcommand_from pack' -l name -x -d 'The name of the plugin'
complete -c kongfleet -n '__fish_seen_subcommand_from pack' -l release-version -x -d 'The version'
complete -c kongfleet -n '__fish_seen_subcommand_from pack' -l sign -r -F -d 'Sign it with this SSH key'
complete -c kongfleet -n '__fish_seen_subcommand_from pack' -l fleet -x -d 'The fleet whose hosts may run it'
complete -c kongfleet -n '__fish_seen_subcommand_from pack' -l serial -x -d 'Higher than that of every release before'
complete -c kongfleet -n '__fish_seen_subcommand_from pack' -l expires -x -d 'Until when hosts may begin to run it'
complete -c kongfleet -n '__fish_seen_subcommand_from pack' -l with -r -F -d 'What has to run beside it'
complete -c kongfleet -n '__fish_seen_subcommand_from rollout rollback resume abort bootstrap' -s y -l yes -d 'Do not ask first'
complete -c kongfleet -n '__fish_seen_subcommand_from rollback' -l to -x -d 'The number of a generation'
complete -c kongfleet -n '__fish_seen_subcommand_from rollback' -l rollout -x -a latest -d 'Only what that rollout brought'
complete -c kongfleet -n '__fish_seen_subcommand_from history' -l limit -x -d 'How many'
complete -c kongfleet -n '__fish_seen_subcommand_from report' -s o -r -F -d 'The page'
complete -c kongfleet -n '__fish_seen_subcommand_from status' -l watch -d 'Look again and again'
complete -c kongfleet -n '__fish_seen_subcommand_from sync' -l splay -x -d 'Wait first, for a time below this'
complete -c kongfleet -n '__fish_seen_subcommand_from bootstrap' -l package -r -F -d 'The package of kongfleet-agent'
complete -c kongfleet -n '__fish_seen_subcommand_from bootstrap' -l login -x -a root -d 'Who installs there'
complete -c kongfleet -n '__fish_seen_subcommand_from bootstrap' -l sudo -d 'It becomes root by sudo'
complete -c kongfleet -n '__fish_seen_subcommand_from bootstrap' -l identity -r -F -d 'Its private key'
complete -c kongfleet -n '__fish_seen_subcommand_from bootstrap' -l key -r -F -d 'The public key that may reach the agents'
complete -c kongfleet -n '__fish_seen_subcommand_from bootstrap' -l dry-run -d 'Look only, and print what would be run'
complete -c kongfleet -n '__fish_seen_subcommand_from export' -a 'rock docker kubernetes konnect' -d 'For whom'
complete -c kongfleet -n '__fish_seen_subcommand_from export' -s o -r -F -d 'The directory'
complete -c kongfleet -n '__fish_seen_subcommand_from export' -l name -x -d 'The name of the plugin'
complete -c kongfleet -n '__fish_seen_subcommand_from export' -l release-version -x -d 'The version'
complete -c kongfleet -n '__fish_seen_subcommand_from resume abort show report' -a latest -d 'The newest rollout'
complete -c kongfleet -n '__fish_seen_subcommand_from check plan rollout rollback status sync bootstrap' -a '(__kongfleet_names)'
