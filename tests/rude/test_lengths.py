"""Lengths that are announced and never come, and readers that never read: memory stays bounded."""

import os
import threading
import time

import pytest

from crowd import Crowd, tls_clients
from harness import packets
from harness.configuration import USERS
from harness.moat import is_sanitized
from harness.tls_client import TlsClient
from harness.waiting import wait_until
from siege import IS_FULL, size

COUNT = size(150, 3000)
LOGIN = {"username": "bob", "password": USERS["bob"]}
LARGEST = b"\xff\xff\xff\x7f"  # 268,435,455 bytes follow
MEGABYTE = 1 << 20
# What one session costs over TLS, at most; an announced length may add nothing to it.
SESSION_SIZE = 96 << 10


def open_and_measure(siege, data):
    """What `COUNT` connections that have said `data` cost, in bytes, while they stand."""
    before = siege.moat.resident_bytes()
    with Crowd() as crowd:
        clients = tls_clients(siege, COUNT, data)
        crowd.adopt(clients)
        crowd.watch(0.3)
        cost = siege.moat.resident_bytes() - before
    return cost, len(crowd.ended)


@pytest.fixture
def patient_siege(make_siege, mosquitto):
    """With deadlines so late, and room for so many, that all the connections are there at the same time."""
    return make_siege(mosquitto, timeouts={"handshake": "5m", "connect": "5m", "drain": "0s"},
                      limits={"handshakes": COUNT})


def test_connect_of_256_mb(patient_siege):
    """The limit of CONNECT is known with its fifth byte, so nothing of it is ever kept."""
    siege = patient_siege
    with siege.attack(allowed_growth=COUNT * 1024):
        idle, _ = open_and_measure(siege, b"")
        huge, ended = open_and_measure(siege, b"\x10" + LARGEST + b"\0\4MQTT")
        if not is_sanitized():
            assert huge <= idle * 1.2 + 4 * MEGABYTE, (idle, huge)
        assert ended == COUNT


def test_connect_of_all_that_is_allowed(patient_siege):
    """64 KiB are allowed; a stranger who announces them and sends five bytes has not got them."""
    siege = patient_siege
    with siege.attack(allowed_growth=COUNT * 1024):
        idle, _ = open_and_measure(siege, b"")
        huge, ended = open_and_measure(siege, b"\x10\xf0\xff\x03\0\4MQ")
        if not is_sanitized():
            assert huge <= idle * 1.2 + 4 * MEGABYTE, (idle, huge)
        assert ended == 0


def test_other_first_packets_of_256_mb(siege):
    """All fifteen other types, closed after the first byte."""
    kinds = [kind for kind in range(16) if kind != packets.CONNECT]
    before = siege.moat.resident_bytes()
    with siege.attack(allowed_growth=COUNT * 1024):
        for kind in kinds:
            clients = tls_clients(siege, max(COUNT // len(kinds), 10), bytes([kind << 4]) + LARGEST)
            for client in clients:
                assert client.receive_to_end() == b""
                client.close()
        if not is_sanitized():
            assert siege.moat.resident_bytes() - before < COUNT * SESSION_SIZE
    assert len(siege.moat.find("refused", reason="not_connect")) == max(COUNT // len(kinds), 10) * len(kinds)


def test_publish_of_256_mb(siege):
    """A frame of the relay is passed on as it comes; its length is only a number."""
    count = size(40, 500)
    with siege.attack(allowed_growth=COUNT * 1024):
        clients = []
        for number in range(count):
            client = tls_clients(siege, 1, packets.connect(client_id=f"c{number}", **LOGIN), first=number)[0]
            assert client.receive_packet() == packets.connack(packets.V311)
            clients.append(client)
        before = siege.moat.resident_bytes()
        for client in clients:
            client.send(b"\x30" + LARGEST + b"\0\1t" + b"x" * 1000)
        time.sleep(0.5)
        if not is_sanitized():
            assert siege.moat.resident_bytes() - before < 2 * MEGABYTE + count * (64 << 10)
        for client in clients:
            client.close()


def test_never_reading(siege):
    """Subscribers that stop reading while much is sent to them cost at most 64 KiB each."""
    count, amount = size(10, 50), size(8, 256) * MEGABYTE
    with siege.attack():
        sleepers = []
        for number in range(count):
            client = TlsClient(siege.address(), siege.trusting, receive_buffer=4096)
            client.send(packets.connect(client_id=f"sleeper-{number}", **LOGIN)
                        + packets.subscribe(packets.V311, "flood"))
            assert client.receive_packet() == packets.connack(packets.V311)
            assert client.receive_packet() == packets.suback(packets.V311)
            sleepers.append(client)
        before = siege.moat.resident_bytes()
        speaker = TlsClient(siege.address(), siege.trusting)
        speaker.send(packets.connect(client_id="speaker", **LOGIN))
        assert speaker.receive_packet() == packets.connack(packets.V311)
        message = packets.publish(packets.V311, "flood", os.urandom(60000))
        for _ in range(amount // 60000):
            speaker.send(message)
        speaker.send(packets.PING)
        assert speaker.receive_packet(60 if not IS_FULL else 600) == packets.PONG
        if not is_sanitized():
            # each its buffer, and what the speaker was given
            allowed = (count + 2) * (160 << 10) + MEGABYTE
            assert siege.moat.resident_bytes() - before < allowed
        for client in [*sleepers, speaker]:
            client.socket.close()


def test_never_reading_the_answer(siege):
    """Strangers who are answered and do not read, which must not keep anything alive."""
    with siege.attack():
        clients = []
        for number in range(size(60, 1000)):
            wrong = packets.connect(client_id="c", username="bob", password="wrong")
            clients += tls_clients(siege, 1, wrong, first=number, receive_buffer=2048)
        wait_until(lambda: len(siege.moat.find("refused")) >= len(clients), "all to be refused")
        threading.Event().wait(1)  # past the linger
        siege.check_left_nothing()
        for client in clients:
            client.socket.close()
