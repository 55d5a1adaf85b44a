-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- Trees of errors as Kong prints them: one line for a plugin's schema, an indented outline for a
-- declarative configuration.

local pretty = require "pl.pretty"

local errors = {}

local function sorted_keys(tree)
  local keys = {}
  for key in pairs(tree) do
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys
end

--- `[off] schema violation (fields.1: …)`: "off" is the strategy without a database.
function errors.violation(tree)
  local texts = {}
  for _, text in ipairs(tree["@entity"] or {}) do
    texts[#texts + 1] = text
  end
  for _, field in ipairs(sorted_keys(tree)) do
    local problem = tree[field]
    if field ~= "@entity" and type(problem) == "table" then
      for _, part in ipairs(sorted_keys(problem)) do
        local inner = problem[part]
        texts[#texts + 1] = ("%s.%s: %s"):format(
          field, tostring(part), type(inner) == "table" and pretty.write(inner) or inner)
      end
    elseif field ~= "@entity" then
      texts[#texts + 1] = ("%s: %s"):format(field, problem)
    end
  end
  if #texts == 1 then
    return ("[off] schema violation (%s)"):format(texts[1])
  end
  return ("[off] %d schema violations (%s)"):format(#texts, table.concat(texts, "; "))
end

--- `in 'services':⏎  - in entry 1 of 'services': …`
function errors.outline(tree, item, indent)
  indent = indent or ""
  local out = {}
  for _, key in ipairs(sorted_keys(tree)) do
    local title = type(key) == "number" and ("- in entry %d of '%s'"):format(key, item)
      or ("in '%s'"):format(key)
    local problem = tree[key]
    if type(problem) == "table" then
      out[#out + 1] = indent .. title .. ":"
      out[#out + 1] = errors.outline(problem, key, indent .. "  ")
    else
      out[#out + 1] = indent .. title .. ": " .. tostring(problem)
    end
  end
  return table.concat(out, "\n")
end

return errors
