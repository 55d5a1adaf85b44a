-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- `kong quit`: QUIT, wait, and TERM when that took too long.

local time = require "posix.time"
local log = require "kong.cmd.log"
local nginx = require "kong.nginx"
local node = require "kong.cmd.node"

local step = { tv_sec = 0, tv_nsec = 200 * 1000 * 1000 }

local function wait_until_gone(conf, seconds)
  local waited = 0
  while nginx.running_pid(conf) do
    if waited >= seconds then
      return false
    end
    time.nanosleep(step)
    waited = waited + 0.2
  end
  return true
end

return {
  lapp = [[
Usage: kong quit [OPTIONS]

Gracefully quit a running Kong node in given prefix directory.

Options:
 -p,--prefix      (optional string) prefix Kong is running at
 -t,--timeout     (default 10) timeout before forced shutdown
 -w,--wait        (default 0) wait time before initiating the shutdown
]],
  execute = function(args)
    local conf = node.running(args)
    if args.wait > 0 and wait_until_gone(conf, args.wait) then
      log.error("Kong stopped while waiting (unexpected)")
      return
    end
    local ok, err = nginx.quit(conf)
    if not ok then
      error(err, 0)
    end
    if wait_until_gone(conf, math.max(args.timeout, 1)) then
      log("Kong stopped (gracefully)")
      return
    end
    ok, err = nginx.stop(conf)
    if not ok then
      error(err, 0)
    end
    log("Timeout, Kong stopped forcefully")
  end,
}
