-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- Where things lie in a prefix. These too are written to .kong_env, as Kong does.

local meta = require "kong.meta"

local paths = {
  nginx_pid = "pids/nginx.pid",
  nginx_err_logs = "logs/error.log",
  nginx_acc_logs = "logs/access.log",
  admin_acc_logs = "logs/admin_access.log",
  nginx_conf = "nginx.conf",
  nginx_kong_conf = "nginx-kong.conf",
  nginx_kong_stream_conf = "nginx-kong-stream.conf",
  kong_env = ".kong_env",
  ssl_cert_default = "ssl/kong-default.crt",
  ssl_cert_key_default = "ssl/kong-default.key",
  admin_ssl_cert_default = "ssl/admin-kong-default.crt",
  admin_ssl_cert_key_default = "ssl/admin-kong-default.key",
  status_ssl_cert_default = "ssl/status-kong-default.crt",
  status_ssl_cert_key_default = "ssl/status-kong-default.key",
}
if not meta.is_2x then
  paths.nginx_inject_conf = "nginx-inject.conf"
  paths.nginx_kong_inject_conf = "nginx-kong-inject.conf"
  paths.nginx_kong_stream_inject_conf = "nginx-kong-stream-inject.conf"
  paths.nginx_kong_gui_include_conf = "nginx-kong-gui-include.conf"
  paths.lua_ssl_trusted_certificate_combined = ".ca_combined"
  paths.admin_gui_ssl_cert_default = "ssl/admin-gui-kong-default.crt"
  paths.admin_gui_ssl_cert_key_default = "ssl/admin-gui-kong-default.key"
end

return paths
