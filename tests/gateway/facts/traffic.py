# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What clients notice of reloads."""

import http.client
import threading
import time

from .node import until


class Clients:
    """Four threads that send requests, each on a fresh or on a kept connection."""

    def __init__(self, node, keep):
        self.node = node
        self.keep = keep
        self.answered = 0
        self.failed = []
        self.wrong = []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.work) for _ in range(4)]
        for thread in self.threads:
            thread.start()

    def work(self):
        connection = None
        while not self.stop.is_set():
            reused = connection is not None
            connection = connection or http.client.HTTPConnection(
                "127.0.0.1", self.node.proxy, timeout=20)
            try:
                connection.request("GET", "/a")
                reply = connection.getresponse()
                reply.read()
                if reply.status != 200:
                    self.wrong.append(reply.status)
                self.answered += 1
            except (OSError, http.client.HTTPException) as error:
                self.failed.append((reused, type(error).__name__))
                connection.close()
                connection = None
                continue
            if not self.keep:
                connection.close()
                connection = None
        if connection:
            connection.close()

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def good_reloads(node):
    for name in ("2", "1"):
        old = node.workers()
        node.use(name)
        node.reload()
        node.replaced(old)


def fresh_connections(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    clients = Clients(node, keep=False)
    good_reloads(node)
    clients.end()
    check("good reloads, a connection per request: nothing fails",
          clients.answered > 20 and not clients.failed and not clients.wrong,
          (clients.answered, clients.failed, clients.wrong))


def kept_connections(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    clients = Clients(node, keep=True)
    good_reloads(node)
    clients.end()
    check("good reloads, kept connections: only reused ones break, at most one each a reload",
          clients.answered > 20 and not clients.wrong and len(clients.failed) <= 8
          and all(reused for reused, _ in clients.failed),
          (clients.answered, clients.failed, clients.wrong))


def rejected_reloads(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    clients = Clients(node, keep=True)
    for name in ("3a", "3c"):
        offset = node.error_log_size()
        node.use(name)
        node.reload()
        until(lambda o=offset: "init_by_lua error" in node.error_log(o))
    clients.end()
    check("rejected reloads: nothing fails", clients.answered > 20
          and not clients.failed and not clients.wrong,
          (clients.answered, clients.failed, clients.wrong))


def long_requests(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    old, replies = node.workers(), {}

    def ask(path):
        replies[path] = node.get(node.proxy, path)

    threads = [threading.Thread(target=ask, args=(path,))
               for path in ("/a/slow?s=4", "/a/drip?s=4")]
    for thread in threads:
        thread.start()
    time.sleep(0.3)  # the requests must be under way, which nothing tells
    node.use("2")
    node.reload()
    check("with requests under way: old workers are titled 'is shutting down'",
          until(lambda: node.draining() & old), node.draining())
    check("… they are no longer among those that serve", until(lambda: not node.workers() & old))
    check("… new connections get the new code", node.served("2.0.0"), node.ask())
    for thread in threads:
        thread.join()
    check("… and the old requests end well, with the old code",
          all(reply.status == 200 and reply.headers.get("x-myplugin") == "1.0.0"
              and reply.body == "served by the upstream" for reply in replies.values()), replies)
    check("… then the old workers go", node.replaced(old))


def shutdown_timeout(check, node):
    node.settings["nginx_main_worker_shutdown_timeout"] = "1s"
    node.generation("1")
    node.write_conf()
    node.start()
    old, broken = node.workers(), []

    def ask():
        try:
            node.get(node.proxy, "/a/slow?s=15")
        except (OSError, http.client.HTTPException) as error:
            broken.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.3)  # as above
    node.use("2")
    node.reload()
    check("nginx_main_worker_shutdown_timeout ends old workers and their requests",
          node.replaced(old) and until(lambda: broken))
    thread.join()


GROUPS = [long_requests, shutdown_timeout, fresh_connections, kept_connections, rejected_reloads]
