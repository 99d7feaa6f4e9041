"""Clients that say nothing, or a byte at a time, at every stage: the deadlines are absolute."""

import pytest

from crowd import Crowd, client_hello, tls_clients
from harness import packets
from harness.configuration import USERS
from harness.waiting import wait_until
from siege import size

COUNT = size(300, 9000)
INSIDE = size(150, 3000)
PATIENT = 30 if COUNT < 1000 else 180
LOGIN = {"username": "bob", "password": USERS["bob"]}


def timed_out(siege):
    """How many were cut at the end of their time. More at once than may be shaking hands make room for
    each other before, whose number is told now and then; and so many lines at once are more than the
    reader of the log may take."""
    others = siege.moat.find("shed") + siege.moat.find("log_lost")
    return len(siege.moat.find("refused", reason="handshake_timeout")) + sum(
        int(line.get("count") or line.get("lines")) for line in others)


def drip(crowd, data):
    """Each call says one more byte, and when there are no more the last one again."""
    state = {"at": 0}

    def say():
        at = min(state["at"], len(data) - 1)
        state["at"] += 1
        crowd.say(data[at:at + 1])
    return say


@pytest.mark.parametrize("is_dripping", (False, True), ids=("nothing", "dripping"))
def test_handshake(siege, is_dripping):
    """At 100 ms a byte a ClientHello takes half a minute; the time for the handshake is 1 s."""
    hello = client_hello(siege)
    with siege.attack(), Crowd() as crowd:
        crowd.arrive(siege.address(), COUNT)
        each = drip(crowd, hello) if is_dripping else None
        crowd.wait_all_ended(PATIENT, every=0.1, each=each)
    wait_until(lambda: timed_out(siege) == COUNT, "each to be told of")


def test_handshake_stops_half_way(siege):
    """The server has paid for its signature, and then nothing comes."""
    hello = client_hello(siege)
    with siege.attack(), Crowd() as crowd:
        crowd.arrive(siege.address(), COUNT)
        crowd.say(hello)
        crowd.wait_all_ended(PATIENT)
    wait_until(lambda: timed_out(siege) == COUNT, "each to be told of")


@pytest.mark.parametrize("is_dripping", (False, True), ids=("nothing", "dripping"))
def test_connect(siege, is_dripping):
    """A record for each byte of a CONNECT that would take half a minute."""
    connect = packets.connect(client_id="x" * 250, **LOGIN)
    with siege.attack(), Crowd() as crowd:
        clients = tls_clients(siege, INSIDE)
        crowd.adopt(clients)
        state = {"at": 0}

        def say():
            at = state["at"]
            state["at"] += 1
            crowd.say_each([client.record(connect[at:at + 1]) for client in clients])
        crowd.wait_all_ended(PATIENT, every=0.1, each=say if is_dripping else None)
    assert len(siege.moat.find("refused", reason="connect_timeout")) == INSIDE


def test_inside_a_frame(siege):
    """An admitted client may be slow: it costs nobody anything, and what it said arrives at last."""
    message = packets.publish(packets.V311, "slow", b"x" * 20, qos=1)
    count = size(100, 2000)
    with siege.attack(), Crowd() as crowd:
        clients = []
        for number in range(count):
            connect = packets.connect(client_id=f"slow-{number}", **LOGIN)
            clients += tls_clients(siege, 1, connect, first=number)
        for client in clients:
            assert client.receive_packet() == packets.connack(packets.V311)
        crowd.adopt(clients)
        state = {"at": 0}

        def say():
            at = state["at"]
            state["at"] += 1
            if at < len(message):
                crowd.say_each([client.record(message[at:at + 1]) for client in clients])
        crowd.watch(0.1 * len(message) + 2, every=0.1, each=say)
        assert not crowd.ended
        assert all(crowd.answers.get(client.socket) for client in clients)  # the PUBACK
