-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- Reads kong.conf files as Kong's loader does, with the parser Kong itself uses, for the
-- differential test of our reader and editor. Kong/kong, kong/conf_loader/init.lua: load_config_file
-- and infer_value of 2.8.5, load_config of 3.4.2 and 3.9.1.
--
-- stdin: batches of "COUNT\n", then COUNT texts, each "LENGTH\n" and its bytes.
-- stdout: for each text two answers (before 3.2, from 3.2), each "LENGTH\n" and its bytes: "error"
-- when the loader fails, else for each key KEY NUL KIND LENGTH NUL VALUE; KIND is t(ext), n(umber)
-- or T(able, whose value is left out). A text of the key "plugins" is followed by COUNT NUL and its
-- items, each LENGTH NUL ITEM.
local config = require "pl.config"
local stringio = require "pl.stringio"
local stringx = require "pl.stringx"

local function read(text)
  return config.read(stringio.open(text), { smart = false, list_delim = "_blank_" })
end

local function before_32(value)
  value = string.gsub(value, "[^\\]#.-$", "")
  value = string.gsub(value, "\\#", "#")
  return stringx.strip(value)
end

-- ngx.re.sub(value, [[\s*(?<!\\)#.*$]], ""): the first '#' that no '\' precedes goes, with the
-- blanks before it and all behind it.
local function from_32(value)
  local at = 0
  repeat
    at = string.find(value, "#", at + 1, true)
  until not at or string.sub(value, at - 1, at - 1) ~= "\\" or at == 1
  if at then
    value = string.gsub(string.sub(value, 1, at - 1), "%s+$", "")
  end
  value = string.gsub(value, "\\#", "#")
  return stringx.strip(value)
end

local function say(conf, without_comment)
  local said = {}
  local function sized(text)
    said[#said + 1] = #text .. "\0" .. text
  end
  for key, value in pairs(conf) do
    if type(key) == "string" then
      local kind = type(value) == "number" and "n" or type(value) == "table" and "T" or "t"
      value = kind == "t" and without_comment(value) or kind == "n" and tostring(value) or ""
      said[#said + 1] = key .. "\0" .. kind
      sized(value)
      if key == "plugins" and kind == "t" then
        local items = stringx.split(value, ",")
        said[#said + 1] = #items .. "\0"
        for _, item in ipairs(items) do
          sized(stringx.strip(item))
        end
      end
    end
  end
  return table.concat(said)
end

local input, output = io.stdin, io.stdout
while true do
  local count = input:read("*n", "*l")
  if not count then break end
  local answers = {}
  for _ = 1, count do
    local length = input:read("*n", "*l")
    local text = length == 0 and "" or input:read(length)
    local ok, conf = pcall(read, text)
    for _, without_comment in ipairs { before_32, from_32 } do
      local said = ok and say(conf, without_comment) or "error"
      answers[#answers + 1] = #said .. "\n" .. said
    end
  end
  output:write(table.concat(answers))
  output:flush()
end
