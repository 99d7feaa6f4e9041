"""Clients that leave, in every phase and in every manner. Whatever they do, nothing of them
stays: the fixtures wait until Moat has no socket left but its listeners."""

import random
import socket
import ssl

import pytest

from harness import packets
from harness.client import Ended
from harness.configuration import USERS
from harness.packets import V5, V311
from harness.tls_client import TLS12, TLS13, TLS_NAMES, TlsSettings

LOGIN = {"username": "alice", "password": USERS["alice"]}
CONNECT = packets.connect(V311, **LOGIN)


def by_reset(client):
    client.abort()


def by_end_of_file(client):
    client.socket.close()


def by_close_notify(client):
    client.close()


def by_half_close(client):
    client.socket.shutdown(socket.SHUT_WR)


def by_close_notify_and_half_close(client):
    client.finish_sending()


LEAVING = (by_reset, by_end_of_file, by_close_notify)


@pytest.mark.parametrize("leave", LEAVING)
@pytest.mark.parametrize("sent", (b"", b"\x16", b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03"))
def test_in_the_handshake(moat, leave, sent):
    client = moat.plain_client()
    client.send(sent)
    leave(client)
    assert moat.wait_event("refused")["reason"] in ("client_ended", "client_lost", "tls_failed")


@pytest.mark.parametrize("leave", LEAVING)
@pytest.mark.parametrize("size", (0, 1, 2, 12, len(CONNECT) - 1))
def test_before_connect_is_complete(moat, trusting, upstream, leave, size):
    client = moat.client(trusting)
    client.send(CONNECT[:size])
    leave(client)
    assert moat.wait_event("refused")["reason"] in ("client_ended", "client_lost")
    assert upstream.count == 0


@pytest.mark.parametrize("leave", LEAVING)
def test_while_the_password_is_checked(moat, trusting, leave):
    """The check goes on in another thread, for a session that may be gone when it ends."""
    for number in range(20):
        client = moat.client(trusting)
        client.send(packets.connect(V311, username="alice", password=f"wrong {number}"))
        leave(client)
    for _ in range(20):
        client = moat.client(trusting)
        client.send(CONNECT)
        leave(client)


@pytest.mark.parametrize("leave", LEAVING)
def test_while_the_upstream_is_dialled(start_moat, trusting, leave):
    """A broker whose host does not answer."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(8):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
            waiting.append(one)
        moat = start_moat(upstream={"address": "127.0.0.1:%d" % listener.getsockname()[1],
                                    "connect_timeout": "2s"})
        client = moat.client(trusting)
        client.send(CONNECT)
        leave(client)
        assert moat.wait_event("refused")["reason"] in ("client_ended", "client_lost", "upstream_timeout")
        for one in waiting:
            one.close()


@pytest.mark.parametrize("tls", (TLS12, TLS13), ids=TLS_NAMES.get)
@pytest.mark.parametrize("leave", (by_half_close, by_close_notify_and_half_close))
@pytest.mark.parametrize("size", (0, 1000, 16000, 60_000))
def test_says_everything_and_leaves(moat, pki, upstream, leave, size, tls):
    """A sensor that wakes, speaks and sleeps again, without waiting for any answer: what it said
    arrives whole. (It does not close while tickets of TLS 1.3 are on their way to it: its own
    kernel would then reset the connection, and what it said could be lost before it came here.)"""
    rest = packets.publish(V311, "t", b"x" * size) + packets.disconnect()
    client = moat.client(TlsSettings(pki.server_ca.certificate, version=tls))
    client.send(CONNECT + rest)
    leave(client)
    assert upstream.connection(0).wait_finished() == CONNECT + rest


@pytest.mark.parametrize("tls", (TLS12, TLS13), ids=TLS_NAMES.get)
@pytest.mark.parametrize("leave", (by_reset, by_end_of_file))
def test_says_everything_and_is_reset(moat, pki, upstream, leave, tls):
    """The same sensor, when its own kernel resets the connection because it has left our tickets
    unread. The password is still being checked then; what had arrived is the broker's all the same."""
    rest = packets.publish(V311, "t", b"x" * 1000) + packets.disconnect()
    client = moat.client(TlsSettings(pki.server_ca.certificate, version=tls))
    client.send(CONNECT + rest)
    leave(client)
    assert upstream.connection(0).wait_finished() == CONNECT + rest


def test_at_random_moments(start_moat, trusting, mosquitto, seed):
    """Three hundred sessions that break off somewhere, and one that stays and notices nothing."""
    rng = random.Random(seed)
    print(f"MOAT_TEST_SEED={seed}")
    moat = start_moat(to=mosquitto)
    steady = moat.client(trusting)
    steady.send(CONNECT + packets.subscribe(V311, "steady"))
    assert steady.receive_packet() == packets.connack(V311)
    assert steady.receive_packet() == packets.suback(V311)
    for number in range(300):
        client = moat.client(trusting)
        client.timeout = rng.choice((0.001, 0.01, 5))
        whole = packets.connect(V5, client_id=f"r{number % 7}", **LOGIN) + packets.subscribe(V5, "#") \
            + packets.publish(V5, "noise", rng.randbytes(rng.randrange(50_000)))
        try:
            client.send(whole[:rng.randrange(len(whole))])
            if rng.random() < 0.5:
                client.receive_packet()
        except (OSError, Ended, ssl.SSLError):
            pass
        rng.choice(LEAVING)(client)
        if number % 50 == 0:
            message = packets.publish(V311, "steady", str(number))
            steady.send(message)
            assert steady.receive_packet() == message


@pytest.mark.parametrize("leave", LEAVING)
def test_upstream_that_vanishes_at_once(start_moat, make_upstream, trusting, leave):
    """Broker and client leave in the same moment, again and again."""
    broker = make_upstream(on_bytes=lambda connection: connection.abort())
    moat = start_moat(to=broker)
    for _ in range(50):
        client = moat.client(trusting)
        client.send(CONNECT)
        leave(client)
