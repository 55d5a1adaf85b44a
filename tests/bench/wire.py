# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""A long wire between driver and hosts, in the benchmark's own network: each packet takes half of `round_trip`
seconds. Made of a TUN device, since few kernels that one finds have netem, and since every packet is seen.

    with Wire(0.05) as wire:
        ...                     # host 127.77.x.y is at 10.77.x.y for who is 127.78.0.1
        wire.turns.per_host()

The two addresses of a packet swap their first bytes on the way: from 127.78.0.1 to 10.77.x.y becomes from
10.78.0.1 to 127.77.x.y, and back. Its checksums stay right, since they are sums."""
import fcntl
import heapq
import os
import pathlib
import select
import struct
import subprocess
import threading
import time

from turns import Packet, Turns

SET_INTERFACE = 0x400454CA  # TUNSETIFF
TUN_WITHOUT_HEADER = 0x1001  # IFF_TUN | IFF_NO_PI
NAME = "wire"
QUEUE = 10_000  # packets that wait for us
FIRST_BYTES = (12, 16)


def set_up() -> None:
    for name, value in (("route_localnet", 1), ("rp_filter", 0)):
        pathlib.Path(f"/proc/sys/net/ipv4/conf/{NAME}/{name}").write_text(f"{value}\n")
    for command in (f"ip link set {NAME} txqueuelen {QUEUE} up",
                    f"ip route add 10.0.0.0/8 dev {NAME} src 127.78.0.1"):
        subprocess.run(command.split(), check=True)


class Wire:
    def __init__(self, round_trip: float):
        self.round_trip = round_trip
        self.turns = Turns()
        self.under_way: list[tuple[float, int, bytes, Packet | None]] = []
        self.count = 0
        self.thread = threading.Thread(target=self.carry, daemon=True)

    def __enter__(self) -> "Wire":
        self.device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.device, SET_INTERFACE, struct.pack("16sH22x", NAME.encode(), TUN_WITHOUT_HEADER))
        set_up()
        self.over, self.end = os.pipe()
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        os.close(self.end)
        self.thread.join()
        os.close(self.over)
        os.close(self.device)

    def carry(self) -> None:
        while True:
            wait = max(0.0, self.under_way[0][0] - time.monotonic()) if self.under_way else None
            ready = select.select([self.device, self.over], [], [], wait)[0]
            if self.over in ready:
                return
            if self.device in ready:
                self.take()
            self.deliver()

    def take(self, at_once_after: Packet | None = None) -> None:
        """All that was sent meanwhile sets out."""
        due = time.monotonic() + self.round_trip / 2
        while True:
            try:
                packet = bytearray(os.read(self.device, 65536))
            except BlockingIOError:
                return
            if packet[0] >> 4 != 4:
                continue
            tagged = self.turns.sent(packet, at_once_after)
            one, other = FIRST_BYTES
            packet[one], packet[other] = packet[other], packet[one]
            self.count += 1
            heapq.heappush(self.under_way, (due, self.count, bytes(packet), tagged))

    def deliver(self) -> None:
        while self.under_way and self.under_way[0][0] <= time.monotonic():
            _, _, packet, tagged = heapq.heappop(self.under_way)
            self.take()  # from now on what is there has been let go by this packet: the kernel does it in write()
            if tagged:
                self.turns.arrived(tagged)
            os.write(self.device, packet)
            if tagged and not tagged.is_new_data:
                self.take(tagged)
