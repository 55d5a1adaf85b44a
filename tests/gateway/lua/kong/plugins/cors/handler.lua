-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- Answers preflight requests and names the origins that may read answers.

local Cors = { PRIORITY = 2000, VERSION = "2.0.0" }

local function allowed_origin(conf)
  if not conf.origins or #conf.origins == 0 then
    return "*"
  end
  local origin = kong.request.get_header("Origin")
  for _, pattern in ipairs(conf.origins) do
    if pattern == "*" or pattern == origin then
      return pattern
    end
  end
  return conf.origins[1]
end

function Cors:access(conf)
  if kong.request.get_method() ~= "OPTIONS" or conf.preflight_continue
     or not kong.request.get_header("Origin")
     or not kong.request.get_header("Access-Control-Request-Method") then
    return
  end
  kong.ctx.plugin.preflight = true
  return kong.response.exit(200, nil, {
    ["Access-Control-Allow-Origin"] = allowed_origin(conf),
    ["Access-Control-Allow-Methods"] = table.concat(conf.methods, ","),
  })
end

function Cors:header_filter(conf)
  if not kong.ctx.plugin.preflight then
    kong.response.set_header("Access-Control-Allow-Origin", allowed_origin(conf))
  end
end

return Cors
