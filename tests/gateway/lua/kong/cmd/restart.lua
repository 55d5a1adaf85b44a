-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- `kong restart`: stop, wait, start from the configuration file. The node is down if that fails.

local time = require "posix.time"
local conf_loader = require "kong.conf_loader"
local disk = require "kong.disk"
local log = require "kong.cmd.log"
local nginx = require "kong.nginx"
local start = require "kong.cmd.start"
local stop = require "kong.cmd.stop"

return {
  lapp = [[
Usage: kong restart [OPTIONS]

Restart a Kong node.

This command is equivalent to doing both 'kong stop' and
'kong start'.

Options:
 -c,--conf        (optional string)   configuration file
 -p,--prefix      (optional string)   prefix at which Kong should be running
 --nginx-conf     (optional string)   custom Nginx configuration template
 --run-migrations (optional boolean)  optionally run migrations on the DB
 --db-timeout     (default 60)
 --lock-timeout   (default 60)
]],
  execute = function(args)
    log.disable()
    local conf, err
    if args.prefix then
      conf, err = conf_loader(disk.join(args.prefix, ".kong_env"))
    else
      conf, err = conf_loader(args.conf)
      args.prefix = conf and conf.prefix
    end
    if not conf then
      error(err, 0)
    end
    pcall(stop.execute, args)
    log.enable()
    for _ = 1, 50 do
      if not nginx.running_pid(conf) then
        break
      end
      time.nanosleep({ tv_sec = 0, tv_nsec = 100 * 1000 * 1000 })
    end
    start.execute(args)
  end,
}
