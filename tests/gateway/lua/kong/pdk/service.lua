-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- kong.service: the request to the upstream and its answer.

local service = { request = {}, response = {} }

function service.set_target(host, port)
  local ctx = ngx.ctx
  ctx.balancer = { host = host, port = port }
end

function service.set_upstream() return nil, "the stand-in has no upstreams" end

local asked = service.request
function asked.set_scheme(scheme) ngx.var.upstream_scheme = scheme end
function asked.set_path(path) ngx.var.upstream_uri = path end
function asked.set_method(method) ngx.req.set_method(ngx["HTTP_" .. method]) end
function asked.set_raw_query(query) ngx.req.set_uri_args(query) end
function asked.set_query(args) ngx.req.set_uri_args(args) end
function asked.set_header(name, value)
  if name:lower() == "host" then
    ngx.var.upstream_host = value
  end
  ngx.req.set_header(name, value)
end
function asked.clear_header(name) ngx.req.clear_header(name) end
function asked.set_headers(headers)
  for name, value in pairs(headers) do
    asked.set_header(name, value)
  end
end
function asked.add_header(name, value)
  local old = ngx.req.get_headers()[name] or {}
  old = type(old) == "table" and old or { old }
  old[#old + 1] = value
  ngx.req.set_header(name, old)
end
function asked.set_raw_body(body)
  ngx.req.read_body()
  ngx.req.set_body_data(body)
end
function asked.enable_buffering() end

local answered = service.response
function answered.get_status() return tonumber(ngx.var.upstream_status) end
function answered.get_header(name) return ngx.header[name] end
function answered.get_headers(max) return ngx.resp.get_headers(max) end

return service
