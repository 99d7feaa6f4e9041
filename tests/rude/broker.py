"""A recording upstream that is a good broker to the witness, and to everybody else what a test wants."""

import contextlib

from harness import packets
from harness.upstream import accept_connect

ANSWERS = {packets.PINGREQ: lambda packet: packets.PONG,
           packets.PUBLISH: lambda packet: packets.puback(identifier_of(packet))}


def identifier_of(publish):
    """The packet identifier of a QoS 1 PUBLISH of 3.1.1."""
    at = 2 if publish[1] < 128 else 3
    topic = int.from_bytes(publish[at:at + 2], "big")
    return int.from_bytes(publish[at + 2 + topic:at + 4 + topic], "big")


def client_id_of(connect):
    at = 1
    while connect[at] & 0x80:
        at += 1
    at += 1
    at += 2 + int.from_bytes(connect[at:at + 2], "big") + 4
    size = int.from_bytes(connect[at:at + 2], "big")
    return connect[at + 2:at + 2 + size].decode()


def behave(others=accept_connect):
    """The upstream's `on_bytes`: `others` is that for every other client."""

    def on_bytes(connection):
        first, rest = packets.split_packet(connection.received)
        if first is None or client_id_of(first) != "witness":
            others(connection)
            return
        if not connection.is_answered:
            accept_connect(connection)
        elif rest:
            packet, rest = packets.split_packet(rest)
            while packet is not None:
                answer = ANSWERS.get(packet[0] >> 4)
                if answer:
                    with contextlib.suppress(OSError):  # it leaves without waiting at the end
                        connection.send(answer(packet))
                packet, rest = packets.split_packet(rest)
        # What was answered is forgotten, so that a long siege does not fill memory.
        connection.received[:] = first + rest
    return on_bytes
