-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- The nginx configuration of a prefix, made from the effective kong.conf.

local disk = require "kong.disk"
local meta = require "kong.meta"

local templates = {}

-- Debian's nginx has Lua as a module; OpenResty has it built in.
local modules = {
  "/usr/lib/nginx/modules/ndk_http_module.so",
  "/usr/lib/nginx/modules/ngx_http_lua_module.so",
}

-- Debian's nginx would keep these under /var/lib/nginx, OpenResty keeps them in the prefix.
local temp_directories = { "client_body", "proxy", "fastcgi", "uwsgi", "scgi" }

local function add(out, format, ...)
  out[#out + 1] = select("#", ...) > 0 and format:format(...) or format
end

local function inject(out, indent, directives)
  for _, directive in ipairs(directives) do
    add(out, "%s%s %s;", indent, directive.name, directive.value)
  end
end

local function open_files_limit()
  local pipe = io.popen("ulimit -n")
  local limit = tonumber((pipe:read("*l"))) or 65536
  pipe:close()
  return math.max(1024, math.min(limit, 16384))
end

local function resolve_auto(directives, name)
  for _, directive in ipairs(directives) do
    if directive.name == name and directive.value == "auto" then
      directive.value = tostring(open_files_limit())
    end
  end
end

function templates.load_modules()
  local out = {}
  for _, path in ipairs(modules) do
    if disk.exists(path) then
      add(out, "load_module %s;", path)
    end
  end
  return table.concat(out, "\n")
end

function templates.temp_paths()
  local out = {}
  for _, name in ipairs(temp_directories) do
    add(out, "    %s_temp_path %s_temp;", name, name)
  end
  return table.concat(out, "\n")
end

--- What a custom --nginx-conf template may use: ${{NAME}} is property `name`.
function templates.substitute(template, conf)
  return (template:gsub("%${{(%w[%w_]*)}}", function(name)
    local value = conf[name:lower()]
    return value == nil and "" or tostring(value)
  end))
end

function templates.nginx(conf)
  resolve_auto(conf.nginx_main_directives, "worker_rlimit_nofile")
  resolve_auto(conf.nginx_events_directives, "worker_connections")
  local out = {}
  add(out, "%s", templates.load_modules())
  add(out, "pid pids/nginx.pid;")
  add(out, "error_log %s %s;", conf.proxy_error_log, conf.log_level)
  add(out, "\n# injected nginx_main_* directives")
  inject(out, "", conf.nginx_main_directives)
  add(out, "\nevents {\n    # injected nginx_events_* directives")
  inject(out, "    ", conf.nginx_events_directives)
  add(out, "}\n\nhttp {")
  add(out, "%s", templates.temp_paths())
  add(out, "    include 'nginx-kong.conf';\n}\n")
  return table.concat(out, "\n")
end

local function certificates(out, conf, kind)
  if not conf[kind .. "_ssl_enabled"] then
    return
  end
  local own = kind == "proxy" and "ssl_cert" or kind .. "_ssl_cert"
  for i, path in ipairs(conf[own]) do
    add(out, "    ssl_certificate     %s;", path)
    add(out, "    ssl_certificate_key %s;", conf[own .. "_key"][i])
  end
end

local function server(out, conf, kind, name)
  add(out, "\nserver {\n    server_name %s;", name)
  for _, listener in ipairs(conf[kind .. "_listeners"]) do
    add(out, "    listen %s;", listener.listener)
  end
  add(out, "    access_log %s;", conf[kind .. "_access_log"])
  add(out, "    error_log  %s %s;", conf[kind .. "_error_log"], conf.log_level)
  certificates(out, conf, kind)
end

local proxy_server = [[
    error_page 400 404 405 408 411 412 413 414 417 494 /kong_error_handler;
    error_page 500 502 503 504                         /kong_error_handler;

    rewrite_by_lua_block       { Kong.rewrite() }
    access_by_lua_block        { Kong.access() }
    header_filter_by_lua_block { Kong.header_filter() }
    body_filter_by_lua_block   { Kong.body_filter() }
    log_by_lua_block           { Kong.log() }

    location / {
        default_type                     '';
        set $upstream_host               '';
        set $upstream_scheme             'http';
        set $upstream_uri                '';
        set $upstream_x_forwarded_for    '';
        set $upstream_x_forwarded_prefix '';
        set $upstream_x_forwarded_path   '';

        proxy_http_version 1.1;
        proxy_set_header   Connection         '';
        proxy_set_header   Host               $upstream_host;
        proxy_set_header   X-Forwarded-For    $proxy_add_x_forwarded_for;
        proxy_set_header   X-Forwarded-Proto  $scheme;
        proxy_set_header   X-Forwarded-Host   $host;
        proxy_set_header   X-Forwarded-Port   $server_port;
        proxy_set_header   X-Forwarded-Path   $upstream_x_forwarded_path;
        proxy_set_header   X-Forwarded-Prefix $upstream_x_forwarded_prefix;
        proxy_set_header   X-Real-IP          $remote_addr;
        proxy_pass_header  Server;
        proxy_pass_header  Date;
        proxy_ssl_name     $upstream_host;
        proxy_ssl_server_name on;
        proxy_pass         $upstream_scheme://kong_upstream$upstream_uri;
    }

    location = /kong_error_handler {
        internal;
        default_type '';
        rewrite_by_lua_block {;}
        access_by_lua_block  {;}
        content_by_lua_block { Kong.handle_error() }
    }
}]]

local api_locations = [[
    location / {
        default_type application/json;
        content_by_lua_block       { Kong.%s_content() }
        header_filter_by_lua_block { Kong.%s_header_filter() }
    }

    location = /nginx_status {
        internal;
        access_log off;
        stub_status;
    }

    location /robots.txt {
        return 200 'User-agent: *\nDisallow: /';
    }
}]]

local function api_server(out, conf, kind)
  server(out, conf, kind, "kong_" .. kind)
  add(out, "    # injected nginx_%s_* directives", kind)
  inject(out, "    ", conf["nginx_" .. kind .. "_directives"])
  add(out, api_locations, kind, kind)
end

local function shared_dictionaries(out, conf)
  add(out, "lua_shared_dict kong 5m;")
  add(out, "lua_shared_dict kong_locks 8m;")
  add(out, "lua_shared_dict kong_core_db_cache %s;", conf.mem_cache_size)
end

local function lua_blocks(out)
  add(out, [[

init_by_lua_block {
    require("kong.meta").select("%s")
    Kong = require 'kong'
    Kong.init()
}

init_worker_by_lua_block {
    Kong.init_worker()
}]], meta._VERSION)
end

local function proxy(out, conf)
  add(out, "\nupstream kong_upstream {\n    server 0.0.0.1;")
  inject(out, "    ", conf.nginx_upstream_directives)
  add(out, "    balancer_by_lua_block { Kong.balancer() }\n}")
  server(out, conf, "proxy", "kong")
  add(out, "    # injected nginx_proxy_* directives")
  inject(out, "    ", conf.nginx_proxy_directives)
  for _, address in ipairs(conf.trusted_ips) do
    add(out, "    set_real_ip_from %s;", address)
  end
  add(out, "%s", proxy_server)
end

--- `lua_path` is LUA_PATH of the command's environment, which Kong bakes in.
function templates.nginx_kong(conf, lua_path, lua_cpath)
  local out = {}
  add(out, "server_tokens off;\n")
  add(out, "error_log %s %s;\n", conf.proxy_error_log, conf.log_level)
  add(out, "lua_package_path       '%s;%s;;';", conf.lua_package_path or "", lua_path)
  add(out, "lua_package_cpath      '%s;%s;;';", conf.lua_package_cpath or "", lua_cpath)
  add(out, "lua_socket_pool_size   %s;", conf.lua_socket_pool_size)
  add(out, "lua_socket_log_errors  off;")
  add(out, "lua_max_running_timers 4096;\nlua_max_pending_timers 16384;")
  if not meta.is_2x then
    add(out, "include 'nginx-kong-inject.conf';")
  end
  shared_dictionaries(out, conf)
  add(out, "underscores_in_headers on;\n\n# injected nginx_http_* directives")
  inject(out, "", conf.nginx_http_directives)
  lua_blocks(out)
  if conf.role ~= "control_plane" and #conf.proxy_listeners > 0 then
    proxy(out, conf)
  end
  if conf.role ~= "data_plane" and #conf.admin_listeners > 0 then
    api_server(out, conf, "admin")
  end
  if #conf.status_listeners > 0 then
    api_server(out, conf, "status")
  end
  if not meta.is_2x then
    if conf.role ~= "data_plane" and #conf.admin_gui_listeners > 0 then
      server(out, conf, "admin_gui", "kong_gui")
      add(out, "    include nginx-kong-gui-include.conf;\n}")
    end
    add(out, "\nserver {\n    server_name kong_worker_events;")
    add(out, "    listen unix:%s/worker_events.sock;\n    access_log off;", conf.prefix)
    add(out, "    location / { return 204; }\n}")
  end
  return table.concat(out, "\n") .. "\n"
end

return templates
