#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Round trips are what a stopwatch would say: conversations played packet by packet."""
import socket
import struct
import unittest

from turns import FIN, RST, SYN, Turns

ACK = 16
HOST, US = ("127.77.0.1", "10.77.0.1"), ("127.78.0.1", "10.78.0.1")


class TurnsTest(unittest.TestCase):
    def setUp(self):
        self.turns = Turns()
        self.next = {True: 2**32 - 5, False: 7}  # ours goes round soon

    def send(self, by_client: bool, size: int, flags: int = ACK, again: int = 0, after=None):
        """The packet as its sender addresses it: who it goes to is far away. `again`: a copy of so many bytes
        before."""
        source, target = (US[0], HOST[1]) if by_client else (HOST[0], US[1])
        ports = (40000, 22) if by_client else (22, 40000)
        sequence = (self.next[by_client] - again) % 2**32
        self.next[by_client] += 0 if again else size + bool(flags & SYN)
        return self.turns.sent(
            struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + size, 0, 0, 64, socket.IPPROTO_TCP, 0,
                        socket.inet_aton(source), socket.inet_aton(target))
            + struct.pack(">HHIIBBHHH", *ports, sequence, 0, 5 << 4, flags, 0, 0, 0) + bytes(size), after)

    def say(self, by_client: bool, size: int = 10, flags: int = ACK, again: int = 0):
        packet = self.send(by_client, size, flags, again)
        if packet:
            self.turns.arrived(packet)

    def shake_hands(self):
        self.say(True, 0, SYN)
        self.say(False, 0, SYN | ACK)
        self.say(True, 0)

    def assert_took(self, *trips: int):
        self.assertEqual(self.turns.per_host(), {HOST[0]: list(trips)})

    def test_the_handshake_is_one(self):
        self.shake_hands()
        self.assert_took(1)

    def test_each_question_that_waits_for_an_answer_is_one_more(self):
        self.shake_hands()
        for _ in range(3):
            self.say(True)
            self.say(False, 0)
            self.say(False)
        self.assert_took(4)

    def test_what_crosses_on_the_way_is_one(self):
        self.shake_hands()
        ours, theirs = self.send(True, 10), self.send(False, 10)
        self.turns.arrived(theirs)
        self.turns.arrived(ours)
        self.assert_took(1)
        self.say(False)
        self.assert_took(2)

    def test_several_packets_are_one(self):
        self.shake_hands()
        for packet in [self.send(True, 10) for _ in range(3)]:
            self.turns.arrived(packet)
        answers = [self.send(False, 1000) for _ in range(3)]
        self.turns.arrived(answers[0])
        question = self.send(True, 10)  # while the rest of the answer still comes
        for packet in answers[1:]:
            self.turns.arrived(packet)
        self.assert_took(2)
        self.turns.arrived(question)
        self.say(False)
        self.assert_took(3)

    def test_a_copy_of_what_was_lost_is_none(self):
        self.shake_hands()
        self.say(True)
        self.say(False)
        self.say(True, 10, again=10)
        self.say(False, 10, again=10)
        self.assert_took(2)

    def test_what_comes_when_we_have_left_is_none(self):
        for flag in (FIN, RST):
            with self.subTest(flag):
                self.setUp()
                self.shake_hands()
                self.say(True)
                self.say(True, 0, flag)
                self.say(False)
                self.assert_took(1)

    def test_what_waited_for_an_acknowledgement_is_one_more(self):
        self.shake_hands()
        self.say(True)
        self.say(False)
        acknowledgement = self.send(True, 0)
        self.turns.arrived(acknowledgement)
        self.turns.arrived(self.send(False, 10, after=acknowledgement))
        self.assert_took(3)
        self.assertEqual(self.turns.held_back(), 1)

    def test_what_did_not_wait_for_one_is_none(self):
        self.shake_hands()
        self.say(True)
        self.say(False)
        self.say(True, 0)
        self.say(False)
        self.assert_took(2)

    def test_what_began_before_is_not_counted(self):
        self.shake_hands()
        self.turns = Turns()
        self.say(True)
        self.say(False)
        self.assertEqual(self.turns.per_host(), {})


if __name__ == "__main__":
    unittest.main(verbosity=2)
