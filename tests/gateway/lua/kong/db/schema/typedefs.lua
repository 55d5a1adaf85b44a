-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- The ready-made field definitions that plugins' schemas use; calling one refines it.

local null = ngx.null

local function define(definition)
  return setmetatable(definition, {
    __call = function(self, more)
      local out = {}
      for key, value in pairs(self) do
        out[key] = value
      end
      for key, value in pairs(more) do
        out[key] = value
      end
      return define(out)
    end,
  })
end

local function none_of(entity)
  return define { type = "foreign", reference = entity, eq = null }
end

local http_protocols = { "grpc", "grpcs", "http", "https" }

local function protocols(values)
  return define {
    type = "set", required = true, default = values,
    elements = {
      type = "string",
      one_of = { "grpc", "grpcs", "http", "https", "tcp", "tls", "tls_passthrough", "udp", "ws",
                 "wss" },
    },
  }
end

local function is_url(text)
  return text:match("^%a[%w+.-]*://[^/]+") ~= nil, "missing host in url"
end

local header_name = define { type = "string", match = "^[%w%-_]+$" }
local tag = define { type = "string", match = "^[^,/]+$" }
local http_method = define { type = "string", match = "^[A-Z]+$" }

local typedefs = {
  no_consumer = none_of("consumers"),
  no_route = none_of("routes"),
  no_service = none_of("services"),
  no_consumer_group = none_of("consumer_groups"),
  protocols = protocols(http_protocols),
  protocols_http = protocols(http_protocols),
  url = define { type = "string", custom_validator = is_url },
  host = define { type = "string", len_min = 1 },
  host_with_optional_port = define { type = "string", len_min = 1 },
  port = define { type = "integer", between = { 0, 65535 } },
  ip = define { type = "string", match = "^[%x%.:]+$" },
  ip_or_cidr = define { type = "string", match = "^[%x%.:/]+$" },
  timeout = define { type = "integer", between = { 0, 2 ^ 31 - 2 } },
  ttl = define { type = "number", between = { 0, 100000000 } },
  uuid = define { type = "string", uuid = true, auto = true },
  tag = tag,
  tags = define { type = "set", elements = tag },
  path = define { type = "string", starts_with = "/" },
  name = define { type = "string", match = "^[%w%._~%-]+$" },
  utf8_name = define { type = "string", len_min = 1 },
  key = define { type = "string", len_min = 1 },
  header_name = header_name,
  headers = define {
    type = "map", keys = header_name, values = { type = "array", elements = { type = "string" } },
  },
  http_method = http_method,
  methods = define { type = "set", elements = http_method },
  hosts = define { type = "array", elements = { type = "string" } },
  sources = define { type = "set", elements = { type = "record", fields = {} } },
  regex = define { type = "string", is_regex = true },
  auto_timestamp_s = define { type = "integer", timestamp = true, auto = true },
  auto_timestamp_ms = define { type = "number", timestamp = true, auto = true },
  lua_code = define { type = "map", keys = { type = "string" }, values = { type = "string" } },
  semantic_version = define { type = "string", match = "^%d+[%.%d]*$" },
  redis = nil,
}

return setmetatable(typedefs, {
  __index = function(_, name)
    error("schema typedef error: definition " .. tostring(name) .. " does not exist", 2)
  end,
})
