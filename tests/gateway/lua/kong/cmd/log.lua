-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- What the command line prints: plain text on stdout up to "info", dated lines on stderr from
-- "warn" on. Inside nginx it is silent.

local levels = { debug = 1, verbose = 2, info = 3, warn = 4, error = 5, quiet = 6 }
local names = { "debug", "verbose", "info", "warn", "error" }

local log = { levels = levels, level = levels.info }
local kept

function log.disable()
  if not kept then
    kept = log.level
    log.level = levels.quiet
  end
end

function log.enable()
  log.level = kept or log.level
  kept = nil
end

local function write(level, format, ...)
  if level < log.level or (ngx and not ngx.IS_CLI) then
    return
  end
  local text = select("#", ...) > 0 and format:format(...) or format
  if log.level < levels.info or level >= levels.warn then
    text = ("%s [%s] %s"):format(os.date("%Y/%m/%d %H:%M:%S"), names[level], text)
  end
  local stream = level < levels.warn and io.stdout or io.stderr
  stream:write(text, "\n")
  stream:flush()
end

for name, level in pairs(levels) do
  if not log[name] and name ~= "quiet" then
    log[name] = function(...)
      return write(level, ...)
    end
  end
end

return setmetatable(log, {
  __call = function(_, ...)
    return write(levels.info, ...)
  end,
})
