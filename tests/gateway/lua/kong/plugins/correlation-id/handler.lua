-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- Gives each request an id, in a header to the upstream and, if wanted, to the client.

local tools = require "kong.tools.utils"

local CorrelationId = { PRIORITY = 1, VERSION = "2.0.0" }
local count = 0

local function new_id(conf)
  if conf.generator == "uuid" then
    return tools.uuid()
  end
  count = count + 1
  return ngx.worker.pid() .. "#" .. count
end

function CorrelationId:access(conf)
  local id = kong.request.get_header(conf.header_name) or new_id(conf)
  kong.ctx.plugin.id = id
  kong.service.request.set_header(conf.header_name, id)
end

function CorrelationId:header_filter(conf)
  if conf.echo_downstream and kong.ctx.plugin.id then
    kong.response.set_header(conf.header_name, kong.ctx.plugin.id)
  end
end

return CorrelationId
