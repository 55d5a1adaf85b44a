-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0

local typedefs = require "kong.db.schema.typedefs"

return {
  name = "request-termination",
  fields = {
    { protocols = typedefs.protocols_http },
    { config = {
      type = "record",
      fields = {
        { status_code = { type = "integer", required = true, default = 503,
                          between = { 100, 599 } } },
        { message = { type = "string" } },
        { content_type = { type = "string" } },
        { body = { type = "string" } },
        { echo = { type = "boolean", required = true, default = false } },
        { trigger = { type = "string" } },
      },
      entity_checks = {
        { mutually_exclusive = { "message", "body" } },
      },
    } },
  },
}
