"""The broker is absent, slow, gone, back again, or somewhere unusual."""

import socket

import pytest

from harness import packets
from harness.client import NOTIFIED
from harness.configuration import USERS
from harness.mosquitto import Mosquitto
from harness.packets import V5, V311, VERSION_NAMES, VERSIONS
from harness.waiting import free_port

LOGIN = {"username": "alice", "password": USERS["alice"]}


def unavailable(version):
    return packets.connack(version, 0x88 if version == V5 else 0x03)


def attempt(moat, trusting, version=V311):
    with moat.client(trusting) as client:
        client.send(packets.connect(version, **LOGIN))
        return client.receive_packet()


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_absent_and_back_again(start_moat, make_upstream, trusting, version):
    """Nobody has to tell Moat that the broker is there again."""
    broker = make_upstream()
    broker.stop()
    moat = start_moat(to=broker)
    for _ in range(3):
        with moat.client(trusting) as client:
            client.send(packets.connect(version, client_id="early", **LOGIN))
            assert client.receive_to_end() == unavailable(version)
            assert client.ended == NOTIFIED
    refused = moat.wait_event("refused", client_id="early")
    assert refused["reason"] == "upstream_down"
    assert refused["level"] == "error"
    assert refused["code"] == ("0x88" if version == V5 else "0x03")
    broker.start()
    assert attempt(moat, trusting, version) == packets.connack(version)


def test_unproven_clients_do_not_learn_of_it(start_moat, make_upstream, trusting):
    """A wrong password is a wrong password, whether or not the broker is there."""
    broker = make_upstream()
    broker.stop()
    moat = start_moat(to=broker)
    with moat.client(trusting) as client:
        client.send(packets.connect(V5, username="alice", password="wrong"))
        assert client.receive_packet() == packets.connack(V5, 0x86)


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_too_slow(start_moat, trusting, version):
    """A full backlog: the kernel of the broker's host does not answer at all."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = []
        try:
            while len(waiting) < 8:
                one = socket.socket()
                one.setblocking(False)
                one.connect_ex(address)
                waiting.append(one)
            moat = start_moat(upstream={"address": f"127.0.0.1:{address[1]}", "connect_timeout": "300ms"})
            assert attempt(moat, trusting, version) == unavailable(version)
            assert moat.wait_event("refused")["reason"] == "upstream_timeout"
        finally:
            for one in waiting:
                one.close()


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_killed_in_mid_session_and_started_again(start_moat, tmp_path, trusting, version):
    broker = Mosquitto(tmp_path)
    try:
        moat = start_moat(to=broker)
        with moat.client(trusting) as client:
            client.send(packets.connect(version, client_id="c", **LOGIN))
            assert client.receive_packet()[3] == 0
            broker.kill()
            assert client.receive_to_end(timeout=5) == b""
            assert client.ended == NOTIFIED
        assert moat.wait_event("ended", client_id="c")["reason"] in ("upstream_ended", "upstream_lost")
        assert attempt(moat, trusting, version) == unavailable(version)
        broker.start()
        answer = attempt(moat, trusting, version)
        assert answer[0] == 0x20 and answer[3] == 0
    finally:
        broker.stop()


def test_closes_before_it_answers(start_moat, make_upstream, trusting):
    """A broker that accepts the connection and closes it says nothing; neither does Moat."""
    broker = make_upstream(on_bytes=lambda connection: connection.close())
    moat = start_moat(to=broker)
    with moat.client(trusting) as client:
        client.send(packets.connect(V5, **LOGIN))
        assert client.receive_to_end() == b""


def test_unix_socket(start_moat, make_upstream, trusting, tmp_path):
    path = str(tmp_path / "broker.sock")
    broker = make_upstream(path)
    moat = start_moat(to=broker)
    connect = packets.connect(V5, **LOGIN)
    with moat.client(trusting) as client:
        client.send(connect)
        assert client.receive_packet() == packets.connack(V5)
        broker.connection(0).wait_for(connect)
    broker.stop()
    assert attempt(moat, trusting, V5) == unavailable(V5)
    broker.start()
    assert attempt(moat, trusting, V5) == packets.connack(V5)


def test_mosquitto_on_a_unix_socket(start_moat, mosquitto, trusting):
    moat = start_moat(upstream={"address": f"unix:{mosquitto.unix_path}"})
    with moat.client(trusting) as client:
        client.send(packets.connect(V311, **LOGIN) + packets.subscribe(V311, "a")
                    + packets.publish(V311, "a", b"x" * 100_000))
        assert client.receive_packet() == packets.connack(V311)
        assert client.receive_packet() == packets.suback(V311)
        assert client.receive_packet() == packets.publish(V311, "a", b"x" * 100_000)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 on loopback")


@needs_ipv6
def test_ipv6(start_moat, make_upstream, trusting):
    moat = start_moat(to=make_upstream(("::1", 0)))
    assert attempt(moat, trusting) == packets.connack(V311)


@pytest.mark.parametrize("host", ("127.0.0.1", pytest.param("::1", marks=needs_ipv6)))
def test_name(start_moat, make_upstream, trusting, host):
    """localhost is two addresses on most machines; the broker listens on one of them."""
    names = {info[4][0] for info in socket.getaddrinfo("localhost", 1, type=socket.SOCK_STREAM)}
    if host not in names:
        pytest.skip(f"localhost is not {host} on this machine")
    broker = make_upstream((host, 0))
    moat = start_moat(upstream={"address": f"localhost:{broker.address[1]}"})
    assert attempt(moat, trusting) == packets.connack(V311)
    broker.stop()
    assert attempt(moat, trusting) == unavailable(V311)


def test_gateway_full(start_moat, trusting, upstream):
    """One client more than there may be is told so, and the next comes in when one leaves."""
    moat = start_moat(limits={"connections": 2})
    clients = []
    for _ in range(2):
        clients.append(moat.client(trusting))
        clients[-1].send(packets.connect(V5, **LOGIN))
        assert clients[-1].receive_packet() == packets.connack(V5)
    for version in VERSIONS:
        expected = packets.connack(version, 0x89 if version == V5 else 0x03)
        assert attempt(moat, trusting, version) == expected
    assert upstream.count == 2
    clients[0].close()
    upstream.connection(0).wait_finished()
    moat.wait_event("ended")
    assert attempt(moat, trusting) == packets.connack(V311)


def test_remote_plaintext_must_be_asked_for(start_moat, tmp_path):
    """Without allow_remote_plaintext a broker on another machine is a fault of the configuration."""
    moat = start_moat(upstream={"address": f"192.0.2.1:{free_port()}"}, is_awaited=False)
    assert moat.wait() == 78
    assert "allow_remote_plaintext" in moat.text()
    moat.has_ended = True
