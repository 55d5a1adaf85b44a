-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- `kong check`: is kong.conf well formed? It never looks at a plugin.

local conf_loader = require "kong.conf_loader"
local log = require "kong.cmd.log"

return {
  lapp = [[
Usage: kong check <conf>

Check the validity of a given Kong configuration file.

<conf> (default /etc/kong/kong.conf) configuration file

Options:
]],
  execute = function(args)
    local conf, err, errors = conf_loader(args.conf)
    if not conf then
      for _, message in ipairs(errors or { err }) do
        log.error("%s", message)
      end
      os.exit(1)
    end
    log("configuration at %s is valid", args.conf)
  end,
}
