# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""A wrong key that reload -c wrote to .kong_env stays there."""


def poisoned(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    lines = len(node.read(".kong_env").splitlines())
    old = node.workers()
    node.write_conf(nginx_http_nosuchdirective="1")
    result = node.run("check", node.conf)
    check("an unknown directive: kong check is exit 0", result.code == 0, result)
    result = node.reload()
    check("… reload is exit 1 and shows nginx's words", result.code == 1
          and 'unknown directive "nosuchdirective"' in result.err, result)
    check("… .kong_env is the old one with kong.conf appended",
          len(node.read(".kong_env").splitlines()) > lines
          and node.env("nginx_http_nosuchdirective") == "1", lines)
    check("… nginx-kong.conf holds it too", "nosuchdirective 1;" in node.read("nginx-kong.conf"))
    check("… the old workers serve, health is 0", node.workers() == old and node.served("1.0.0")
          and node.run("health", "-p", node.prefix).code == 0)
    node.write_conf()
    result = node.reload()
    check("kong.conf put right: reload -c fails all the same",
          result.code == 1 and "nosuchdirective" in result.err, result)
    check("… and reload -p", node.reload("-p", node.prefix).code == 1)
    if check.is_3x:
        # 3.4 loads .kong_env before anything, but only renders it: prepare still helps.
        check("… a key that is unknown to nginx does not stop prepare",
              node.run("prepare", "-c", node.conf).code == 0)
    result = node.run("prepare", "-c", node.conf)
    check("prepare -c heals: exit 0, the key is gone",
          result.code == 0 and node.env("nginx_http_nosuchdirective") is None, result)
    path = node.generation("2")
    node.write_conf(lua_package_path=path)
    check("… and reload -c works again",
          node.reload().code == 0 and node.replaced(old) and node.served("2.0.0"))


def prepare_order(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    env = node.read(".kong_env")
    node.write_conf(nginx_http_nosuchdirective="1")
    result = node.run("prepare", "-c", node.conf)
    check("prepare that nginx refuses: exit 1, 'could not prepare Kong prefix at'",
          result.code == 1 and "could not prepare Kong prefix at " + node.prefix in result.err
          and "nginx configuration is invalid (exit code 1)" in result.err, result)
    check("… nginx's files are overwritten", "nosuchdirective" in node.read("nginx-kong.conf"))
    check("… .kong_env is not", node.read(".kong_env") == env)


def directives(check, node):
    node.generation("1")
    node.write_conf(nginx_http_keepalive_timeout="33s", nginx_proxy_client_body_timeout="44s",
                    nginx_main_worker_shutdown_timeout="5s", nginx_admin_send_timeout="22s")
    node.start()
    check("nginx_http_* goes into nginx-kong.conf",
          "keepalive_timeout 33s;" in node.read("nginx-kong.conf"))
    check("nginx_proxy_* and nginx_admin_* too",
          "client_body_timeout 44s;" in node.read("nginx-kong.conf")
          and "send_timeout 22s;" in node.read("nginx-kong.conf"))
    check("nginx_main_* goes into nginx.conf",
          "worker_shutdown_timeout 5s;" in node.read("nginx.conf"))
    check("nginx_worker_processes is an alias of nginx_main_worker_processes",
          "worker_processes 2;" in node.read("nginx.conf")
          and node.env("nginx_main_worker_processes") == "2")
    result = node.run("prepare", "-c", node.conf, environment={"KONG_NGINX_DAEMON": "off"})
    check("KONG_NGINX_DAEMON=off is an alias of nginx_main_daemon", result.code == 0
          and "daemon off;" in node.read("nginx.conf"), result)


GROUPS = [poisoned, prepare_order, directives]
