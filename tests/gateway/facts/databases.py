# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The Admin API's entities, with a database that two nodes share, and without one.

A real Kong needs a PostgreSQL for this: KONGFLEET_TEST_POSTGRES=HOST:PORT:USER:PASSWORD:DATABASE,
bootstrapped. Without it only what needs none is checked.
"""

import json
import os
import shutil
import tempfile

from .node import Node, until

TAG = "fact-smoke"


def asked(node, method, path, body=None):
    text = json.dumps(body) if body is not None else None
    reply = node.get(node.admin, path, method=method, body=text,
                     headers={"Content-Type": "application/json"} if text else None)
    return reply.status, json.loads(reply.body) if reply.body else {}


def without_a_database(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    code, answer = asked(node, "POST", "/services", {"name": "x", "host": "127.0.0.1"})
    check("DB-less: POST /services: 405 and why", code == 405 and answer["message"] ==
          "cannot create 'services' entities when not using a database", (code, answer))
    code, answer = asked(node, "POST", "/services/echo/plugins", {"name": "my-plugin"})
    check("… POST /services/N/plugins too", code == 405 and answer["message"] ==
          "cannot create 'plugins' entities when not using a database", (code, answer))
    code, answer = asked(node, "POST", "/services/nope/routes", {"paths": ["/x"]})
    check("… of a service that is not there: 404", code == 404, (code, answer))
    code, answer = asked(node, "DELETE", "/services/echo")
    check("… DELETE: 405", code == 405 and answer["message"] ==
          "cannot remove 'services' entities by 'name' when not using a database", (code, answer))
    code, answer = asked(node, "DELETE", "/services/nope")
    check("… of what is not there: 204", code == 204, (code, answer))
    code, answer = asked(node, "GET", "/services?tags=nobody")
    check("… a listing by tag works", code == 200 and not answer["data"], (code, answer))


def database_of(kong):
    """Settings of kong.conf for a database, and what takes it away; None where there is none."""
    if kong.is_stand_in:
        place = tempfile.mkdtemp(prefix="kong-facts-db-")
        os.chmod(place, 0o777)
        return {"pg_host": place}, lambda: shutil.rmtree(place, ignore_errors=True)
    named = os.environ.get("KONGFLEET_TEST_POSTGRES")
    if not named:
        return None
    host, port, user, password, name = named.split(":")
    return {"pg_host": host, "pg_port": port, "pg_user": user, "pg_password": password,
            "pg_database": name}, lambda: None


def entities(check, node):
    database = database_of(node.kong)
    if database is None:
        return
    settings, take_away = database
    node.settings = {"database": "postgres", "declarative_config": None, **settings}
    other = Node(node.kong, node.upstream_port)
    other.settings = dict(node.settings)
    try:
        node.generation("1")
        node.write_conf()
        node.start()
        other.write_conf(plugins="request-termination")
        other.start()
        with_a_database(check, node, other)
    finally:
        for kind in ("plugins", "routes", "services"):
            _, answer = asked(node, "GET", f"/{kind}?tags={TAG}")
            for entity in answer.get("data", []):
                asked(node, "DELETE", f"/{kind}/{entity['id']}")
        other.close()
        take_away()


def with_a_database(check, node, other):
    service = {"name": TAG, "host": "127.0.0.1", "port": node.upstream_port, "tags": [TAG]}
    code, answer = asked(node, "POST", "/services", service)
    check("with a database: POST /services: 201", code == 201 and answer["id"], (code, answer))
    code, answer = asked(node, "POST", "/services", service)
    check("… once more: 409", code == 409 and answer["message"] ==
          'UNIQUE violation detected on \'{name="fact-smoke"}\'', (code, answer))
    code, answer = asked(node, "POST", f"/services/{TAG}/routes",
                         {"name": TAG, "hosts": ["a.invalid"], "paths": ["/b"], "methods": ["GET"],
                          "headers": {"X-C": ["d"]}, "tags": [TAG]})
    check("… a route: 201", code == 201, (code, answer))
    for config, wrong in (({"greting": "x"}, "config.greting: unknown field"),
                          ({"greeting": 5}, "config.greeting: expected a string")):
        code, answer = asked(node, "POST", f"/services/{TAG}/plugins",
                             {"name": "my-plugin", "config": config})
        check(f"… a plugin with {config}: 400", code == 400 and answer["message"] ==
              f"schema violation ({wrong})", (code, answer))
    code, answer = asked(node, "POST", f"/services/{TAG}/plugins", {"name": "nope"})
    check("… one that is not enabled: 400", code == 400 and "'nope' not enabled" in
          answer["message"], (code, answer))
    code, answer = asked(node, "POST", f"/services/{TAG}/plugins",
                         {"name": "my-plugin", "config": {"greeting": "yo"}, "tags": [TAG]})
    check("… one that is right: 201", code == 201, (code, answer))
    plugin = answer.get("id")

    def served(path="/b", header="d"):
        reply = node.get(node.proxy, path, headers={"Host": "a.invalid", "X-C": header})
        return reply.status == 200 and "x-myplugin" in reply.headers

    check("… the route and the plugin serve", until(served))
    check("… not without the route's header", not served(header="e"))
    code, answer = asked(node, "GET", f"/plugins?tags={TAG}")
    check("… found by its tag", [one["id"] for one in answer["data"]] == [plugin], answer)
    # What it does to a node that has not the plugin.
    check("… another node logs that it can't take that up", until(
        lambda: "my-plugin plugin is in use but not enabled" in other.error_log()))
    reload = other.reload()
    check("… its reload is rejected, with exit 0", reload.code == 0 and until(
        lambda: "init_by_lua error" in other.error_log()), reload)
    other.end_masters()
    start = other.run("start", "-c", other.conf)
    check("… it does not start", start.code == 1 and "in use but not enabled" in
          start.err + other.error_log(), start)
    code, answer = asked(node, "DELETE", f"/services/{TAG}")
    check("… a service with a route stays: 400", code == 400 and answer["message"] ==
          "an existing 'routes' entity references this 'services' entity", (code, answer))
    for path in (f"/plugins/{plugin}", f"/plugins/{plugin}", f"/routes/{TAG}",
                 f"/services/{TAG}"):
        code, answer = asked(node, "DELETE", path)
        check(f"… DELETE {path.split('/')[1]}: 204, there or not", code == 204, (code, answer))
    code, answer = asked(node, "GET", f"/services?tags={TAG}")
    check("… nothing is left", code == 200 and not answer["data"], (code, answer))


GROUPS = [without_a_database, entities]
