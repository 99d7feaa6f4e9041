"""What is no TLS, what is TLS no longer, and what is no MQTT inside it."""

import random

import pytest

from crowd import Crowd, answer_of, client_hello, tls_clients
from harness import packets
from harness.configuration import USERS
from siege import size

COUNT = size(40, 2000)
LOGIN = {"username": "bob", "password": USERS["bob"]}
# An alert record is all that a stranger may be told: 15 03 0x 00 02 level description.
ALERT_SIZE = 7

# The header and body of the hello that SSL 2.0 began with, of a client that offers up to TLS 1.0.
SSL2_HELLO = bytes.fromhex("802e 01 0301 0015 0000 0010 000039 00002f 000005 00000a 0700c0 060040 040080"
                           .replace(" ", "")) + bytes(range(16))

BEFORE = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: gate.example\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "MQTT": packets.connect(**LOGIN),
    "SSL2": SSL2_HELLO,
    "PROXY": b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n" + packets.connect(**LOGIN),
    "zeros": bytes(600),
    "ones": b"\xff" * 600,
    "newlines": b"\n" * 600,
    "empty records": b"\x16\x03\x01\x00\x00" * 200,
    "huge record": b"\x16\x03\x01\xff\xff" + bytes(600),
    "huge hello": b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + bytes(600),
    "alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "application data": b"\x17\x03\x03\x00\x20" + bytes(32),
}


@pytest.mark.parametrize("kind", BEFORE)
def test_before_tls(siege, kind):
    """Nothing of what was said comes back, and the connection is ended at once or at the deadline."""
    with siege.attack(), Crowd() as crowd:
        crowd.arrive(siege.address(), COUNT)
        crowd.say(BEFORE[kind])
        crowd.wait_all_ended(20)
        for answer in crowd.answers.values():
            assert len(answer) == ALERT_SIZE and answer[0] == 0x15, answer.hex(" ")


def test_random_bytes(siege, seed):
    source_of_bytes = random.Random(seed)
    with siege.attack(), Crowd() as crowd:
        crowd.arrive(siege.address(), COUNT)
        crowd.say_each([source_of_bytes.randbytes(source_of_bytes.randint(1, 2000)) for _ in crowd.sockets])
        crowd.wait_all_ended(20)


def test_broken_hellos(siege, seed):
    """A ClientHello in which a few bytes differ."""
    source_of_bytes = random.Random(seed)
    hello = client_hello(siege)

    def broken():
        data = bytearray(hello)
        for _ in range(source_of_bytes.randint(1, 4)):
            data[source_of_bytes.randrange(len(data))] = source_of_bytes.randrange(256)
        return bytes(data)

    with siege.attack(), Crowd() as crowd:
        crowd.arrive(siege.address(), COUNT * 4)
        crowd.say_each([broken() for _ in crowd.sockets])
        crowd.wait_all_ended(20)


@pytest.mark.parametrize("when", ("admit", "relay"))
@pytest.mark.parametrize("kind", ("HTTP", "ones", "alert", "broken record"))
def test_inside_the_tls_stream(siege, when, kind):
    """Bytes that are no records, behind a good handshake."""
    with siege.attack():
        for number in range(COUNT // 4):
            connect = packets.connect(client_id=f"c{number}", **LOGIN) if when == "relay" else b""
            client = tls_clients(siege, 1, connect, first=number)[0]
            if when == "relay":
                assert client.receive_packet() == packets.connack(packets.V311)
            if kind == "broken record":
                record = bytearray(client.record(packets.PING))
                record[-1] ^= 1
                client.send_raw(bytes(record))
            else:
                client.send_raw(BEFORE[kind])
            client.receive_to_end()
            client.close()


@pytest.mark.parametrize("kind", ("HTTP", "SSL2", "zeros", "ones", "newlines"))
def test_no_mqtt_in_tls(siege, kind):
    """Decrypted garbage where CONNECT should be: closed without a word."""
    with siege.attack():
        for number in range(COUNT):
            client = tls_clients(siege, 1, BEFORE[kind], first=number)[0]
            assert client.receive_to_end() == b""
            client.close()


def test_garbage_after_the_end(siege):
    """close_notify, and then more; what comes behind the end is not looked at."""
    with siege.attack():
        for number in range(COUNT):
            client = tls_clients(siege, 1, packets.connect(client_id=f"c{number}", **LOGIN), first=number)[0]
            assert client.receive_packet() == packets.connack(packets.V311)
            client.notify_only()
            client.send_raw(b"\xff" * 600 + b"\x17\x03\x03\x00\x20" + bytes(32))
            answer_of(client)
            client.socket.close()
