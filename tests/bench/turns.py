# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Counts the round trips of TCP conversations, from their packets: how often somebody had to wait for an
answer before going on.

What a client sends is one round trip further than all that had arrived at it by then; what a server
sends belongs to the furthest that had arrived there. So what crosses on the way counts once, and what is
sent in several packets too. TCP's own handshake is the first. Copies of what was lost, and what comes when
the client has left, count nothing; nor do acknowledgements without data, but where a sender's kernel had
held data back until one came (Nagle's algorithm, or a window that is full)."""
import socket
import struct
from dataclasses import dataclass, field

CLIENT = bytes([127, 78])
FIN, SYN, RST = 1, 2, 4


@dataclass
class Conversation:
    client: int = 0  # the furthest round trip of which something has arrived there
    server: int = 0
    over: bool = False
    held_back: int = 0  # how often data waited for an acknowledgement
    sent_up_to: dict[bool, int] = field(default_factory=dict)

    def is_new(self, by_client: bool, end: int) -> bool:
        """`end`: the sequence number behind it, which goes round at 2^32."""
        before = self.sent_up_to.get(by_client)
        if before is not None and (end - before - 1) & 0xFFFFFFFF >= 1 << 31:
            return False
        self.sent_up_to[by_client] = end
        return True


@dataclass
class Packet:
    """One of a conversation that is counted."""
    conversation: Conversation
    by_client: bool
    trip: int
    is_new_data: bool

    def let_go(self, other: "Packet | None") -> bool:
        """Whether `other`, an acknowledgement that just arrived, is what this one had waited for."""
        return bool(other and self.is_new_data and other.conversation is self.conversation
                    and other.by_client != self.by_client)


class Turns:
    """Of the conversations that begin from now on."""

    def __init__(self) -> None:
        self.conversations: dict[tuple[str, int], Conversation] = {}

    def sent(self, packet: bytes, at_once_after: Packet | None = None) -> Packet | None:
        """A packet as its sender sees it. Comes back to `arrived` if it is of a conversation.
        `at_once_after`: an acknowledgement that arrived at the sender's kernel before it did anything else."""
        header = (packet[0] & 15) * 4
        if packet[9] != socket.IPPROTO_TCP:
            return None
        length = struct.unpack_from(">H", packet, 2)[0]
        source, target, sequence, _, offset, flags = struct.unpack_from(">HHIIBB", packet, header)
        by_client = packet[12:14] == CLIENT
        host = "127." + ".".join(map(str, packet[17:20] if by_client else packet[13:16]))
        conversation = self.conversation((host, source if by_client else target), by_client and flags & SYN)
        if not conversation:
            return None
        if by_client and flags & (FIN | RST):
            conversation.over = True
        data = length - header - (offset >> 4) * 4 + bool(flags & SYN)
        is_new = data > 0 and conversation.is_new(by_client, (sequence + data) & 0xFFFFFFFF)
        sent = Packet(conversation, by_client, 0, is_new)
        if sent.let_go(at_once_after):
            conversation.held_back += 1
            self.count(at_once_after)
        sent.trip = conversation.client + 1 if by_client else conversation.server
        return sent

    def conversation(self, key: tuple[str, int], begins: bool) -> Conversation | None:
        if begins:
            self.conversations.setdefault(key, Conversation())
        return self.conversations.get(key)

    def arrived(self, packet: Packet) -> None:
        if packet.is_new_data:
            self.count(packet)

    @staticmethod
    def count(packet: Packet) -> None:
        conversation = packet.conversation
        if packet.by_client:
            conversation.server = max(conversation.server, packet.trip)
        elif not conversation.over:
            conversation.client = max(conversation.client, packet.trip)

    def held_back(self) -> int:
        return sum(conversation.held_back for conversation in self.conversations.values())

    def per_host(self) -> dict[str, list[int]]:
        """By the host's address, how many each of its conversations took."""
        found: dict[str, list[int]] = {}
        for (host, _), conversation in self.conversations.items():
            found.setdefault(host, []).append(conversation.client)
        return found
