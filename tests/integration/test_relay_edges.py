"""The edges of relaying, with a recording upstream: half-closes, last words, slow readers, and
packets that a client may not send."""

import os
import random
import select
import threading

import pytest

from harness import packets
from harness.client import FINISHED, NOTIFIED
from harness.configuration import USERS
from harness.moat import is_sanitized
from harness.packets import V5, V31, V311, VERSION_NAMES, VERSIONS
from harness.waiting import wait_until

LOGIN = {"username": "alice", "password": USERS["alice"]}
MEGABYTE = 1 << 20


@pytest.fixture
def moat(start_moat):
    """AddressSanitizer keeps freed memory; here it may keep a little only, since memory is measured."""
    options = os.environ.get("ASAN_OPTIONS", "")
    return start_moat(env={"ASAN_OPTIONS": f"{options}:quarantine_size_mb=1:thread_local_quarantine_size_kb=64"})


@pytest.fixture
def pair(moat, trusting, upstream):
    """pair(version) gives a connected client and its connection at the upstream, which each test
    ends as it wants."""
    upstream.stays_open = True

    def make(version=V311, **options):
        known = upstream.count
        client = moat.client(trusting, **options)
        connect = packets.connect(version, **LOGIN)
        client.send(connect)
        assert client.receive_packet() == packets.connack(version)
        connection = upstream.next_connection(known)
        connection.wait_for(connect)
        connection.connect_size = len(connect)
        return client, connection

    yield make
    for connection in upstream.connections:
        connection.close()


# --- half-closes -----------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_client_finishes_first(pair, version):
    """Everything the client said arrives, then the end; the answer to it still comes back."""
    client, connection = pair(version)
    message = packets.publish(version, "t", random.randbytes(MEGABYTE))
    client.send(message)
    client.finish_sending()
    assert connection.wait_finished()[connection.connect_size:] == message
    answer = packets.publish(version, "t", random.randbytes(MEGABYTE))
    connection.send(answer)
    connection.close()
    assert client.receive_to_end() == answer
    assert client.ended == NOTIFIED


def test_close_notify_alone_is_an_end(pair):
    """TLS says that the client has finished; its TCP connection need not be closed for it."""
    client, connection = pair()
    client.notify_only()
    connection.wait_finished(timeout=5)


def test_end_of_file_alone_is_an_end(pair):
    """A device that closes TCP without close_notify has gone all the same."""
    client, connection = pair()
    client.socket.close()
    connection.wait_finished(timeout=5)


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_upstream_finishes_first(pair, version):
    """Everything the upstream said arrives, then close_notify; what the client still says is
    delivered."""
    client, connection = pair(version)
    words = packets.publish(version, "t", random.randbytes(MEGABYTE))
    connection.send(words)
    connection.finish_sending()
    assert client.receive_to_end() == words
    assert client.ended == NOTIFIED
    goodbye = packets.publish(version, "t", b"still here") + packets.disconnect(version)
    client.send(goodbye)
    connection.wait_received(connection.connect_size + len(goodbye))
    assert bytes(connection.received[connection.connect_size:]) == goodbye
    client.close()
    connection.wait_finished(timeout=5)


def test_reset_by_the_client(pair):
    client, connection = pair()
    client.abort()
    connection.wait_finished(timeout=5)


def test_reset_by_the_upstream(pair):
    client, connection = pair()
    connection.abort()
    assert client.receive_to_end(timeout=5) == b""


def test_last_words_survive_a_reset(pair):
    """A broker says DISCONNECT and closes while input waits for it unread: its kernel then resets
    the connection. What it said must arrive nevertheless, every time."""
    lost = 0
    for _ in range(100):
        client, connection = pair(V5)
        connection.pause()
        client.send(packets.publish(V5, "t", b"x" * 60_000))
        connection.send(packets.disconnect(V5, 0x8D))
        connection.close()
        for _ in range(5):
            client.send(packets.publish(V5, "t", b"y" * 5000))
        lost += client.receive_to_end() != packets.disconnect(V5, 0x8D)
        client.close()
    assert lost == 0


@pytest.mark.parametrize("stray", (1, 3000, 65536))
def test_last_words_about_a_malformed_packet(pair, stray):
    """Again with bytes behind the packet that the broker dislikes, which it never reads. Some
    are in its buffers, some in ours, some still under way when it resets."""
    for _ in range(100):
        client, connection = pair(V5)
        bad = packets.publish(V5, "t/#", b"x")
        client.send(bad)
        connection.wait_received(connection.connect_size + len(bad))
        connection.pause()
        client.send(packets.publish(V5, "t", b"y" * stray)[:stray])
        connection.send(packets.disconnect(V5, 0x90))
        connection.close()
        assert client.receive_to_end() == packets.disconnect(V5, 0x90)
        client.close()


def fill(client):
    """Sends until nothing more leaves: every buffer on the way is full."""
    record = packets.publish(V5, "t", b"x" * 16000)
    data = b""
    while select.select([], [client.socket], [], 0.3)[1]:
        data = data or client.record(record)
        data = data[client.socket.send(data):]


def test_last_words_survive_a_reset_with_much_under_way(pair):
    """The same while Moat itself holds what the broker did not take: that write fails."""
    for _ in range(5):
        client, connection = pair(V5)
        connection.pause()
        fill(client)
        connection.send(packets.disconnect(V5, 0x97))
        connection.close()
        assert client.receive_to_end() == packets.disconnect(V5, 0x97)
        assert client.ended == NOTIFIED
        client.abort()


def test_last_words_behind_a_megabyte(pair):
    """They wait for a client that reads slowly."""
    client, connection = pair(V5, receive_buffer=4096)
    words = packets.publish(V5, "t", b"m" * MEGABYTE) + packets.disconnect(V5, 0x8B)

    def speak():
        connection.send(words)
        connection.close()

    speaker = threading.Thread(target=speak)
    speaker.start()
    assert client.receive_to_end() == words
    assert client.ended in (NOTIFIED, FINISHED)
    speaker.join()


# --- slow readers ----------------------------------------------------------------------------

MESSAGE = packets.publish(V311, "t", b"s" * (MEGABYTE - 7))  # a megabyte with its header
STREAM = 48 * len(MESSAGE)


def most_growth():
    """What one session may cost while it is held up, far above its two buffers of 64 KiB. A
    sanitizer needs memory of its own; its bound is only against keeping everything."""
    return 24 * MEGABYTE if is_sanitized() else 2 * MEGABYTE


class Pump(threading.Thread):
    """Writes the stream and counts how far it got."""

    def __init__(self, send):
        super().__init__(daemon=True)
        self.sent, self._send, self.failure = 0, send, None
        self.start()

    def run(self):
        message = memoryview(MESSAGE)
        try:
            while self.sent < STREAM:
                piece = message[self.sent % len(MESSAGE):][:65536]
                self._send(piece)
                self.sent += len(piece)
        except OSError as failure:
            self.failure = failure

    def wait_stalled(self):
        """Waits until nothing more leaves: every buffer on the way is full."""
        seen = [(-1, 0)]

        def is_stalled():
            last, times = seen[0]
            seen[0] = (self.sent, times + 1 if self.sent == last else 0)
            return seen[0][1] >= 8
        wait_until(is_stalled, "the stream to stall")
        assert self.sent < STREAM, "nobody held the stream up"


def expect_stream(received):
    assert len(received) == STREAM
    assert all(received[at:at + len(MESSAGE)] == MESSAGE for at in range(0, STREAM, len(MESSAGE)))


def test_client_that_does_not_read(moat, pair):
    client, connection = pair(receive_buffer=16384)
    before = moat.resident_bytes()
    pump = Pump(connection.send)
    pump.wait_stalled()
    assert moat.resident_bytes() - before < most_growth()
    other, _ = pair()  # nobody else is held up
    other.close()
    expect_stream(client.receive(STREAM, timeout=60))
    pump.join(10)
    assert moat.resident_bytes() - before < most_growth()


def test_upstream_that_does_not_read(moat, pair):
    client, connection = pair()
    connection.pause()
    before = moat.resident_bytes()
    client.timeout = 60
    pump = Pump(client.send)
    pump.wait_stalled()
    assert moat.resident_bytes() - before < most_growth()
    other, _ = pair()
    other.close()
    connection.resume()
    received = connection.wait_received(connection.connect_size + STREAM, timeout=60)
    expect_stream(received[connection.connect_size:])
    pump.join(10)
    assert moat.resident_bytes() - before < most_growth()


def test_one_direction_stalls_alone(pair):
    """What the client sends arrives although the client reads nothing."""
    client, connection = pair(receive_buffer=16384)
    pump = Pump(connection.send)
    pump.wait_stalled()
    message = packets.publish(V311, "t", b"from the client")
    client.send(message)
    connection.wait_received(connection.connect_size + len(message))
    client.abort()
    pump.join(10)
    assert not pump.is_alive(), "the upstream is still held up by a client that has gone"


# --- what a client may not send --------------------------------------------------------------

NOT_ALLOWED = {
    "second CONNECT": (packets.connect(V5, **LOGIN), 0x82),
    "CONNACK": (packets.connack(V5), 0x82),
    "SUBACK": (packets.suback(V5), 0x82),
    "UNSUBACK": (packets.packet(packets.UNSUBACK, b"\0\1\0\0"), 0x82),
    "PINGRESP": (packets.PONG, 0x82),
    "AUTH": (packets.packet(packets.AUTH), 0x82),
    "type 0": (b"\x00\x00", 0x82),
    "five bytes of length": (b"\x30\xff\xff\xff\xff\x01", 0x81),
}


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
@pytest.mark.parametrize("what", NOT_ALLOWED)
def test_packet_that_ends_the_session(moat, pair, what, version):
    """Nothing of it reaches the upstream, which is not told a DISCONNECT either."""
    data, code = NOT_ALLOWED[what]
    client, connection = pair(version)
    good = packets.publish(version, "t", b"before") + packets.PING
    client.send(good + data)
    expected = packets.disconnect(V5, code) if version == V5 else b""
    assert client.receive_to_end() == expected
    assert client.ended == NOTIFIED
    assert connection.wait_finished()[connection.connect_size:] == good
    assert moat.wait_event("ended")["reason"] in ("second_connect", "packet_not_allowed", "packet_malformed")


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_second_connect_inside_a_broker_packet(pair, version):
    """A DISCONNECT in the midst of a PUBLISH would be read as its payload: then there is none."""
    client, connection = pair(version)
    part = packets.publish(version, "t", b"p" * 1000)[:500]
    connection.send(part)
    assert client.receive(500) == part
    client.send(packets.connect(version, **LOGIN))
    assert client.receive_to_end() == b""
    connection.wait_finished()


@pytest.mark.parametrize("version", (V31, V311, V5), ids=VERSION_NAMES.get)
def test_second_connect_pipelined_behind_the_first(moat, trusting, upstream, version):
    """The check is not only for what comes later: both in one record."""
    connect = packets.connect(version, **LOGIN)
    with moat.client(trusting) as client:
        client.send(connect + packets.connect(version, client_id="other"))
        answer = client.receive_to_end()
    assert upstream.connection(0).wait_finished() in (b"", connect)
    # [MQTT-3.2.0-1]: a server says nothing before CONNACK, so no DISCONNECT alone either.
    ends = (b"", packets.disconnect(V5, 0x82)) if version == V5 else (b"",)
    assert answer == b"" or answer in [packets.connack(version) + end for end in ends]


def test_second_connect_split_over_records(pair):
    client, connection = pair(V5)
    second = packets.connect(V5, **LOGIN)
    message = packets.publish(V5, "t", b"x" * 100)
    client.send(message[:50])
    client.send(message[50:] + second[:1])
    client.send_each([second[1:2], second[2:]])
    assert client.receive_to_end() == packets.disconnect(V5, 0x82)
    assert connection.wait_finished()[connection.connect_size:] == message


def test_connect_inside_a_payload_is_a_payload(pair):
    client, connection = pair(V5)
    message = packets.publish(V5, "t", packets.connect(V5) * 50)
    client.send_each([message[i:i + 7] for i in range(0, len(message), 7)])
    connection.wait_received(connection.connect_size + len(message))
    assert bytes(connection.received[connection.connect_size:]) == message
    client.close()


def test_broker_that_is_none(moat, pair):
    """An upstream that does not speak MQTT is cut off, and not relayed any further."""
    client, connection = pair(V5)
    connection.send(b"\x10\x00 this is no packet of a broker")
    assert client.receive_to_end() == b""
    assert moat.wait_event("ended")["reason"] == "upstream_packet"
