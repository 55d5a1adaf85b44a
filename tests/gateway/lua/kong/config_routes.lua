-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- /config of a node without a database: what it serves, and a way to replace it in all workers.

local lyaml = require "lyaml"
local declarative = require "kong.declarative"
local declarative_store = require "kong.declarative_store"
local meta = require "kong.meta"
local runloop = require "kong.runloop"

local function without_nulls(tree)
  local out = {}
  for key, value in pairs(tree) do
    if type(value) == "table" then
      out[key] = without_nulls(value)
    elseif value ~= ngx.null then
      out[key] = value
    end
  end
  return out
end

local function exported()
  local tree = { _format_version = meta.is_2x and "2.1" or "3.0" }
  for kind, list in pairs(runloop.entities or {}) do
    if #list > 0 then
      tree[kind] = without_nulls(list)
    end
  end
  return lyaml.dump({ tree }):gsub("^%-%-%-\n", ""):gsub("%.%.%.\n$", "")
end

local function parsed(self)
  local params = self.params
  if params._format_version then
    params.check_hash = nil
    local entities, err, errors = declarative.parse_table(params, self.plugins)
    return entities, err, errors, ngx.md5(kong.request.get_raw_body())
  end
  local text = params.config or kong.request.get_raw_body()
  if type(text) ~= "string" or text == "" then
    return nil, "expected a declarative configuration", nil
  end
  return declarative.parse_text(text, nil, self.plugins)
end

return {
  ["/config"] = {
    GET = function()
      return kong.response.exit(200, { config = (exported()) })
    end,
    POST = function(self)
      self.plugins = require("kong").plugins
      local entities, err, errors, hash = parsed(self)
      if not entities and not errors then
        return kong.response.exit(400, { message = err })
      elseif not entities then
        return kong.response.exit(400, {
          code = 14, name = "invalid declarative configuration",
          message = "declarative config is invalid: " .. tostring(err), fields = errors,
        })
      elseif self.req.params_get.check_hash and hash == declarative_store.hash() then
        return kong.response.exit(304)
      end
      local ok
      ok, err = declarative_store.save(entities, hash, true)
      if not ok then
        kong.log.err("failed loading declarative config into cache: ", err)
        return kong.response.exit(500, { message = "An unexpected error occurred" })
      end
      runloop.refresh(self.plugins)
      return kong.response.exit(201, entities)
    end,
  },
}
