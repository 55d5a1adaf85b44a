-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- The text of a kong.conf: Penlight's own pl.config, then Kong's comment rule.

local pl_config = require "pl.config"
local stringio = require "pl.stringio"
local disk = require "kong.disk"
local meta = require "kong.meta"

local conf_text = {}

--- The properties of a text, uncut and untyped; or nil and why not.
function conf_text.properties(text)
  local stream = stringio.open(text)
  -- list_delim "_blank_" is Kong's trick against pl.config splitting at commas.
  local ok, conf = pcall(pl_config.read, stream, { smart = false, list_delim = "_blank_" })
  stream:close()
  if not ok then
    return nil, conf
  end
  return conf
end

-- 2.8 cuts with [^\]#.*: the character before the # goes too, and a # at the very start stays.
function conf_text.cut_comment_2x(value)
  return (value:gsub("[^\\]#.-$", ""):gsub("\\#", "#"))
end

-- 3.x cuts at the first # that no backslash precedes, with the blanks before it.
local function cut_comment_3x(value)
  local from = 1
  while true do
    local at = value:find("#", from, true)
    if not at then
      break
    end
    if at == 1 or value:sub(at - 1, at - 1) ~= "\\" then
      value = value:sub(1, at - 1):gsub("%s+$", "")
      break
    end
    from = at + 1
  end
  return (value:gsub("\\#", "#"))
end

--- The properties of a file. 3.x cuts comments here, 2.8 when values get their type.
function conf_text.load(path)
  local text, err = disk.read(path)
  if not text then
    return nil, err
  end
  local conf
  conf, err = conf_text.properties(text)
  if not conf then
    return nil, err
  end
  if not meta.is_2x then
    for key, value in pairs(conf) do
      if type(value) ~= "table" then
        conf[key] = cut_comment_3x(tostring(value))
      end
    end
  end
  return conf
end

-- 2.8 cuts comments at the very end, so what did not come from a file must be protected.
function conf_text.protect(value)
  if meta.is_2x and type(value) == "string" then
    local again
    repeat
      value, again = value:gsub("([^\\])#", "%1\\#")
    until again == 0
  end
  return value
end

return conf_text
