-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- Answers instead of the upstream.

local RequestTermination = { PRIORITY = 2, VERSION = "2.1.0" }

local messages = {
  [400] = "Bad request", [401] = "Unauthorized", [402] = "Payment required", [403] = "Forbidden",
  [404] = "Not found", [500] = "An unexpected error occurred", [502] = "Bad Gateway",
  [503] = "Service unavailable",
}

function RequestTermination:access(conf)
  if conf.body then
    return kong.response.exit(conf.status_code, conf.body, {
      ["Content-Type"] = conf.content_type or "application/json; charset=utf-8",
    })
  end
  return kong.response.exit(conf.status_code, {
    message = conf.message or messages[conf.status_code] or "",
  })
end

return RequestTermination
