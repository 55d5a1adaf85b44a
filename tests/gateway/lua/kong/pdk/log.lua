-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- kong.log: `[kong] FILE:LINE [plugin] message` in nginx's error log.

local raw_log = require("ngx.errlog").raw_log

local levels = {
  debug = ngx.DEBUG, info = ngx.INFO, notice = ngx.NOTICE, warn = ngx.WARN, err = ngx.ERR,
  crit = ngx.CRIT, alert = ngx.ALERT, emerg = ngx.EMERG,
}

local function write(level, namespace, ...)
  local parts = {}
  for i = 1, select("#", ...) do
    parts[i] = tostring((select(i, ...)))
  end
  local caller = debug.getinfo(3, "Sl") or { short_src = "?", currentline = 0 }
  raw_log(level, ("[kong] %s:%d %s%s"):format(
    (caller.short_src:gsub("^.*/", "")), caller.currentline,
    namespace and "[" .. namespace .. "] " or "", table.concat(parts)))
end

local function namespace()
  local ok, ctx = pcall(function() return ngx.ctx end)
  return ok and ctx.KONG_PLUGIN or nil
end

local log = {}
for name, level in pairs(levels) do
  log[name] = function(...)
    return write(level, namespace(), ...)
  end
end

function log.inspect(...)
  local pretty = require "pl.pretty"
  local parts = {}
  for i = 1, select("#", ...) do
    parts[i] = pretty.write((select(i, ...)))
  end
  return write(ngx.DEBUG, namespace(), table.concat(parts, " "))
end

function log.deprecation(...)
  return write(ngx.WARN, namespace(), ...)
end

function log.set_serialize_value() end
function log.serialize()
  return {}
end

return setmetatable(log, {
  __call = function(_, ...)
    return write(ngx.NOTICE, namespace(), ...)
  end,
})
