"""Sides that stop reading: they cost 64 KiB, and are cut after timeouts.stall, which is short here.
Whoever reads, however slowly, is not."""

import os
import signal
import socket
import threading
import time

import pytest

from harness import packets
from harness.configuration import USERS
from harness.moat import is_sanitized
from harness.packets import V5, V311
from harness.waiting import wait_until

LOGIN = {"username": "alice", "password": USERS["alice"]}
MEGABYTE = 1 << 20
STALL = {"stall": "1s"}
MESSAGE = packets.publish(V311, "t", b"s" * 65000)


def enter(moat, trusting, upstream, version=V311, **options):
    client = moat.client(trusting, **options)
    connect = packets.connect(version, **LOGIN)
    known = upstream.count
    client.send(connect)
    assert client.receive_packet() == packets.connack(version)
    connection = upstream.next_connection(known)
    connection.wait_for(connect)
    connection.connect_size = len(connect)
    return client, connection


class Pump(threading.Thread):
    """Sends messages until it cannot any more; `sent` counts them."""

    def __init__(self, send, message=MESSAGE, count=1 << 20):
        super().__init__(daemon=True)
        self.sent, self._send, self._message, self._count = 0, send, message, count
        self.start()

    def run(self):
        try:
            while self.sent < self._count:
                self._send(self._message)
                self.sent += 1
        except OSError:
            pass

    def wait_ended(self, timeout=20):
        self.join(timeout)
        assert not self.is_alive(), "it is still held up"


def most_growth():
    """Far above the two buffers of one session; a sanitizer keeps freed memory, too."""
    return 24 * MEGABYTE if is_sanitized() else 2 * MEGABYTE


@pytest.fixture
def sanitizer_options():
    options = os.environ.get("ASAN_OPTIONS", "")
    return {"ASAN_OPTIONS": f"{options}:quarantine_size_mb=1:thread_local_quarantine_size_kb=64"}


# --- clients -----------------------------------------------------------------------------------


def test_client_that_stops_reading(start_moat, trusting, upstream, sanitizer_options):
    """Its broker says megabytes. It goes on pinging, so that only the stall ends it."""
    moat = start_moat(timeouts=STALL, env=sanitizer_options)
    other, other_connection = enter(moat, trusting, upstream)
    client, connection = enter(moat, trusting, upstream, receive_buffer=16384)
    before, most = moat.resident_bytes(), 0
    pump = Pump(connection.send)
    while not moat.find("ended"):
        most = max(most, moat.resident_bytes())
        client.send(packets.PING)
        other.send(packets.PING)  # nobody else is held up
        other_connection.send(packets.PONG)
        assert other.receive_packet() == packets.PONG
        time.sleep(0.05)
        assert pump.sent < 1 << 19
    ended = moat.wait_event("ended")
    assert (ended["reason"], ended["level"]) == ("client_stalled", "warning")
    connection.wait_finished()
    pump.wait_ended()
    assert most - before < most_growth()
    client.abort()


def test_many_clients_that_stop_reading(start_moat, trusting, upstream, sanitizer_options):
    """64 KiB for each of thirty is all that may be held."""
    moat = start_moat(timeouts={"stall": "30s"}, env=sanitizer_options)
    pairs = [enter(moat, trusting, upstream, receive_buffer=4096) for _ in range(30)]
    before = moat.resident_bytes()
    pumps = [Pump(connection.send) for _, connection in pairs]
    seen = [None, 0]

    def are_all_held_up():
        counts = [pump.sent for pump in pumps]
        seen[1] = seen[1] + 1 if counts == seen[0] else 0
        seen[0] = counts
        return seen[1] > 8
    wait_until(are_all_held_up, "every broker to be held up", timeout=60)
    assert moat.resident_bytes() - before < 30 * 2 * 65536 + most_growth()
    for client, _ in pairs:
        client.abort()
    for pump in pumps:
        pump.wait_ended()


def test_client_that_reads_slowly(start_moat, trusting, upstream):
    """Over many times the limit."""
    moat = start_moat(timeouts={"stall": "1s"})
    client, connection = enter(moat, trusting, upstream, receive_buffer=16384)
    count = 120
    pump = Pump(connection.send, count=count)
    for _ in range(20):
        client.receive(65536)
        time.sleep(0.2)
    assert client.receive(count * len(MESSAGE) - 20 * 65536) == (count * MESSAGE)[20 * 65536:]
    pump.wait_ended()
    assert not moat.find("ended")


# --- brokers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("is_unix", (False, True), ids=("tcp", "unix"))
def test_broker_that_stops_reading(start_moat, trusting, make_upstream, tmp_path, is_unix):
    """Its client is told that the server is too busy, and is let go."""
    broker = make_upstream(str(tmp_path / "broker.sock")) if is_unix else make_upstream()
    moat = start_moat(to=broker, timeouts=STALL)
    client, connection = enter(moat, trusting, broker, V5)
    connection.pause()
    client.timeout = 0.5
    message = packets.publish(V5, "t", b"s" * 16000)
    with pytest.raises(OSError):  # nothing more leaves
        for _ in range(1 << 20):
            client.send_raw(client.record(message))
    assert client.receive_to_end(timeout=20) == packets.disconnect(V5, 0x89)
    ended = moat.wait_event("ended")
    assert (ended["reason"], ended["level"]) == ("upstream_stalled", "error")
    client.abort()
    connection.resume()


def publish_until_held_up(client, most):
    """Numbered messages; returns how many left the client whole."""
    client.socket.settimeout(0.5)
    for number in range(most):
        record = client.record(packets.publish(V311, "flood", number.to_bytes(4, "big") + b"x" * 16000))
        try:
            while record:
                record = record[client.socket.send(record):]
        except socket.timeout:
            return number, record
    return most, b""


def test_broker_that_is_stopped_for_a_while(start_moat, trusting, mosquitto):
    """SIGSTOP under load and SIGCONT before the limit: nothing is lost, nothing comes twice."""
    moat = start_moat(to=mosquitto, timeouts={"stall": "1m"})
    with moat.client(trusting) as subscriber, moat.client(trusting) as client:
        subscriber.send(packets.connect(V311, client_id="s", **LOGIN) + packets.subscribe(V311, "flood"))
        assert subscriber.receive_packet() == packets.connack(V311)
        assert subscriber.receive_packet() == packets.suback(V311)
        client.send(packets.connect(V311, client_id="c", **LOGIN))
        assert client.receive_packet() == packets.connack(V311)
        mosquitto.signal(signal.SIGSTOP)
        try:
            count, rest = publish_until_held_up(client, 2000)
            assert count < 2000, "nobody held the client up"
        finally:
            mosquitto.signal(signal.SIGCONT)
        sender = threading.Thread(target=client.send_raw, args=(rest,))
        sender.start()
        for number in range(count + 1):
            packet = subscriber.receive_packet()
            assert packet == packets.publish(V311, "flood", number.to_bytes(4, "big") + b"x" * 16000)
        sender.join(20)
    assert not moat.find("ended", reason="upstream_stalled")


def test_broker_that_is_stopped_for_good(start_moat, trusting, mosquitto):
    """The client is let go, and finds the broker again when that goes on."""
    moat = start_moat(to=mosquitto, timeouts=STALL)
    client = moat.client(trusting)
    client.send(packets.connect(V311, client_id="c", **LOGIN))
    assert client.receive_packet() == packets.connack(V311)
    mosquitto.signal(signal.SIGSTOP)
    try:
        publish_until_held_up(client, 2000)
        client.receive_to_end(timeout=20)
        assert moat.wait_event("ended")["reason"] == "upstream_stalled"
    finally:
        mosquitto.signal(signal.SIGCONT)
    client.abort()
    with moat.client(trusting) as again:
        again.send(packets.connect(V311, client_id="c", **LOGIN))
        assert again.receive_packet() == packets.connack(V311)
