-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- Lets in whoever brings a consumer's key in a header or in the query.

local runloop = require "kong.runloop"

local KeyAuth = { PRIORITY = 1003, VERSION = "2.4.0" }

local function presented_key(conf)
  for _, name in ipairs(conf.key_names) do
    local key = conf.key_in_header and kong.request.get_header(name)
      or conf.key_in_query and kong.request.get_query_arg(name)
    if key then
      return key
    end
  end
  return nil
end

local function owner_of(key)
  for _, credential in ipairs(runloop.entities.keyauth_credentials or {}) do
    if credential.key == key then
      for _, consumer in ipairs(runloop.entities.consumers or {}) do
        if consumer.id == credential.consumer.id then
          return consumer, credential
        end
      end
    end
  end
  return nil
end

function KeyAuth:access(conf)
  local key = presented_key(conf)
  if not key then
    return kong.response.exit(401, { message = "No API key found in request" },
                              { ["WWW-Authenticate"] = 'Key realm="kong"' })
  end
  local consumer, credential = owner_of(key)
  if not consumer then
    return kong.response.exit(401, { message = "Invalid authentication credentials" })
  end
  kong.client.authenticate(consumer, credential)
  kong.service.request.set_header("X-Consumer-ID", consumer.id)
  kong.service.request.set_header("X-Consumer-Username", consumer.username)
end

return KeyAuth
