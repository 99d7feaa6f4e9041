"""What is relayed, with a real Mosquitto behind and real clients in front."""

import os
import signal
import subprocess
import threading

import pytest

from harness import packets
from harness.client import NOTIFIED, TcpClient
from harness.configuration import USERS
from harness.mosquitto import program
from harness.packets import V5, V311, VERSION_NAMES, VERSIONS, Will
from harness.processes import run
from harness.tls_client import TlsClient

LOGIN = {"username": "alice", "password": USERS["alice"]}
SIZES = (0, 1, 127, 128, 16384, 1 << 20)


@pytest.fixture
def gate(start_moat, mosquitto):
    return start_moat(to=mosquitto)


def connected(gate, trusting, version=V5, **fields):
    """A raw client whose CONNECT the broker has accepted."""
    client = gate.client(trusting)
    client.send(packets.connect(version, **{**LOGIN, **fields}))
    answer = client.receive_packet()
    assert answer[0] == 0x20 and answer[3] == 0, answer.hex(" ")
    return client


def listening(mosquitto, topic, version=V311, client_id="observer", qos=0):
    """A client of the broker itself, subscribed: it sees what others see without Moat."""
    client = TcpClient(mosquitto.address)
    client.send(packets.connect(version, client_id=client_id))
    client.receive_packet()
    client.send(packets.subscribe(version, topic, qos))
    client.receive_packet()
    return client


# --- Paho ------------------------------------------------------------------------------------


class PahoClient:
    """Debian's Paho over TLS; what arrives is kept."""

    PROTOCOLS = {3: 3, 4: 4, 5: 5}  # MQTTv31, MQTTv311, MQTTv5

    def __init__(self, gate, pki, version, client_id):
        from paho.mqtt import client as paho
        self.messages, self.changed = [], threading.Condition()
        self.client = paho.Client(client_id, protocol=self.PROTOCOLS[version])
        self.client.tls_set(pki.server_ca.certificate)
        self.client.username_pw_set("alice", USERS["alice"])
        self.client.on_message = self._on_message
        self.client.on_subscribe = lambda *_: self._note("subscribed")
        host, port = gate.address()
        self.client.connect(host, port, keepalive=60)
        self.client.loop_start()

    def _note(self, what):
        with self.changed:
            self.messages.append(what)
            self.changed.notify_all()

    def _on_message(self, _client, _data, message):
        self._note((message.topic, bytes(message.payload), message.qos, message.retain))

    def wait(self, count, timeout=30):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.messages) >= count, timeout), self.messages
            return list(self.messages)

    def stop(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_paho_every_quality_and_size(gate, pki, version):
    subscriber = PahoClient(gate, pki, version, "subscriber")
    publisher = PahoClient(gate, pki, version, "publisher")
    try:
        subscriber.client.subscribe("t/#", 2)
        assert subscriber.wait(1) == ["subscribed"]
        expected = []
        for qos in (0, 1, 2):
            for size in SIZES:
                payload = os.urandom(size)
                publisher.client.publish(f"t/{qos}", payload, qos).wait_for_publish(30)
                expected.append((f"t/{qos}", payload, qos, False))
                # One after the other: between qualities of service there is no order.
                assert subscriber.wait(1 + len(expected))[-1] == expected[-1]
    finally:
        publisher.stop()
        subscriber.stop()


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_mosquitto_clients(gate, pki, version):
    """mosquitto_pub and mosquitto_sub, with a retained message, as README shows them."""
    host, port = gate.address()
    words = {3: "mqttv31", 4: "mqttv311", 5: "mqttv5"}
    common = ["-h", host, "-p", port, "--cafile", pki.server_ca.certificate, "-u", "alice",
              "-P", USERS["alice"], "-V", words[version]]
    for qos in (0, 1, 2):
        text = f"retained at {qos}".encode()
        done = run([program("mosquitto_pub"), *common, "-t", f"r/{qos}", "-q", qos, "-r", "-s"], text)
        assert done.returncode == 0, done.stderr
        done = run([program("mosquitto_sub"), *common, "-t", f"r/{qos}", "-q", qos, "-C", 1, "-W", 15])
        assert (done.returncode, done.stdout) == (0, text + b"\n"), done.stderr
    done = run([program("mosquitto_pub"), *common[:-4], "-P", "wrong", "-t", "r/0", "-m", "x"])
    assert done.returncode != 0


# --- wills -----------------------------------------------------------------------------------


def leave_with_reset(client):
    client.abort()


def leave_with_end_of_file(client):
    client.socket.close()


def leave_with_close_notify(client):
    client.close()


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
@pytest.mark.parametrize("leave", (leave_with_reset, leave_with_end_of_file, leave_with_close_notify))
def test_will_fires_when_the_device_vanishes(gate, mosquitto, trusting, version, leave):
    with listening(mosquitto, "wills/#") as observer:
        device = connected(gate, trusting, version, client_id="d", will=Will("wills/d", b"gone"))
        leave(device)
        assert observer.receive_packet(timeout=5) == packets.publish(V311, "wills/d", b"gone")


def test_will_fires_when_the_device_is_killed(gate, mosquitto, pki):
    host, port = gate.address()
    device = subprocess.Popen(
        list(map(str, [program("mosquitto_sub"), "-h", host, "-p", port, "--cafile",
                       pki.server_ca.certificate, "-u", "alice", "-P", USERS["alice"], "-t", "x",
                       "-i", "victim", "--will-topic", "wills/victim", "--will-payload", "gone"])))
    try:
        with listening(mosquitto, "wills/#") as observer:
            gate.wait_event("admitted", client_id="victim")
            # The broker has the CONNECT once it answers another client after it.
            with listening(mosquitto, "nothing", client_id="another"):
                device.kill()
            assert observer.receive_packet(timeout=5) == packets.publish(V311, "wills/victim", b"gone")
    finally:
        device.kill()
        device.wait()


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_no_will_after_disconnect(gate, mosquitto, trusting, version):
    with listening(mosquitto, "wills/#") as observer:
        device = connected(gate, trusting, version, client_id="d", will=Will("wills/d", b"gone"))
        device.send(packets.disconnect(version))
        assert device.receive_to_end() == b""
        device.close()
        gate.wait_event("ended", client_id="d")
        with TcpClient(mosquitto.address) as other:
            other.send(packets.connect(V311, client_id="other") + packets.publish(V311, "wills/x", b"sentinel"))
            assert observer.receive_packet() == packets.publish(V311, "wills/x", b"sentinel")


def test_will_fires_when_moat_cuts_the_session(gate, mosquitto, trusting):
    """A second CONNECT ends the session; the broker is not told a DISCONNECT."""
    with listening(mosquitto, "wills/#") as observer:
        device = connected(gate, trusting, V5, client_id="d", will=Will("wills/d", b"gone"))
        device.send(packets.connect(V5, client_id="d", **LOGIN))
        assert device.receive_to_end() == b"\xe0\x01\x82"
        assert observer.receive_packet(timeout=5) == packets.publish(V311, "wills/d", b"gone")


# --- many ------------------------------------------------------------------------------------


def test_200_clients_at_once(gate, trusting):
    """Each publishes to its neighbour while all are connected."""
    count = 200
    clients, failures = [None] * count, []
    barrier = threading.Barrier(20)

    def connect_some(first):
        barrier.wait()
        for number in range(first, count, 20):
            try:
                client = TlsClient(gate.address(), trusting, timeout=60)
                client.send(packets.connect(V311, client_id=f"client-{number}", **LOGIN)
                            + packets.subscribe(V311, f"to/{number}", 1))
                assert client.receive_packet() == packets.connack(V311)
                assert client.receive_packet() == packets.suback(V311, 1)
                clients[number] = client
            except Exception as failure:  # reported by the test's own thread
                failures.append(f"{number}: {failure!r}")

    threads = [threading.Thread(target=connect_some, args=(first,)) for first in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gate.clients += [client for client in clients if client]
    assert not failures
    for number, client in enumerate(clients):
        client.send(packets.publish(V311, f"to/{(number + 1) % count}", f"from {number}"))
    for number, client in enumerate(clients):
        expected = packets.publish(V311, f"to/{number}", f"from {(number - 1) % count}")
        assert client.receive_packet() == expected
    assert len(gate.find("admitted")) == count


# --- CONNECT in pieces, and what comes behind it ----------------------------------------------


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_connect_in_pieces(gate, trusting, version):
    connect = packets.connect(version, will=Will("w", "x"), **LOGIN)
    with gate.client(trusting) as client:  # a record for each byte
        client.send_each([connect[i:i + 1] for i in range(len(connect))])
        assert client.receive_packet()[3] == 0
    with gate.client(trusting) as client:  # one record, a TCP segment for each byte
        record = client.record(connect)
        for i in range(len(record)):
            client.send_raw(record[i:i + 1])
        assert client.receive_packet()[3] == 0


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_pipelined_behind_connect(gate, mosquitto, trusting, version):
    """A client need not wait for CONNACK, also when what follows is more than Moat holds."""
    with listening(mosquitto, "p/#") as observer:
        for size in (10, 16000, 17000, 200_000):
            with gate.client(trusting) as client:
                message = packets.publish(version, "p/q", b"z" * size)
                client.send(packets.connect(version, **LOGIN) + message + packets.disconnect(version))
                assert client.receive_packet()[:1] == b"\x20"
                assert observer.receive_packet() == packets.publish(V311, "p/q", b"z" * size)
                client.receive_to_end()


def test_last_words_of_mosquitto(gate, trusting):
    """It answers a topic alias that it never allowed with DISCONNECT 0x94 and closes, although
    the client goes on sending; its kernel then resets the connection, and the words arrive."""
    for _ in range(50):
        client = connected(gate, trusting, V5, client_id="")
        client.send(packets.publish(V5, "t", b"x", props=b"\x23\xff\xff"))
        for _ in range(20):
            client.send(packets.publish(V5, "t", b"x" * 1000))
        assert client.receive_to_end() == packets.disconnect(V5, 0x94)
        assert client.ended == NOTIFIED
        client.close()


def test_stopped_mosquitto_goes_on(gate, mosquitto, trusting):
    """SIGSTOP: sessions wait, and go on with SIGCONT as if nothing had been."""
    with connected(gate, trusting, V311, client_id="waiting") as client:
        mosquitto.signal(signal.SIGSTOP)
        mosquitto.program.wait_stopped()
        client.send(packets.PING)
        with gate.client(trusting) as late:
            late.send(packets.connect(V311, client_id="late", **LOGIN))
            gate.wait_event("admitted", client_id="late")
            mosquitto.signal(signal.SIGCONT)
            assert client.receive_packet() == packets.PONG
            assert late.receive_packet() == packets.connack(V311)
