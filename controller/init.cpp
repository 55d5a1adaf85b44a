// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/init.hpp"

#include "controller/durable_file.hpp"
#include "proto/error.hpp"

#include <boost/json.hpp>

#include <ostream>

namespace kongfleet::controller {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view fleet_toml = R"toml(# The fleet, its plugins, and how careful to be.
# 'kongfleet check' validates this file; 'kongfleet plan' shows what would change, touching nothing.

[fleet]
name = "edge"

[ssh]                                 # everything else comes from ~/.ssh/config
user = "kongfleet"
known_hosts = "known_hosts"           # ssh-keyscan HOST... >> known_hosts, and compare; without its
                                      # key in there, or with another, a host is refused
# connect_timeout = "10s"
# max_connections = 128

[plugins.my-plugin]
# a directory, a bundle (.kfb), a rock (.rock), or a commit: "git+file:///srv/plugins.git#v1.0.0"
source = "plugins/my-plugin"
# version = "1.0.0"                   # left out: VERSION of handler.lua

[groups.edge]
hosts   = ["edge-[01-03].example.net"]  # also "host:2222", "[2001:db8::7]:2222", "edge-[1,3,5-7]"
plugins = ["my-plugin"]
probes  = ["proxy"]
# agent = "kongfleet-agent connect"   # how to reach the agent there

[rollout]
waves           = [1, "10%", "50%", "100%"]  # cumulative; counts or shares of the fleet
bake            = "60s"               # how long a wave must stay healthy before the next starts
max_unavailable = "10%"               # at most so many hosts at once may be in trouble
max_failures    = 0                   # the rollout stops when this is exceeded
on_failure      = "rollback"          # or "pause"
deadline        = "5m"                # for one host
confirm_timeout = "10m"               # a host undoes what nobody confirms in this time

[probes.proxy]                        # Kong accepts connections
type = "tcp"
address = "127.0.0.1:8000"

# [probes.echo]                       # a route answers, and the plugin is at work there
# type = "http"
# url = "http://127.0.0.1:8000/echo"
# status = 200
# header = { X-MyPlugin = "1\\.0\\.0" }  # regular expressions
# interval = "500ms"
# timeout = "2s"
# successes = 3

# [probes.guide]                      # service, route, plugin, request; needs a database
# type = "smoke"
# header = { X-MyPlugin = "1\\.0\\.0" }
)toml";

constexpr std::string_view handler_lua =
    R"lua(-- The plugin's code. Kong 2.8 to 3.x load it as it is.
local MyPlugin = {
  PRIORITY = 1000,    -- when it runs, compared with other plugins; an integer
  VERSION = "1.0.0",  -- the release's version, too
}

-- Runs for every response of a route that has the plugin enabled.
function MyPlugin:header_filter(config)
  kong.response.set_header(config.response_header, MyPlugin.VERSION)
end

return MyPlugin
)lua";

constexpr std::string_view schema_lua =
    R"lua(-- What can be configured where the plugin is enabled; no require, for Konnect takes none.
return {
  name = "my-plugin",
  fields = {
    { config = {
        type = "record",
        fields = {
          { response_header = { type = "string", default = "X-MyPlugin", required = true } },
        },
      },
    },
  },
}
)lua";

void write_all(const fs::path& directory) {
  for (const auto& file : init_files()) {
    const auto path = (directory / file.path).lexically_normal();
    if (fs::exists(fs::symlink_status(path))) {
      throw Error("'" + path.string() + "' is there already; nothing was written");
    }
  }
  for (const auto& file : init_files()) {
    const auto path = (directory / file.path).lexically_normal();
    std::error_code error;
    if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
    if (error) {
      throw Error("create directory '" + path.parent_path().string() + "': " + error.message());
    }
    create_file(path, file.content);
  }
}

}  // namespace

const std::vector<InitFile>& init_files() {
  static const std::vector<InitFile> files = {
      {"fleet.toml", fleet_toml},
      {"plugins/my-plugin/kong/plugins/my-plugin/handler.lua", handler_lua},
      {"plugins/my-plugin/kong/plugins/my-plugin/schema.lua", schema_lua}};
  return files;
}

int run_init(const InitCommand& command, const Answer& answer) {
  const auto directory = command.directory.lexically_normal();
  try {
    write_all(directory);
  } catch (const Error& error) {
    answer_mistake(answer, "init", error.what());
    return 1;
  }
  boost::json::array written;
  for (const auto& file : init_files()) {
    const auto path = (directory / file.path).lexically_normal().string();
    written.emplace_back(path);
    if (answer.format == OutputFormat::Text) answer.out << "wrote " << path << "\n";
  }
  if (answer.format == OutputFormat::Json) {
    const boost::json::object document = {
        {"schema", json_schema}, {"command", "init"}, {"ok", true}, {"files", written}};
    answer.out << boost::json::serialize(document) << "\n";
  } else {
    answer.out << "next: put your hosts into fleet.toml, then run 'kongfleet check'\n";
  }
  return 0;
}

}  // namespace kongfleet::controller
