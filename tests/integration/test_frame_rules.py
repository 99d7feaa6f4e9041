"""Packets while relaying: reserved flags, and what a broker may say, over real connections."""

import pytest

from harness import packets
from harness.client import NOTIFIED
from harness.configuration import USERS
from harness.packets import V5, V31, V311, VERSION_NAMES, VERSIONS
from harness.upstream import stay_silent

LOGIN = {"username": "alice", "password": USERS["alice"]}

# A body for each type that both sides of the relay know.
BODIES = {
    packets.PUBACK: b"\0\1", packets.PUBREC: b"\0\1", packets.PUBREL: b"\0\1", packets.PUBCOMP: b"\0\1",
    packets.SUBSCRIBE: b"\0\1\0\1t\0", packets.SUBACK: b"\0\1\0", packets.UNSUBSCRIBE: b"\0\1\0\1t",
    packets.UNSUBACK: b"\0\1", packets.PINGREQ: b"", packets.PINGRESP: b"", packets.DISCONNECT: b"",
}
FROM_CLIENT = (packets.PUBACK, packets.PUBREC, packets.PUBREL, packets.PUBCOMP, packets.SUBSCRIBE,
               packets.UNSUBSCRIBE, packets.PINGREQ, packets.DISCONNECT)
FROM_BROKER = (packets.PUBACK, packets.PUBREC, packets.PUBREL, packets.PUBCOMP, packets.SUBACK,
               packets.UNSUBACK, packets.PINGRESP, packets.DISCONNECT)


def right_flags(kind):
    return 2 if kind in (packets.PUBREL, packets.SUBSCRIBE, packets.UNSUBSCRIBE) else 0


def wrong_flags(kind):
    return [flags for flags in range(16) if flags != right_flags(kind)]


@pytest.fixture
def pair(moat, trusting, upstream):
    """pair(version) gives a client that was let in, its connection at the broker, and the size of
    its CONNECT."""
    upstream.stays_open = True

    def make(version):
        known = upstream.count
        client = moat.client(trusting)
        connect = packets.connect(version, **LOGIN)
        client.send(connect)
        assert client.receive_packet() == packets.connack(version)
        connection = upstream.next_connection(known)
        connection.wait_for(connect)
        return client, connection, len(connect)

    yield make
    for connection in upstream.connections:
        connection.close()


# --- flags -----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", (V311, V5), ids=VERSION_NAMES.get)
@pytest.mark.parametrize("kind", FROM_CLIENT)
def test_reserved_flags_of_a_client(pair, kind, version):
    for flags in wrong_flags(kind):
        client, connection, size = pair(version)
        client.send(packets.PING + packets.packet(kind, BODIES[kind], flags))
        assert client.receive_to_end() == (packets.disconnect(V5, 0x81) if version == V5 else b"")
        assert client.ended == NOTIFIED
        assert connection.wait_finished()[size:] == packets.PING
        connection.close()


@pytest.mark.parametrize("version", (V311, V5), ids=VERSION_NAMES.get)
@pytest.mark.parametrize("kind", FROM_BROKER)
def test_reserved_flags_of_a_broker(moat, pair, kind, version):
    """A fault of the broker's: the client gets what came before, and the log says what it was."""
    for flags in wrong_flags(kind):
        client, connection, _ = pair(version)
        after = moat.mark()
        connection.send(packets.PONG + packets.packet(kind, BODIES[kind], flags))
        assert client.receive_to_end() == packets.PONG
        ended = moat.wait_event("ended", after)
        assert (ended["reason"], ended["level"]) == ("upstream_packet", "error")
        assert f"with flags {flags:#x} " in ended["detail"]
        connection.close()


def test_flags_that_3_1_does_not_use(pair):
    client, connection, size = pair(V31)
    words = b"".join(packets.packet(kind, BODIES[kind], flags)
                     for kind in FROM_CLIENT for flags in range(16))
    client.send(words)
    connection.wait_received(size + len(words))
    assert bytes(connection.received[size:]) == words
    answers = b"".join(packets.packet(kind, BODIES[kind], flags)
                       for kind in FROM_BROKER for flags in range(16))
    connection.send(answers)
    assert client.receive(len(answers)) == answers


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_publish_with_any_flags(pair, version):
    """QoS 3 included, which is for the broker to judge."""
    client, connection, size = pair(version)
    words = b"".join(packets.packet(packets.PUBLISH, b"\0\1t\0\1", flags) for flags in range(16))
    client.send(words)
    connection.wait_received(size + len(words))
    assert bytes(connection.received[size:]) == words
    connection.send(words)
    assert client.receive(len(words)) == words


# --- a second CONNECT, and what only looks like one ------------------------------------------


def test_connect_at_every_offset_of_a_payload(pair):
    """No false alarm, however payload and records are cut."""
    client, connection, size = pair(V5)
    image = packets.connect(V5, client_id="other", username="eve", password="x")
    expected = b""
    for offset in range(200):
        message = packets.publish(V5, "t", b"\x10" * offset + image + b"\x10" * (200 - offset))
        client.send(message[:offset + 7])
        client.send(message[offset + 7:])
        expected += message
    connection.wait_received(size + len(expected))
    assert bytes(connection.received[size:]) == expected


def test_second_connect_at_every_cut(pair):
    """The stream of a PUBLISH and a CONNECT behind it, cut into two records at each byte."""
    message = packets.publish(V5, "t", b"payload")
    second = packets.connect(V5, client_id="other")
    stream = message + second
    for cut in range(1, len(stream)):
        client, connection, size = pair(V5)
        client.send(stream[:cut])
        if cut <= len(message):
            client.send(stream[cut:])
        assert client.receive_to_end() == packets.disconnect(V5, 0x82)
        assert connection.wait_finished()[size:] == message
        connection.close()


# --- what a broker says first ----------------------------------------------------------------


def unavailable(version):
    return packets.connack(version, 0x88 if version == V5 else 0x03)


FIRST = {
    "PUBLISH": (packets.publish(V311, "t", b"early"), "PUBLISH before CONNACK"),
    "nothing like MQTT": (b"SSH-2.0-OpenSSH_9.2p1\r\n", "PUBREC before CONNACK"),
    "CONNACK with a flag": (b"\x21\x02\x00\x00", "CONNACK with flags 0x1 in its fixed header"),
    "CONNACK too short": (b"\x20\x01\x00", "the Remaining Length of its CONNACK is not that of this version"),
    "CONNACK with reserved bits": (b"\x20\x02\x02\x00", "reserved flags of its CONNACK are set"),
}


@pytest.mark.parametrize("version", (V311, V5), ids=VERSION_NAMES.get)
@pytest.mark.parametrize("what", FIRST)
def test_first_packet_of_the_broker(start_moat, trusting, make_upstream, what, version):
    """As nothing has passed yet, the client is told that there is no broker to be had."""
    words, detail = FIRST[what]
    if version == V5 and what == "CONNACK with reserved bits":
        words = b"\x20\x03\x02\x00\x00"
    broker = make_upstream(on_bytes=stay_silent)
    moat = start_moat(to=broker)
    client = moat.client(trusting)
    client.send(packets.connect(version, **LOGIN))
    broker.connection(0).send(words)
    assert client.receive_to_end() == unavailable(version)
    assert client.ended == NOTIFIED
    ended = moat.wait_event("ended")
    assert (ended["reason"], ended["detail"]) == ("upstream_packet", detail)


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_second_connack(moat, pair, version):
    client, connection, _ = pair(version)
    connection.send(packets.PONG + packets.connack(version))
    assert client.receive_to_end() == packets.PONG
    assert moat.wait_event("ended")["detail"] == "CONNACK"


def test_refusal_of_5_0_by_an_old_broker(start_moat, trusting, make_upstream):
    """It knows no other form than its own."""
    broker = make_upstream(on_bytes=stay_silent)
    moat = start_moat(to=broker)
    client = moat.client(trusting)
    client.send(packets.connect(V5, **LOGIN))
    connection = broker.connection(0)
    connection.send(packets.connack(V311, 0x01))
    assert client.receive_packet() == packets.connack(V311, 0x01)
    connection.close()
    assert client.receive_to_end() == b""
    client.close()
    assert moat.wait_event("ended")["reason"] == "upstream_ended"
