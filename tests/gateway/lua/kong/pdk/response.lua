-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- kong.response: what the client gets. In the access phase exit() only notes the response and
-- leaves the plugin; it is sent when the phase is over.

local json = require "kong.json"
local meta = require "kong.meta"

local response = {}

function response.get_status() return ngx.status end
function response.set_status(status) ngx.status = status end
function response.get_header(name)
  local value = ngx.header[name]
  return type(value) == "table" and value[1] or value
end
function response.get_headers(max) return ngx.resp.get_headers(max) end
function response.set_header(name, value) ngx.header[name] = value end
function response.clear_header(name) ngx.header[name] = nil end

function response.add_header(name, value)
  local old = ngx.header[name]
  if old == nil then
    ngx.header[name] = value
  elseif type(old) == "table" then
    old[#old + 1] = value
    ngx.header[name] = old
  else
    ngx.header[name] = { old, value }
  end
end

function response.set_headers(headers)
  for name, value in pairs(headers) do
    ngx.header[name] = value
  end
end

function response.get_source()
  local ctx = ngx.ctx
  if ctx.KONG_UNEXPECTED then
    return "error"
  elseif ctx.KONG_EXITED then
    return "exit"
  end
  return ctx.KONG_PROXIED and "service" or "error"
end

function response.get_raw_body()
  local ctx = ngx.ctx
  ctx.KONG_BODY = (ctx.KONG_BODY or "") .. (ngx.arg[1] or "")
  if ngx.arg[2] then
    return ctx.KONG_BODY
  end
  ngx.arg[1] = nil
  return nil
end

function response.set_raw_body(body)
  ngx.arg[1] = body
  ngx.arg[2] = true
end

local function send(status, body, headers)
  ngx.status = status
  if type(body) == "table" then
    ngx.header["Content-Type"] = "application/json; charset=utf-8"
    body = json.encode(body)
  end
  for name, value in pairs(headers or {}) do
    ngx.header[name] = value
  end
  ngx.header["Content-Length"] = body and #body or 0
  if body and ngx.req.get_method() ~= "HEAD" then
    ngx.print(body)
  end
  return ngx.exit(status)
end

function response.exit(status, body, headers)
  local ctx = ngx.ctx
  ctx.KONG_EXITED = true
  if ctx.delay_response and not ctx.delayed_response then
    ctx.delayed_response = { status = status, body = body, headers = headers }
    coroutine.yield()
    return
  end
  return send(status, body, headers)
end

--- An error in the form the client accepts; the stand-in always answers JSON.
function response.error(status, message, headers)
  headers = headers or {}
  if meta.is_2x then
    return response.exit(status, { message = message }, headers)
  end
  headers["Content-Type"] = "application/json; charset=utf-8"
  return response.exit(status, ('{\n  "message":"%s"\n}'):format(message or ""), headers)
end

return response
