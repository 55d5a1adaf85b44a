-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- kong.request: what the client asked.

local request = {}

function request.get_scheme() return ngx.var.scheme end
function request.get_host() return ngx.var.host end
function request.get_port() return tonumber(ngx.var.server_port) end
request.get_forwarded_scheme = request.get_scheme
request.get_forwarded_host = request.get_host
request.get_forwarded_port = request.get_port
function request.get_forwarded_path() return request.get_path() end
function request.get_http_version() return ngx.req.http_version() end
function request.get_method() return ngx.req.get_method() end

function request.get_path()
  return (ngx.var.request_uri or ngx.var.uri):match("^[^?]*")
end
request.get_raw_path = request.get_path

function request.get_path_with_query() return ngx.var.request_uri end
function request.get_raw_query() return ngx.var.args or "" end
function request.get_query(max) return ngx.req.get_uri_args(max) end

function request.get_query_arg(name)
  local value = ngx.req.get_uri_args()[name]
  return type(value) == "table" and value[1] or value
end

function request.get_header(name)
  local value = ngx.req.get_headers()[name]
  return type(value) == "table" and value[1] or value
end

function request.get_headers(max) return ngx.req.get_headers(max) end

function request.get_raw_body()
  ngx.req.read_body()
  return ngx.req.get_body_data() or ""
end

function request.get_body()
  local body = request.get_raw_body()
  local kind = request.get_header("Content-Type") or ""
  if kind:find("application/json", 1, true) then
    local decoded, err = require("cjson.safe").decode(body)
    return decoded, err, "application/json"
  end
  return ngx.decode_args(body), nil, kind
end

return request
