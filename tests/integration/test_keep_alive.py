"""Clients that fall silent, and brokers that never answer. The waits are short by configuration;
that something is cut is awaited, never timed."""

import signal
import time

import pytest

from harness import packets
from harness.client import NOTIFIED
from harness.configuration import USERS
from harness.packets import V5, V311, VERSION_NAMES, VERSIONS
from harness.upstream import stay_silent

LOGIN = {"username": "alice", "password": USERS["alice"]}
SERVER_KEEP_ALIVE = b"\x13"


def expired(version):
    return packets.disconnect(V5, 0x8D) if version == V5 else b""


def enter(moat, trusting, upstream, version, **options):
    client = moat.client(trusting)
    connect = packets.connect(version, **{**LOGIN, **options})
    known = upstream.count
    client.send(connect)
    connection = upstream.next_connection(known)
    connection.wait_for(connect)
    return client, connection, connect


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_silent_client_is_cut(start_moat, trusting, upstream, version):
    """1.5 times a keep alive of one second, and the grace; not before."""
    moat = start_moat(timeouts={"keep_alive_grace": "500ms"})
    start = time.monotonic()
    client, connection, connect = enter(moat, trusting, upstream, version, keep_alive=1)
    assert client.receive_packet() == packets.connack(version)
    assert client.receive_to_end() == expired(version)
    assert client.ended == NOTIFIED
    assert time.monotonic() - start >= 2, "it was cut within 1.5 times its keep alive"
    assert connection.wait_finished() == connect, "the broker was told a DISCONNECT"
    ended = moat.wait_event("ended")
    assert ended["reason"] == "keep_alive_expired"
    assert ended.get("code") == ("0x8d" if version == V5 else None)


def test_the_will_of_a_silent_client(start_moat, trusting, mosquitto):
    """Mosquitto would wait for half a minute; the gateway, told of a shorter keep alive by nobody but
    the client, cuts at its own limit, and the will is published."""
    moat = start_moat(to=mosquitto, timeouts={"keep_alive_grace": "0"})
    watcher = moat.client(trusting)
    watcher.send(packets.connect(V311, client_id="watcher", **LOGIN) + packets.subscribe(V311, "wills/#"))
    assert watcher.receive_packet() == packets.connack(V311)
    assert watcher.receive_packet() == packets.suback(V311)
    client = moat.client(trusting)
    client.send(packets.connect(V5, client_id="silent", keep_alive=1,
                                will=packets.Will("wills/silent", "gone"), **LOGIN))
    client.receive_packet()
    assert watcher.receive_packet() == packets.publish(V311, "wills/silent", "gone")


def test_client_that_pings_stays(start_moat, trusting, upstream):
    moat = start_moat(timeouts={"keep_alive_grace": "0"})
    client, connection, connect = enter(moat, trusting, upstream, V311, keep_alive=2)
    assert client.receive_packet() == packets.connack(V311)
    for number in range(1, 9):
        time.sleep(0.5)
        client.send(packets.PING)
        connection.wait_received(len(connect) + 2 * number)
    assert not moat.find("ended")


@pytest.mark.parametrize("keep_alive", (60, 0))
def test_keep_alive_of_the_broker(start_moat, trusting, make_upstream, keep_alive):
    """Its CONNACK says a shorter one, byte by byte; also to a client that wanted none."""
    broker = make_upstream(on_bytes=stay_silent)
    moat = start_moat(to=broker, timeouts={"keep_alive_grace": "500ms"})
    client, connection, connect = enter(moat, trusting, broker, V5, keep_alive=keep_alive)
    connack = packets.packet(packets.CONNACK, b"\x00\x00" + packets.properties(
        V5, packets.user_property("k", "v") + SERVER_KEEP_ALIVE + b"\x00\x01"))
    for at in range(len(connack)):
        connection.send(connack[at:at + 1])
    assert client.receive_packet() == connack
    assert client.receive_to_end() == expired(V5)
    assert connection.wait_finished() == connect


def test_keep_alive_lifted_by_the_broker(start_moat, trusting, make_upstream):
    broker = make_upstream(on_bytes=stay_silent)
    moat = start_moat(to=broker, timeouts={"keep_alive_grace": "0"})
    client, connection, _ = enter(moat, trusting, broker, V5, keep_alive=1)
    connack = packets.packet(packets.CONNACK, b"\x00\x00" + packets.properties(
        V5, SERVER_KEEP_ALIVE + b"\x00\x00"))
    connection.send(connack)
    assert client.receive_packet() == connack
    assert client.receive_available(3) == b""
    assert not moat.find("ended")


def test_no_keep_alive_no_limit(start_moat, trusting, upstream):
    moat = start_moat(timeouts={"keep_alive_grace": "0", "stall": "200ms"})
    client, _, _ = enter(moat, trusting, upstream, V311, keep_alive=0)
    assert client.receive_packet() == packets.connack(V311)
    assert client.receive_available(3) == b""
    assert not moat.find("ended")


def test_gateway_that_stood_still(start_moat, trusting, upstream):
    """A machine that was suspended blames nobody for having said nothing: what came meanwhile waits
    in the kernel, and is read first."""
    moat = start_moat(timeouts={"keep_alive_grace": "0"})
    clients = [enter(moat, trusting, upstream, V311, client_id=f"c{number}", keep_alive=3)
               for number in range(8)]
    for client, _, _ in clients:
        assert client.receive_packet() == packets.connack(V311)
    moat.signal(signal.SIGSTOP)
    for client, _, _ in clients:
        client.send(packets.PING)
    time.sleep(5)
    moat.signal(signal.SIGCONT)
    for client, connection, connect in clients:
        connection.wait_for(connect + packets.PING)
        client.send(packets.PING)
    for _, connection, connect in clients:
        connection.wait_for(connect + 2 * packets.PING)
    assert not moat.find("ended", reason="keep_alive_expired")


# --- a broker that does not answer ------------------------------------------------------------


def unavailable(version):
    return packets.connack(version, 0x88 if version == V5 else 0x03)


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_no_connack(start_moat, trusting, make_upstream, version):
    """It accepts connections and says nothing. The client is told, once and in whole."""
    broker = make_upstream(on_bytes=stay_silent)
    moat = start_moat(to=broker, upstream={"address": broker.text, "connack_timeout": "300ms"})
    client, connection, connect = enter(moat, trusting, broker, version)
    assert client.receive_to_end() == unavailable(version)
    assert client.ended == NOTIFIED
    assert connection.wait_finished() == connect
    ended = moat.wait_event("ended")
    assert (ended["reason"], ended["level"]) == ("upstream_timeout", "error")


def test_half_a_connack(start_moat, trusting, make_upstream):
    broker = make_upstream(on_bytes=stay_silent)
    moat = start_moat(to=broker, upstream={"address": broker.text, "connack_timeout": "300ms"})
    client, connection, _ = enter(moat, trusting, broker, V5)
    connection.send(packets.connack(V5)[:3])
    assert client.receive_to_end() == packets.connack(V5)[:3]
    assert moat.wait_event("ended")["reason"] == "upstream_timeout"


def test_broker_that_is_stopped(start_moat, trusting, mosquitto):
    """SIGSTOP: its kernel still accepts connections."""
    moat = start_moat(to=mosquitto, upstream={"address": mosquitto.text, "connack_timeout": "500ms"})
    mosquitto.signal(signal.SIGSTOP)
    try:
        with moat.client(trusting) as client:
            client.send(packets.connect(V5, **LOGIN))
            assert client.receive_to_end() == unavailable(V5)
    finally:
        mosquitto.signal(signal.SIGCONT)
    with moat.client(trusting) as client:
        client.send(packets.connect(V311, **LOGIN))
        assert client.receive_packet() == packets.connack(V311)


def test_shutting_down_before_connack(start_moat, trusting, make_upstream):
    """A client that waits for the broker's answer gets ours."""
    broker = make_upstream(on_bytes=stay_silent)
    moat = start_moat(to=broker, timeouts={"drain": "0"})
    client, _, _ = enter(moat, trusting, broker, V5)
    moat.signal(signal.SIGTERM)
    assert client.receive_to_end() == unavailable(V5)
    assert moat.wait() == 0
    moat.has_ended = True
