-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- `kong health`: does the process of the pid file exist? Nothing more is asked.

local conf_loader = require "kong.conf_loader"
local disk = require "kong.disk"
local log = require "kong.cmd.log"
local nginx = require "kong.nginx"
local node = require "kong.cmd.node"

return {
  lapp = [[
Usage: kong health [OPTIONS]

Check if the necessary services are running for this node.

Options:
 -p,--prefix      (optional string) prefix at which Kong should be running
]],
  execute = function(args)
    local default = node.configuration(args)
    if not disk.exists(default.kong_env) then
      error("Kong is not running at " .. default.prefix, 0)
    end
    local conf, err = conf_loader(default.kong_env)
    if not conf then
      error(err, 0)
    end
    local running = nginx.running_pid(conf)
    log("nginx......." .. (running and "running" or "not running"))
    log("")
    if not running then
      error("Kong is not running at " .. conf.prefix, 0)
    end
    log("Kong is healthy at %s", conf.prefix)
  end,
}
