-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- `proxy_listen = 0.0.0.0:8000 reuseport, …` read into what nginx's `listen` takes.

local listeners = {}

local http_flags = {
  "ssl", "http2", "proxy_protocol", "deferred", "bind", "reuseport", "backlog=%d+",
  "ipv6only=on", "ipv6only=off", "so_keepalive=on", "so_keepalive=off",
  "so_keepalive=%w*:%w*:%d*",
}
local flags_of = {
  proxy_listen = http_flags, admin_listen = http_flags, cluster_listen = http_flags,
  status_listen = { "ssl" }, admin_gui_listen = { "ssl" },
  stream_listen = {
    "udp", "ssl", "proxy_protocol", "bind", "reuseport", "backlog=%d+", "ipv6only=on",
    "ipv6only=off", "so_keepalive=on", "so_keepalive=off", "so_keepalive=%w*:%w*:%d*",
  },
}

local function usage(flags)
  return "must be of form: [off] | <ip>:<port> [" .. table.concat(flags, "] [") ..
    "], [... next entry ...]"
end

local function allowed(word, flags)
  for _, flag in ipairs(flags) do
    if word:match("^" .. flag .. "$") then
      return true
    end
  end
  return false
end

local function parse_entry(entry, flags)
  local words = {}
  for word in entry:gmatch("%S+") do
    words[#words + 1] = word
  end
  local address = table.remove(words, 1) or ""
  local host, port = address:match("^(.+):(%d+)$")
  if not host or tonumber(port) > 65535 then
    return nil
  end
  local parsed = { ip = host, port = tonumber(port), ssl = false }
  for _, word in ipairs(words) do
    if not allowed(word, flags) then
      return nil
    end
    if word == "ssl" then
      parsed.ssl = true
    end
  end
  parsed.listener = table.concat({ address, unpack(words) }, " ")
  return parsed
end

--- The parsed listeners of property `name`; or nil and why not. `off` first means none.
function listeners.parse(name, values)
  local flags = flags_of[name]
  if #values == 0 then
    return nil, name .. " " .. usage(flags)
  end
  local list = {}
  if values[1] == "off" then
    return list
  end
  for _, entry in ipairs(values) do
    local parsed = parse_entry(entry, flags)
    if not parsed then
      return nil, name .. " " .. usage(flags)
    end
    list[#list + 1] = parsed
  end
  return list
end

return listeners
