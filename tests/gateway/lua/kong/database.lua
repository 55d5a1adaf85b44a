-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- There is no database here: `database = off` works, any other fails as Kong does when its
-- database is down.

local database = {}

function database.connect(conf)
  if conf.database == "off" then
    return true
  end
  return nil, "[PostgreSQL error] failed to retrieve PostgreSQL server_version_num: " ..
    "connection refused"
end

return database
