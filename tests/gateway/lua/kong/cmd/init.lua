-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- `kong COMMAND …`: finds the command, reads its options as Kong does (Penlight's lapp), runs
-- it, and turns any error into "Error: …" on stderr and exit 1.

local lapp = require "pl.lapp"
local log = require "kong.cmd.log"
local meta = require "kong.meta"

local options = [[
 --v              verbose
 --vv             debug
]]

local commands = {
  "check", "config", "health", "prepare", "quit", "reload", "restart", "start", "stop", "version",
}
local help = "Usage: kong COMMAND [OPTIONS]\n\nThe available commands are:\n " ..
  table.concat(commands, "\n ") .. "\n\nOptions:\n" .. options

-- Commands that in 3.4 first load the conf and PREFIX/.kong_env, so a broken one stops them all.
local loads_conf_first = { config = true, prepare = true, reload = true, restart = true,
                           start = true }

local function known(name)
  for _, command in ipairs(commands) do
    if command == name then
      return true
    end
  end
  return false
end

local function load_conf_first(args)
  local conf_loader = require "kong.conf_loader"
  local disk = require "kong.disk"
  log.disable()
  local conf, err = conf_loader(args.conf, { prefix = args.prefix })
  log.enable()
  if conf and disk.exists(conf.kong_env) then
    conf, err = conf_loader(conf.kong_env)
  end
  if not conf then
    error(err, 0)
  end
  local ok
  ok, err = require("kong.prefix").prepare(conf, nil, true)
  if not ok then
    error(err, 0)
  end
end

local function report(err)
  if log.level < log.levels.info then
    return "Error: \n" .. debug.traceback(tostring(err), 2) .. "\n"
  end
  return "Error: " .. tostring(err) ..
    "\n\n  Run with --v (verbose) or --vv (debug) for more details\n"
end

return function(arguments)
  local name = table.remove(arguments, 1)
  if not name then
    lapp(help, {})
    lapp.quit()
  elseif not known(name) then
    lapp(help, {})
    lapp.quit("No such command: " .. name)
  end
  local command = require("kong.cmd." .. name)
  local args = lapp(command.lapp .. options, arguments)
  if command.sub_commands then
    local sub = table.remove(args, 1)
    if not sub then
      lapp.quit()
    elseif not command.sub_commands[sub] then
      lapp.quit("No such command for " .. name .. ": " .. sub)
    end
    args.command = sub
  end
  if args.vv then
    log.level = log.levels.debug
  elseif args.v then
    log.level = log.levels.verbose
  end
  log.verbose("Kong: %s", meta._VERSION)
  local failure
  local ok = xpcall(function()
    if not meta.is_2x and loads_conf_first[name] then
      load_conf_first(args)
    end
    command.execute(args)
  end, function(err)
    failure = report(err)
  end)
  if not ok then
    io.stderr:write(failure)
    os.exit(1)
  end
  os.exit(0)
end
