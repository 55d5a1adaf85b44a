-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- What type each property of kong.conf has, which values some are limited to, and which old
-- names stand for newer ones. A property that is named nowhere here is a string.

local meta = require "kong.meta"

local types = {
  boolean = [[
    anonymous_reports client_ssl dns_no_sync kic nginx_optimizations pg_ro_ssl pg_ro_ssl_verify
    pg_ssl pg_ssl_verify allow_debug_header cluster_use_proxy privileged_agent
    proxy_server_ssl_verify wasm cassandra_ssl cassandra_ssl_verify]],
  ngx_boolean = [[nginx_daemon real_ip_recursive ssl_prefer_server_ciphers ssl_session_tickets]],
  number = [[
    cluster_data_plane_purge_delay cluster_max_payload db_cache_neg_ttl db_cache_ttl
    db_resurrect_ttl db_update_frequency db_update_propagation dns_cache_size dns_error_ttl
    dns_not_found_ttl dns_stale_ttl dns_valid_ttl lua_max_post_args lua_max_req_headers
    lua_max_resp_headers lua_max_uri_args lua_socket_pool_size lua_ssl_verify_depth pg_backlog
    pg_keepalive_timeout pg_max_concurrent_queries pg_pool_size pg_port pg_ro_backlog
    pg_ro_keepalive_timeout pg_ro_max_concurrent_queries pg_ro_pool_size pg_ro_port
    pg_ro_semaphore_timeout pg_ro_timeout pg_semaphore_timeout pg_timeout upstream_keepalive
    upstream_keepalive_idle_timeout upstream_keepalive_max_requests upstream_keepalive_pool_size
    worker_events_max_payload worker_state_update_frequency cassandra_port cassandra_timeout
    tracing_sampling_rate opentelemetry_tracing_sampling_rate
    cassandra_refresh_frequency cassandra_repl_factor cassandra_schema_consensus_timeout]],
  array = [[
    admin_gui_listen admin_gui_ssl_cert admin_gui_ssl_cert_key admin_listen admin_ssl_cert
    admin_ssl_cert_key cluster_dp_labels cluster_listen db_cache_warmup_entities dns_order
    dns_resolver headers lua_ssl_trusted_certificate pluginserver_names plugins port_maps
    proxy_listen ssl_cert ssl_cert_key status_listen status_ssl_cert status_ssl_cert_key
    stream_listen trusted_ips untrusted_lua_sandbox_environment untrusted_lua_sandbox_requires
    vaults cassandra_contact_points cassandra_data_centers tracing_instrumentations
    opentelemetry_tracing]],
  string = [[
    nginx_user nginx_worker_processes client_max_body_size client_body_buffer_size real_ip_header
    pg_password pg_ro_password lua_package_path lua_package_cpath declarative_config
    declarative_config_string prefix node_id]],
}

local enums = {
  database = { "postgres", "cassandra", "off" },
  role = { "data_plane", "control_plane", "traditional" },
  log_level = { "debug", "info", "notice", "warn", "error", "crit", "alert", "emerg" },
  worker_consistency = { "strict", "eventual" },
  cluster_mtls = { "shared", "pki" },
  cluster_ocsp = { "on", "off", "optional" },
  untrusted_lua = { "on", "off", "sandbox" },
  error_default_type = {
    "application/json", "application/xml", "text/html", "text/plain",
  },
}

local fields = {
  type_of = {},
  enums = enums,
  -- An old name is copied to the new one only while the new one is not set: this is why
  -- nginx_worker_processes does nothing on a reload (.kong_env already holds the new name).
  aliases = {
    nginx_user = "nginx_main_user",
    nginx_daemon = "nginx_main_daemon",
    nginx_worker_processes = "nginx_main_worker_processes",
    real_ip_header = "nginx_proxy_real_ip_header",
    real_ip_recursive = "nginx_proxy_real_ip_recursive",
    client_max_body_size = meta.is_2x and "nginx_http_client_max_body_size" or nil,
    client_body_buffer_size = meta.is_2x and "nginx_http_client_body_buffer_size" or nil,
  },
  -- Any property that begins so exists; what follows is an nginx directive for that block.
  namespaces = {
    main = "nginx_main_", events = "nginx_events_", http = "nginx_http_",
    upstream = "nginx_upstream_", proxy = "nginx_proxy_", status = "nginx_status_",
    admin = "nginx_admin_", stream = "nginx_stream_", supstream = "nginx_supstream_",
    sproxy = "nginx_sproxy_",
  },
  other_namespaces = { "pluginserver_", "vault_" },
  -- Answered as ****** by the Admin API.
  sensitive = {
    pg_password = true, pg_ro_password = true, cassandra_password = true,
    proxy_server = true, declarative_config_string = true,
  },
}

for name, list in pairs(types) do
  for key in list:gmatch("%S+") do
    fields.type_of[key] = name
  end
end

return fields
