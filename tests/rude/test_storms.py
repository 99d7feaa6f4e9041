"""Very many at a time: half-open connections, and devices that all come back at once."""

import resource
import threading

import pytest

from crowd import Crowd, answer_of, client_hello, leave_with_reset, tls_clients
from harness import packets
from harness.configuration import USERS
from harness.tls_client import TlsClient
from siege import size, source

HALF_OPEN = size(3000, 5000)
STORM = size(400, 10000)
LOGIN = {"username": "bob", "password": USERS["bob"]}
WRONG = {"username": "bob", "password": "wrong"}


@pytest.fixture(autouse=True)
def descriptors():
    """The test itself needs one for each connection."""
    wanted = HALF_OPEN + 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted and hard not in (-1, resource.RLIM_INFINITY) and hard < wanted:
        pytest.skip(f"{wanted} descriptors are needed and {hard} allowed")
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@pytest.mark.parametrize("stage", ("connected", "half a hello"))
def test_half_open(make_siege, mosquitto, stage):
    """Thousands of strangers stand at the door; who comes then gets in."""
    siege = make_siege(mosquitto, timeouts={"handshake": "20s", "connect": "10s", "drain": "0s"})
    hello = client_hello(siege)
    with siege.attack(allowed_growth=HALF_OPEN * 1024), Crowd() as crowd:
        crowd.arrive(siege.address(), HALF_OPEN)
        if stage != "connected":
            crowd.say(hello[:100])
        crowd.watch(0.5)
        for _ in range(20):
            siege.newcomer()


def storm(siege, connect, count, check):
    """Connections from several threads, each of which only connects, says its word and goes."""
    failures = []

    def attack(first):
        try:
            for number in range(first, first + count // 4):
                client = TlsClient(siege.address(), siege.trusting, source=source(number))
                client.send(connect(number))
                check(client)
                leave_with_reset(client.socket)
        except Exception as error:  # pylint: disable=broad-except  (raised again by the test)
            failures.append(error)

    threads = [threading.Thread(target=attack, args=(part * count,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_reconnect_storm(siege):
    """Everybody has the right password, and leaves without a word to come again."""
    def is_in(client):
        assert client.receive_packet(60) == packets.connack(packets.V311)
    with siege.attack():
        storm(siege, lambda number: packets.connect(client_id=f"d{number}", **LOGIN), STORM, is_in)


def test_reconnect_storm_of_strangers(siege):
    """Wrong passwords, each of which costs a hash; too many at a time are told to come back."""
    def is_refused(client):
        assert answer_of(client, 60) in (packets.connack(packets.V311, 4), packets.connack(packets.V311, 3))
    with siege.attack():
        storm(siege, lambda number: packets.connect(client_id=f"d{number}", **WRONG), STORM, is_refused)


def test_storm_of_handshakes(siege):
    """Connections that end as soon as TLS is made, which is the dearest that a stranger can ask for."""
    with siege.attack():
        for number in range(STORM):
            tls_clients(siege, 1, first=number)[0].abort()


def test_storm_of_connections(siege):
    """Connections that end at once, without a byte."""
    with siege.attack():
        for part in range(10):
            with Crowd() as crowd:
                crowd.arrive(siege.address(), STORM // 10, first=part * STORM)
                crowd.reset()


def test_log_flood(make_siege, mosquitto):
    """10,000 bad connections, from 500 addresses, leave less than a megabyte in the log. The limits are
    those of the configuration as shipped: it is they that keep most of it out, without a line for each."""
    siege = make_siege(mosquitto, limits={"trusted": ["127.0.0.1/32"], "connect_rate": 1000}, log={"level": "info"})
    count = size(10000, 100000)
    before = sum(map(len, siege.moat.lines))
    with siege.attack():
        for _ in range(count // 500):
            with Crowd() as crowd:
                crowd.arrive(siege.address(), 500)
                crowd.say(b"GET / HTTP/1.1\r\n\r\n")
                crowd.wait_all_ended(30)
    written = sum(map(len, siege.moat.lines)) - before
    assert written < 1 << 20, f"{written} bytes of log for {count} connections"
