-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- The entities of a declarative configuration, in Kong's schema language.

local typedefs = require "kong.db.schema.typedefs"

local strings = { type = "array", elements = { type = "string" } }
local set_of_strings = { type = "set", elements = { type = "string" } }
local any = { type = "any" }
local timestamp = { type = "number" }
local nested = { type = "array", elements = { type = "any" } }

local services = {
  { id = typedefs.uuid }, { name = { type = "string" } }, { url = { type = "string" } },
  { protocol = { type = "string", default = "http", one_of = { "http", "https", "grpc", "grpcs",
    "tcp", "tls", "udp" } } },
  { host = { type = "string" } },
  { port = { type = "integer", default = 80, between = { 0, 65535 } } },
  { path = { type = "string", starts_with = "/" } },
  { retries = { type = "integer", default = 5, between = { 0, 32767 } } },
  { connect_timeout = { type = "integer", default = 60000 } },
  { write_timeout = { type = "integer", default = 60000 } },
  { read_timeout = { type = "integer", default = 60000 } },
  { enabled = { type = "boolean", default = true } },
  { tls_verify = { type = "boolean" } }, { tls_verify_depth = { type = "integer" } },
  { ca_certificates = strings }, { client_certificate = any }, { tags = set_of_strings },
  { created_at = timestamp }, { updated_at = timestamp },
  { routes = nested }, { plugins = nested },
}

local routes = {
  { id = typedefs.uuid }, { name = { type = "string" } },
  { protocols = { type = "set", default = { "http", "https" }, elements = { type = "string" } } },
  { methods = { type = "set", elements = { type = "string", match = "^[A-Z]+$" } } },
  { hosts = strings },
  { paths = { type = "array", elements = { type = "string", match_any = {
    patterns = { "^/", "^~" },
    err = "should start with: / (fixed path) or ~/ (regex path)",
  } } } },
  { headers = { type = "map", keys = { type = "string" }, values = strings } },
  { regex_priority = { type = "integer", default = 0 } },
  { strip_path = { type = "boolean", default = true } },
  { path_handling = { type = "string", default = "v0", one_of = { "v0", "v1" } } },
  { preserve_host = { type = "boolean", default = false } },
  { request_buffering = { type = "boolean", default = true } },
  { response_buffering = { type = "boolean", default = true } },
  { https_redirect_status_code = { type = "integer", default = 426 } },
  { snis = strings }, { sources = nested }, { destinations = nested },
  { tags = set_of_strings }, { service = any }, { plugins = nested },
  { created_at = timestamp }, { updated_at = timestamp }, { expression = { type = "string" } },
  { priority = { type = "integer" } },
}

local plugins = {
  { id = typedefs.uuid }, { name = { type = "string", required = true } },
  { instance_name = { type = "string" } }, { enabled = { type = "boolean", default = true } },
  { config = { type = "any" } },
  { protocols = { type = "set", default = { "grpc", "grpcs", "http", "https" },
                  elements = { type = "string" } } },
  { tags = set_of_strings }, { service = any }, { route = any }, { consumer = any },
  { run_on = { type = "string" } }, { created_at = timestamp }, { updated_at = timestamp },
}

local consumers = {
  { id = typedefs.uuid }, { username = { type = "string" } }, { custom_id = { type = "string" } },
  { tags = set_of_strings }, { created_at = timestamp }, { updated_at = timestamp },
  { plugins = nested }, { keyauth_credentials = nested },
}

local keyauth_credentials = {
  { id = typedefs.uuid }, { key = { type = "string", required = true } }, { consumer = any },
  { tags = set_of_strings }, { ttl = { type = "number" } }, { created_at = timestamp },
}

return {
  services = { fields = services },
  routes = { fields = routes },
  plugins = { fields = plugins },
  consumers = { fields = consumers },
  keyauth_credentials = { fields = keyauth_credentials },
  -- In this order, so that what is referred to is there first.
  order = { "services", "routes", "consumers", "keyauth_credentials", "plugins" },
  -- What may be nested in what, and the field that then refers to the outer one.
  nested = {
    services = { routes = "service", plugins = "service" },
    routes = { plugins = "route" },
    consumers = { plugins = "consumer", keyauth_credentials = "consumer" },
  },
  -- Accepted and not looked at.
  ignored = {
    upstreams = true, targets = true, certificates = true, snis = true, ca_certificates = true,
    vaults = true, consumer_groups = true, parameters = true,
  },
}
