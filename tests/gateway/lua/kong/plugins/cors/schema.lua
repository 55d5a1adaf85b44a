-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0

local typedefs = require "kong.db.schema.typedefs"

return {
  name = "cors",
  fields = {
    { consumer = typedefs.no_consumer },
    { protocols = typedefs.protocols_http },
    { config = {
      type = "record",
      fields = {
        { origins = { type = "array", elements = { type = "string" } } },
        { headers = { type = "array", elements = { type = "string" } } },
        { exposed_headers = { type = "array", elements = { type = "string" } } },
        { methods = {
          type = "array", elements = { type = "string" },
          default = { "GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS" },
        } },
        { max_age = { type = "number" } },
        { credentials = { type = "boolean", required = true, default = false } },
        { preflight_continue = { type = "boolean", required = true, default = false } },
      },
    } },
  },
}
