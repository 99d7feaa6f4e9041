"""Clients that are let in or turned away by a rule of their listener's name, looked at from
all sides: the bytes they get, the log, and what reaches the broker."""

from . import packets
from .client import NOTIFIED
from .packets import V5, VERSIONS


def expect_admitted(gate, broker, where, connect, settings=None):
    known = broker.count
    with gate.client(settings, where) as client:
        client.send(connect)
        assert client.receive_packet() == packets.connack(packets.connect_version(connect) & 0x7F)
        broker.next_connection(known).wait_for(connect)


def expect_refused(gate, broker, where, connect, answer, reason, settings=None):
    """The answer, close_notify, the end; one line in the log; nothing at the broker."""
    known, after = broker.count, gate.mark()
    with gate.client(settings, where) as client:
        client.send(connect)
        assert client.receive_to_end() == answer
        assert client.ended == NOTIFIED
    line = gate.wait_event("refused", after, listener=where, reason=reason)
    assert line["rule"] == where
    assert line["code"] == f"0x{answer[3]:02x}"
    assert broker.count == known
    return line


def answers(v3, v5):
    """The refusal of each version."""
    return {version: packets.connack(version, v5 if version == V5 else v3) for version in VERSIONS}


def publish_of(version, size):
    """A PUBLISH of `size` bytes altogether, from 150 to 16,000."""
    empty = len(packets.publish(version, "t", b"x" * 150)) - 150
    packet = packets.publish(version, "t", b"x" * (size - empty))
    assert len(packet) == size
    return packet


CLIENT_ID = answers(0x02, 0x85)
NOT_ALLOWED = answers(0x05, 0x87)
BAD_LOGIN = answers(0x04, 0x86)
