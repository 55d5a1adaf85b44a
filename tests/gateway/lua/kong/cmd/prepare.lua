-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- `kong prepare`: the prefix from scratch; what an older .kong_env held is forgotten.

local conf_loader = require "kong.conf_loader"
local prefix = require "kong.prefix"

return {
  lapp = [[
Usage: kong prepare [OPTIONS]

Prepare the Kong prefix in the configured prefix directory.

Options:
 -c,--conf       (optional string) configuration file
 -p,--prefix     (optional string) override prefix directory
 --nginx-conf    (optional string) custom Nginx configuration template
]],
  execute = function(args)
    local conf, err = conf_loader(args.conf, { prefix = args.prefix })
    if not conf then
      error(err, 0)
    end
    local ok
    ok, err = prefix.prepare(conf, args.nginx_conf)
    if not ok then
      error("could not prepare Kong prefix at " .. conf.prefix .. ": " .. err, 0)
    end
  end,
}
