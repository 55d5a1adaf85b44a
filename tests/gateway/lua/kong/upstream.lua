-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- Where a request is proxied to. Names come from /etc/hosts; there is no DNS here.

local disk = require "kong.disk"

local upstream = {}
local names

local function load_names()
  names = { localhost = "127.0.0.1" }
  for line in (disk.read("/etc/hosts") or ""):gmatch("[^\n]+") do
    local address, rest = line:gsub("#.*", ""):match("^%s*([%d%.]+)%s+(.*)$")
    for name in (rest or ""):gmatch("%S+") do
      names[name] = names[name] or address
    end
  end
end

--- An address for a host's name, or nil.
function upstream.resolve(host)
  if host:match("^[%d%.]+$") or host:match("^%[?%x*:[%x:]*%]?$") then
    return host
  end
  if not names then
    load_names()
  end
  return names[host]
end

--- The path and query sent upstream: the service's path and what the route did not strip.
function upstream.uri(service, route, path, length, query)
  local rest = route.strip_path == false and path or path:sub(length + 1)
  local base = (service.path or ""):gsub("/$", "")
  if rest:sub(1, 1) ~= "/" then
    rest = rest == "" and base ~= "" and "" or "/" .. rest
  end
  local uri = base .. rest
  return (uri == "" and "/" or uri) .. (query and query ~= "" and "?" .. query or "")
end

return upstream
