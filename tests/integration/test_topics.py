"""Topic lists of a rule: what a client may publish and subscribe to, judged on the bytes as they
pass. A recording upstream shows that nothing else changes, and a real Mosquitto that it works."""

import random

import pytest

from harness import packets
from harness.client import TcpClient
from harness.configuration import listener
from harness.packets import (PING, PONG, UNSUBSCRIBE, V5, V311, VERSION_NAMES, VERSIONS, Will, packet, properties,
                             publish, subscribe, text)
from harness.tls_client import TlsSettings
from harness.topics import (BROKEN, DENIED, LOGIN, MALFORMED, alias, connected, expect_end, random_pieces, rule,
                            subscribe_many)

MEGABYTE = 1 << 20


@pytest.fixture
def gate(start_moat):
    return start_moat(rules=[rule()])


@pytest.fixture
def pair(trusting, upstream):
    """pair(gate, version) gives a connected client and its connection at the upstream."""
    yield lambda gate, version=V311, **fields: connected(gate, trusting, upstream, version, **fields)
    for connection in upstream.connections:
        connection.close()


# --- what is permitted --------------------------------------------------------------------------


def permitted(version):
    """Everything that is not a violation, and much that looks like one."""
    alias = packets.user_property("k", b"\x00\x09u/bob/x") + b"\x23\x00\x05"
    stream = [
        publish(version, "u/alice/t", b"x"), PING,
        publish(version, "all", random.randbytes(70000), qos=1, duplicate=True),
        publish(version, "u/alice", publish(version, "u/bob/t", b"in a payload"), qos=2),
        subscribe(version, "u/alice/a/#", 2), subscribe_many(version, "news/+", "u/alice", "news/x"),
        subscribe(version, "$share/g/u/alice/a/+"), subscribe(version, "$SYS/broker/#"),
        packet(UNSUBSCRIBE, b"\x00\x01" + properties(version) + text("#"), flags=2),
        packet(packets.PUBACK, b"\x00\x01"),
        publish(version, "u/alice/" + "l" * 60000, b""),
    ]
    if version == V5:
        stream += [publish(V5, "u/alice/t", b"1", props=alias), publish(V5, "", b"2", props=alias),
                   publish(V5, "", b"3", qos=1, props=b"\x23\x00\x05"),
                   subscribe_many(V5, "u/alice/x", props=b"\x0b\x07" + packets.user_property("#", "#"))]
    return b"".join(stream)


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
@pytest.mark.parametrize("most", (300, 5000, 1 << 20))
def test_permitted_passes_byte_for_byte(gate, pair, version, most):
    client, connection = pair(gate, version)
    stream = permitted(version)
    for piece in random_pieces(stream, most):
        client.send(piece)
    connection.wait_for(connection.connect + stream)
    connection.send(PONG)
    assert client.receive(2) == PONG


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_permitted_one_byte_at_a_time(gate, pair, version):
    client, connection = pair(gate, version)
    stream = (publish(version, "u/alice/t", b"payload", qos=1)
              + subscribe_many(version, "news/x", "u/alice/a") + publish(version, "all", b""))
    for i in range(len(stream)):
        client.send(stream[i:i + 1])
    connection.wait_for(connection.connect + stream)
    connection.send(PONG)
    assert client.receive(2) == PONG


def test_a_large_payload_is_not_held(gate, pair):
    """256 MiB are announced, some of it sent: all of that arrives at once."""
    client, connection = pair(gate)
    head = b"\x30\xff\xff\xff\x7f" + text("all")
    client.send(head + bytes(MEGABYTE))
    connection.wait_for(connection.connect + head + bytes(MEGABYTE))


# --- what is not ----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
@pytest.mark.parametrize("topic", ("u/bob/t", "u", "alll", "u/alice/secret", "u/alice/secret/x", "$SYS/x",
                                   "$CONTROL/dynamic-security/v1", "u/alice2/t", "x" * 65535))
def test_denied_publish(gate, pair, version, topic):
    client, connection = pair(gate, version)
    before = publish(version, "u/alice/t", b"in order")
    client.send(before + publish(version, topic, b"x" * 100) + PING)
    expect_end(client, connection, version, before)
    ended = gate.wait_event("ended", reason="topic_denied")
    shown = "publish " + topic
    assert ended["detail"] == (shown if len(shown) <= 256 else shown[:256] + "...")
    assert ended.get("code") == ("0x87" if version == V5 else None)
    assert ended["client_packets"] == "2"
    assert ended["client_bytes"] == str(len(connection.connect + before))


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
@pytest.mark.parametrize("wanted", (
    "#", "+", "u/#", "u/+/t", "+/alice/t", "u/bob/t", "news/#", "news", "$SYS/#", "$SYS", "u/alice/#",
    "u/alice/+/x", "u/alice/secret", "$share/g/#", "$share/g/u/bob/t", "$share/#", "$share/g", "$share/+/news/x",
    "$share//news/x", "$share/g/$share/g/news/x", "$queue/news/x"))
def test_denied_subscribe(gate, pair, version, wanted):
    client, connection = pair(gate, version)
    before = subscribe(version, "news/x")
    client.send(before + subscribe_many(version, "news/y", wanted))
    expect_end(client, connection, version, before)
    assert gate.wait_event("ended", reason="topic_denied")["detail"] == "subscribe " + wanted


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_denied_wherever_it_is_cut(gate, pair, version):
    """Nothing of the packet reaches the upstream, in whatever pieces it comes."""
    denied = publish(version, "u/bob/t", b"x", qos=1)
    for cut in range(1, len(denied) - 2):
        client, connection = pair(gate, version, client_id=f"c{cut}")
        client.send(PING + denied[:cut])
        client.send(denied[cut:])
        expect_end(client, connection, version, PING)


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_denied_one_byte_at_a_time(gate, pair, version):
    client, connection = pair(gate, version)
    denied = publish(version, "u/bob/t", b"")
    for i in range(2 + 2 + len("u/bob/t")):
        client.send(denied[i:i + 1])
    expect_end(client, connection, version)


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_denied_behind_connect(gate, upstream, trusting, version):
    """A client need not wait for CONNACK, and gains nothing by it."""
    client = gate.client(trusting)
    connect = packets.connect(version, **LOGIN)
    client.send(connect + publish(version, "all", b"1") + publish(version, "u/bob/t", b"2"))
    connection = upstream.connection(0)
    assert connection.wait_finished() == connect + publish(version, "all", b"1")
    client.receive_to_end()
    gate.wait_event("ended", reason="topic_denied", detail="publish u/bob/t")


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
@pytest.mark.parametrize("will, code", ((Will("u/alice/gone", "x"), 0), (Will("u/bob/gone", "x"), (5, 0x90)),
                                        (Will("u/alice/secret", "x"), (5, 0x90))), ids=("own", "other's", "denied"))
def test_a_will_is_published_too(gate, trusting, upstream, version, will, code):
    client = gate.client(trusting)
    client.send(packets.connect(version, will=will, **LOGIN))
    expected = code and code[version == V5]
    assert client.receive_packet() == packets.connack(version, expected)
    assert upstream.count == (0 if code else 1)


# --- aliases, and what cannot be read -----------------------------------------------------------------


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_malformed(gate, pair, broken):
    client, connection = pair(gate, V5)
    client.send(PING)
    connection.wait_for(connection.connect + PING)
    client.send(broken)
    received = connection.wait_finished()
    assert client.receive_to_end() == MALFORMED
    ended = gate.wait_event("ended", reason="packet_malformed", code="0x81")
    assert ended["detail"]
    assert len(received) < len(connection.connect + PING + broken)


def test_alias_of_a_denied_topic(gate, pair):
    client, connection = pair(gate, V5)
    client.send(publish(V5, "u/bob/t", b"x", props=alias(1)))
    expect_end(client, connection, V5)


def test_alias_that_changes_its_topic(gate, pair):
    client, connection = pair(gate, V5)
    stream = (publish(V5, "all", b"1", props=alias(65535)) + publish(V5, "", b"2", props=alias(65535))
              + publish(V5, "u/alice/t", b"3", props=alias(65535)) + publish(V5, "", b"4", props=alias(65535)))
    client.send(stream)
    connection.wait_for(connection.connect + stream)
    client.send(publish(V5, "u/bob/t", b"5", props=alias(65535)))
    expect_end(client, connection, V5, stream)


def test_aliases_end_with_the_connection(gate, pair):
    first, connection = pair(gate, V5)
    first.send(publish(V5, "all", b"1", props=alias(1)))
    connection.wait_for(connection.connect + publish(V5, "all", b"1", props=alias(1)))
    first.abort()
    second, connection = pair(gate, V5)
    second.send(publish(V5, "", b"2", props=alias(1)))
    assert second.receive_to_end() == MALFORMED
    connection.wait_finished()


# --- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ("a/b", "$SYS", "a${address}", "u"))
def test_a_name_gains_nothing(start_moat, pair, name):
    """A user name with a slash cannot choose its level; all others are text."""
    gate = start_moat(rules=[rule(publish={"allow": ["u/${username}", "${username}/x", "all"]})],
                      users={name: "secret"})
    login = {"username": name, "password": "secret"}
    is_plain = "/" not in name and not name.startswith("$")
    client, connection = pair(gate, **login)
    client.send(publish(V311, "all", b"1") + publish(V311, f"u/{name}", b"2"))
    if is_plain:
        connection.wait_for(connection.connect + publish(V311, "all", b"1") + publish(V311, f"u/{name}", b"2"))
    else:
        expect_end(client, connection, V311, publish(V311, "all", b"1"))
    client.close()
    client, connection = pair(gate, **login)
    client.send(publish(V311, "u/127.0.0.1", b"3"))
    expect_end(client, connection, V311)


def test_certificate_in_the_lists(start_moat, pki, upstream):
    gate = start_moat(
        listeners=[listener(pki, certificate="required")],
        rules=[{"name": "devices", "require": ["certificate"], "publish": {"allow": ["d/${certificate}/#"]}}])
    for topic, passes in (("d/sensor-1/t", True), ("d/sensor-2/t", False)):
        known = upstream.count
        client = gate.client(TlsSettings(ca=pki.server_ca.certificate, pair=pki.good))
        connect = packets.connect(V311)
        client.send(connect)
        assert client.receive_packet() == packets.connack(V311)
        client.send(publish(V311, topic, b"x") + PING)
        received = upstream.next_connection(known).wait_received(
            len(connect) + (len(publish(V311, topic, b"x") + PING) if passes else 0))
        assert received == connect + (publish(V311, topic, b"x") + PING if passes else b"")


# --- rules without lists, and a real broker ------------------------------------------------------------


def test_without_lists_topics_are_the_brokers_business(moat, pair):
    client, connection = pair(moat, V5)
    stream = b"".join(BROKEN.values()) + subscribe(V5, "#")
    client.send(stream)
    connection.wait_for(connection.connect + stream)


def test_one_direction_alone(start_moat, pair):
    gate = start_moat(rules=[{"name": "r", "require": ["password"], "subscribe": {"deny": "#"}}])
    client, connection = pair(gate)
    client.send(publish(V311, "$anything/at/all", b"1"))
    connection.wait_for(connection.connect + publish(V311, "$anything/at/all", b"1"))
    client.send(subscribe(V311, "$share/g/#"))
    expect_end(client, connection, V311, publish(V311, "$anything/at/all", b"1"))


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_with_mosquitto(start_moat, mosquitto, trusting, version):
    """What may pass arrives, aliases too; the rest ends the session and fires the will."""
    gate = start_moat(to=mosquitto, rules=[rule()])
    observer = TcpClient(mosquitto.address)
    observer.send(packets.connect(V311, client_id="observer") + subscribe(V311, "#"))
    observer.receive_packet(), observer.receive_packet()
    client = gate.client(trusting)
    client.send(packets.connect(version, will=Will("u/alice/gone", b"will"), **LOGIN))
    assert client.receive_packet()[3] == 0
    client.send(subscribe(version, "u/alice/t"))
    assert client.receive_packet() == packets.suback(version)
    payload = random.randbytes(300_000)
    client.send(publish(version, "u/alice/t", payload, props=alias(3) if version == V5 else b""))
    assert observer.receive_packet() == publish(V311, "u/alice/t", payload)
    assert client.receive_packet() == publish(version, "u/alice/t", payload)
    if version == V5:
        client.send(publish(V5, "", b"by alias", props=alias(3)))
        assert observer.receive_packet() == publish(V311, "u/alice/t", b"by alias")
        assert client.receive_packet() == publish(V5, "u/alice/t", b"by alias")
    client.send(publish(version, "u/bob/t", b"never"))
    assert client.receive_to_end() == (DENIED if version == V5 else b"")
    assert observer.receive_packet() == publish(V311, "u/alice/gone", b"will")
    observer.close()
