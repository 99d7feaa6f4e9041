"""What the suites about topic lists share: the lists, packets against them, and a client with
its connection at a recording upstream."""

import random

from . import packets
from .client import NOTIFIED
from .configuration import USERS
from .packets import PUBLISH, SUBSCRIBE, V5, V311, packet, properties, publish, subscribe, text

LOGIN = {"username": "alice", "password": USERS["alice"]}

LISTS = {
    "publish": {"allow": ["u/${username}/#", "all"], "deny": ["u/+/secret/#"]},
    "subscribe": {"allow": ["u/${username}/#", "news/+", "$SYS/broker/#"], "deny": ["u/+/secret/#"]},
}

DENIED, MALFORMED = b"\xe0\x01\x87", b"\xe0\x01\x81"


def rule(**more):
    return {"name": "people", "require": ["password"], **LISTS, **more}


def subscribe_many(version, *filters, props=b""):
    body = b"\x00\x07" + properties(version, props)
    return packet(SUBSCRIBE, body + b"".join(text(one) + b"\x01" for one in filters), flags=2)


def alias(number):
    return b"\x23" + number.to_bytes(2, "big")


BROKEN = {
    "alias that was not set": publish(V5, "", b"x", props=alias(6)),
    "alias 0": publish(V5, "all", b"x", props=alias(0)),
    "two aliases": publish(V5, "all", b"x", props=alias(1) + alias(2)),
    "neither topic nor alias": publish(V5, "", b"x"),
    "wildcard": publish(V5, "u/alice/#", b"x"),
    "NUL": publish(V5, b"all\0", b"x"),
    "no UTF-8": publish(V5, b"all\xff", b"x"),
    "QoS 3": publish(V5, "all", b"x", qos=3),
    "topic longer than its packet": packet(PUBLISH, b"\x00\x09all\x00"),
    "broken filter": subscribe(V5, "news/x#"),
    "empty filter": subscribe(V5, ""),
}


def random_pieces(data, most):
    at = 0
    while at < len(data):
        size = random.randrange(1, most)
        yield data[at:at + size]
        at += size


def connected(gate, settings, upstream, version=V311, **fields):
    """A client whose CONNECT was accepted, and its connection, which knows that CONNECT."""
    upstream.stays_open = True
    known = upstream.count
    client = gate.client(settings)
    connect = packets.connect(version, **{**LOGIN, **fields})
    client.send(connect)
    assert client.receive_packet() == packets.connack(version)
    connection = upstream.next_connection(known)
    connection.wait_for(connect)
    connection.connect = connect
    return client, connection


def expect_end(client, connection, version, before=b"", answer=DENIED):
    """The upstream has what came before and nothing of the packet at fault; the client hears why."""
    assert connection.wait_finished() == connection.connect + before
    assert client.receive_to_end() == (answer if version == V5 else b"")
    assert client.ended == NOTIFIED
