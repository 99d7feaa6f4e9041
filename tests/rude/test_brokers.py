"""A broker that dies, stands still, or comes back, while newcomers keep asking for it.

The good session is with another broker, to which the gate has led it before."""

import random
import signal
import threading
import time

import pytest

from crowd import answer_of, tls_clients
from harness import packets
from harness.client import Ended
from harness.configuration import USERS
from harness.moat import is_sanitized
from harness.mosquitto import Mosquitto
from harness.tls_client import TlsClient
from siege import size, source

LOGIN = {"username": "bob", "password": USERS["bob"]}
GOOD, DOWN = packets.connack(packets.V311), packets.connack(packets.V311, 3)


@pytest.fixture
def victim(tmp_path):
    folder = tmp_path / "victim"
    folder.mkdir()
    broker = Mosquitto(folder)
    yield broker
    broker.stop()


def test_killed_at_random_moments(movable_siege, victim, seed):
    """Whoever was with it is closed, whoever comes meanwhile is told, and nothing stays behind."""
    moments = random.Random(seed)
    movable_siege.redirect(victim)
    stop = threading.Event()
    failures = []

    def come_and_go(part):
        number = part * 100000
        try:
            while not stop.is_set():
                number += 1
                client = TlsClient(movable_siege.address(), movable_siege.trusting, source=source(number))
                client.send(packets.connect(client_id=f"k{number}", **LOGIN))
                try:
                    answer = client.receive_packet()
                except Ended:
                    answer = None  # it was killed in between
                assert answer in (GOOD, DOWN, None), answer
                if answer == GOOD:
                    client.send(packets.publish(packets.V311, "t", b"x" * 2000) * 5)
                client.socket.close()
        except Exception as error:  # pylint: disable=broad-except  (raised again below)
            failures.append(error)

    guests = [threading.Thread(target=come_and_go, args=(part,)) for part in range(3)]
    with movable_siege.attack():
        for guest in guests:
            guest.start()
        for _ in range(size(15, 1000)):
            time.sleep(moments.uniform(0, 0.15))
            victim.kill()
            time.sleep(moments.uniform(0, 0.05))
            victim.start()
        stop.set()
        for guest in guests:
            guest.join()
    assert not failures, failures
    movable_siege.newcomer()


def test_standing_still(movable_siege, victim):
    """Nothing is lost, and the gate does not store for it what its devices go on sending: more than
    the kernel's buffers on the way hold."""
    movable_siege.redirect(victim)
    count, each = size(10, 50), size(8, 16) << 20
    with movable_siege.attack():
        clients = []
        for number in range(count):
            client = tls_clients(movable_siege, 1, packets.connect(client_id=f"s{number}", **LOGIN), first=number)[0]
            assert client.receive_packet() == GOOD
            clients.append(client)
        victim.signal(signal.SIGSTOP)
        victim.program.wait_stopped()
        before = movable_siege.moat.resident_bytes()
        message = packets.publish(packets.V311, "t", bytes(60000), qos=1)
        senders = [threading.Thread(target=client.send, args=(message * (each // 60000),)) for client in clients]
        for client in clients:
            client.timeout = 120
        for sender in senders:
            sender.start()
        time.sleep(size(2, 60))
        if not is_sanitized():
            assert movable_siege.moat.resident_bytes() - before < count * (160 << 10) + (2 << 20)
        victim.signal(signal.SIGCONT)
        for sender in senders:
            sender.join()
        for client in clients:
            for _ in range(each // 60000):
                assert client.receive_packet(60) == packets.puback(1)
            client.close()


def test_stopped_while_newcomers_dial(movable_siege, victim):
    """The kernel takes their connections for it; they wait, and leave, and come again."""
    movable_siege.redirect(victim, connect_timeout="1s")
    victim.signal(signal.SIGSTOP)
    victim.program.wait_stopped()
    with movable_siege.attack():
        clients = tls_clients(movable_siege, size(100, 1000), packets.connect(client_id="n", **LOGIN))
        time.sleep(1.5)
        for client in clients:
            client.socket.close()
        victim.signal(signal.SIGCONT)
    movable_siege.newcomer()


def test_gone(movable_siege, victim):
    """Everybody is told at once, however many they are."""
    movable_siege.redirect(victim)
    victim.kill()
    with movable_siege.attack():
        for number in range(size(200, 5000)):
            client = tls_clients(movable_siege, 1, packets.connect(client_id=f"g{number}", **LOGIN), first=number)[0]
            assert answer_of(client) == DOWN
            client.close()
    victim.start()
    movable_siege.newcomer()
