# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""A wire between a controller and one host that breaks at a byte of one's choice."""
import contextlib
import selectors
import socket
import struct
import threading

TO_HOST, TO_CONTROLLER = 0, 1
BLOCK = 65536


class CuttingProxy:
    """Listens on loopback and passes on what comes to `target`. `longest`: the most bytes
    that one whole connection had in each direction. Ended by close()."""

    def __init__(self, target: tuple[str, int]):
        self.target = target
        self.plan: tuple[int, int] | None = None
        self.longest = [0, 0]
        self.connections = 0
        self.cuts = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def cut(self, direction: int, after: int) -> None:
        """The next connection is reset once `after` bytes have gone in `direction`, not one more;
        those after it are whole."""
        with self.lock:
            self.plan = (direction, after)

    def take_plan(self) -> tuple[int, int] | None:
        with self.lock:
            plan, self.plan = self.plan, None
            return plan

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def serve(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            plan = self.take_plan()
            with self.lock:
                self.connections += 1
            threading.Thread(target=self.connection, args=(near, plan),
                             daemon=True).start()

    def connection(self, near: socket.socket, plan: tuple[int, int] | None) -> None:
        counts = [0, 0]
        try:
            with socket.create_connection(self.target, timeout=10) as far:
                whole = carry(near, far, plan, counts)
                reset(far)
        except OSError:
            whole = True
        reset(near)
        with self.lock:
            self.cuts += not whole
            if plan is None:
                self.longest = [max(pair) for pair in zip(self.longest, counts)]
            self.connections -= 1


def carry(near: socket.socket, far: socket.socket, plan: tuple[int, int] | None,
          counts: list[int]) -> bool:
    """Until one side ends it: true; or the plan does: false."""
    with selectors.DefaultSelector() as ready:
        ready.register(near, selectors.EVENT_READ, (TO_HOST, far))
        ready.register(far, selectors.EVENT_READ, (TO_CONTROLLER, near))
        while True:
            for key, _ in ready.select():
                direction, other = key.data
                most = BLOCK
                if plan and plan[0] == direction:
                    most = min(most, plan[1] - counts[direction])
                    if most <= 0:
                        return False
                block = key.fileobj.recv(most)
                if not block:
                    return True
                other.sendall(block)
                counts[direction] += len(block)


def reset(end: socket.socket) -> None:
    """Closes it as a connection ends that was torn: without a goodbye."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.close()
