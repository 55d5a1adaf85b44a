-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- `kong stop`: TERM, and back at once.

local log = require "kong.cmd.log"
local nginx = require "kong.nginx"
local node = require "kong.cmd.node"

return {
  lapp = [[
Usage: kong stop [OPTIONS]

Stop a running Kong node in given prefix directory.

This command sends a SIGTERM signal to Nginx.

Options:
 -p,--prefix      (optional string) prefix Kong is running at
]],
  execute = function(args)
    local ok, err = nginx.stop(node.running(args))
    if not ok then
      error(err, 0)
    end
    log("Kong stopped")
  end,
}
