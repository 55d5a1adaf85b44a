-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- The running node a command means: its prefix from -p, KONG_PREFIX, a default kong.conf or
-- the default, and its configuration from PREFIX/.kong_env.

local conf_loader = require "kong.conf_loader"
local disk = require "kong.disk"
local log = require "kong.cmd.log"

local node = {}

--- The configuration of a node that may have been started; an error when there is no prefix.
function node.configuration(args)
  log.disable()
  local default, err = conf_loader(nil, { prefix = args.prefix })
  log.enable()
  if not default then
    error(err, 0)
  end
  if not disk.exists(default.prefix) then
    error("no such prefix: " .. default.prefix, 0)
  end
  return default
end

--- What the node runs with, from its .kong_env.
function node.running(args)
  local default = node.configuration(args)
  local conf, err = conf_loader(default.kong_env, { prefix = args.prefix })
  if not conf then
    error(err, 0)
  end
  return conf
end

return node
