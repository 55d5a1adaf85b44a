-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- JSON with empty arrays. OpenResty's cjson has array_mt and empty_array for them; Debian's has
-- not, so this module adds both to it, for plugins too.

local cjson = require "cjson"
local safe = require "cjson.safe"

local mark = "\1empty array\1"
local encoded_mark = cjson.encode(mark):gsub("%p", "%%%0")
local array_mt = {}
local json = { decode = safe.decode, null = cjson.null, array_mt = array_mt }

for _, module in ipairs { cjson, safe } do
  module.array_mt = module.array_mt or array_mt
  module.empty_array = module.empty_array or mark
  module.empty_array_mt = module.empty_array_mt or array_mt
end

local function marked(value)
  if type(value) ~= "table" then
    return value
  end
  if next(value) == nil and getmetatable(value) == array_mt then
    return mark
  end
  local out = {}
  for key, item in pairs(value) do
    if type(item) ~= "function" then
      out[key] = marked(item)
    end
  end
  return out
end

function json.array(list)
  return setmetatable(list or {}, array_mt)
end

function json.encode(value)
  return (cjson.encode(marked(value)):gsub(encoded_mark, "[]"))
end

return json
