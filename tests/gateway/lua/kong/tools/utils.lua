-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- The few functions of `kong.tools.utils` that plugins use most.

local stringx = require "pl.stringx"
local tools = {}

function tools.uuid()
  local text = ngx.md5(tostring(ngx.now()) .. math.random() .. ngx.worker.pid())
  return ("%s-%s-4%s-a%s-%s"):format(text:sub(1, 8), text:sub(9, 12), text:sub(14, 16),
                                    text:sub(18, 20), text:sub(21, 32))
end

function tools.random_string()
  return tools.uuid():gsub("-", "") .. ngx.md5(tostring(math.random()))
end

tools.split = stringx.split
tools.strip = stringx.strip
tools.load_module_if_exists = require("kong.plugin_loader").require_if_exists

function tools.table_contains(list, wanted)
  for _, item in pairs(list or {}) do
    if item == wanted then
      return true
    end
  end
  return false
end

function tools.get_hostname()
  local pipe = io.popen("hostname")
  local name = pipe:read("*l")
  pipe:close()
  return name
end

return tools
