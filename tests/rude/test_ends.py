"""Resets and half-closes in every state, by the client and by the broker."""

import contextlib
import socket
import struct

import pytest

import broker
from crowd import Crowd, answer_of, client_hello, leave_with_reset, tls_clients
from harness import packets
from harness.configuration import USERS
from harness.tls_client import TlsClient
from harness.upstream import accept_connect, stay_silent
from harness.waiting import wait_until
from siege import size

COUNT = size(40, 1000)
LOGIN = {"username": "bob", "password": USERS["bob"]}
WRONG = {"username": "bob", "password": "wrong"}
HALF_CLOSE, RESET = "half-close", "reset"
ENDS = (HALF_CLOSE, RESET)
HALF = {"client": 7, "message": 11}  # bytes of something that is not whole


def end(one, how):
    if how == RESET:
        leave_with_reset(one)
    else:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_WR)


def end_all(clients, how):
    """Each ends its side; those that only half-closed are then ended by the gate."""
    for client in clients:
        end(client.socket, how)
    if how == HALF_CLOSE:
        for client in clients:
            answer_of(client)
            client.socket.close()


# --- the client's ends -------------------------------------------------------------------------


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("said", ("nothing", "half a hello", "a hello"))
def test_client_in_handshake(siege, said, how):
    hello = client_hello(siege)
    data = {"nothing": b"", "half a hello": hello[:100], "a hello": hello}[said]
    with siege.attack(), Crowd() as crowd:
        crowd.arrive(siege.address(), COUNT)
        crowd.say(data)
        if how == RESET:
            crowd.reset()
        else:
            crowd.finish()
            crowd.wait_all_ended(20)


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("said", ("nothing", "half a CONNECT"))
def test_client_in_admit(siege, said, how):
    connect = packets.connect(**LOGIN)
    data = b"" if said == "nothing" else connect[:HALF["client"]]
    with siege.attack():
        end_all(tls_clients(siege, COUNT, data), how)


@pytest.mark.parametrize("how", ENDS)
def test_client_in_authorise(make_siege, mosquitto, monkeypatch, how):
    """The pool is computing the hash of each of these for a good while when they leave."""
    monkeypatch.setattr("harness.passwords.ITERATIONS", 30000)
    count = min(COUNT, 200)
    users = {f"user-{number}": "right" for number in range(count)}
    siege = make_siege(mosquitto, users={**USERS, **users},
                       timeouts={"handshake": "10s", "connect": "10s", "drain": "0s"})
    with siege.attack():
        clients = []
        for number in range(count):
            connect = packets.connect(client_id=f"c{number}", username=f"user-{number}", password="right")
            clients += tls_clients(siege, 1, connect, first=number)
        end_all(clients, how)


class Full:
    """A listening socket whose queue is full, so that further connections hang in the making."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.address = self.listener.getsockname()
        self.text = f"127.0.0.1:{self.address[1]}"
        self.callers = []
        while True:
            caller = socket.socket()
            self.callers.append(caller)
            caller.settimeout(0.3)
            try:
                caller.connect(self.address)
            except (TimeoutError, OSError):
                return

    def close(self):
        for one in [*self.callers, self.listener]:
            one.close()


def hang_upstream(siege):
    """The gate's new sessions dial a broker that does not answer. Those inside keep theirs."""
    full = Full()
    siege.redirect(full, connect_timeout="2s")
    return full


@pytest.mark.parametrize("how", ENDS)
def test_client_in_dial(movable_siege, how):
    full = hang_upstream(movable_siege)
    with movable_siege.attack():
        clients = []
        for number in range(COUNT):
            clients += tls_clients(movable_siege, 1, packets.connect(client_id=f"c{number}", **LOGIN), first=number)
        end_all(clients, how)
    full.close()


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("said", ("nothing", "half a PUBLISH"))
def test_client_in_relay(siege, said, how):
    message = packets.publish(packets.V311, "t", b"x" * 100)
    with siege.attack():
        clients = []
        for number in range(COUNT):
            client = tls_clients(siege, 1, packets.connect(client_id=f"c{number}", **LOGIN), first=number)[0]
            assert client.receive_packet() == packets.connack(packets.V311)
            if said != "nothing":
                client.send(message[:HALF["message"]])
            clients.append(client)
        end_all(clients, how)


@pytest.mark.parametrize("how", ENDS)
def test_client_in_closing(siege, how):
    """Refused, and told so; the gate still listens for what may come."""
    with siege.attack():
        clients = tls_clients(siege, COUNT, packets.connect(client_id="c", **WRONG))
        for client in clients:
            assert client.receive_packet() == packets.connack(packets.V311, 4)
        end_all(clients, how)


# --- the broker's ends -------------------------------------------------------------------------

STAGES = ("at once", "after CONNECT", "after CONNACK", "inside a frame", "half a CONNACK")


def broker_that_ends(stage, how):
    """What the upstream does with a connection once it has a CONNECT."""
    message = packets.publish(packets.V311, "t", b"x" * 100)

    def on_bytes(connection):
        first, _ = packets.split_packet(connection.received)
        if first is None or connection.is_answered:
            return
        if stage in ("after CONNACK", "inside a frame"):
            accept_connect(connection)
        if stage == "inside a frame":
            connection.send(message[:HALF["message"]])
        if stage == "half a CONNACK":
            connection.send(packets.connack(packets.V311)[:2])
        connection.is_answered = True
        if how == RESET:
            connection.abort()
        else:
            connection.finish_sending()
    return on_bytes


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("stage", STAGES[1:])
def test_broker_ends(make_upstream, make_siege, stage, how):
    upstream = make_upstream(on_bytes=broker.behave(broker_that_ends(stage, how)))
    siege = make_siege(upstream)
    told = []
    with siege.attack():
        for number in range(COUNT):
            client = TlsClient(siege.address(), siege.trusting)
            client.send(packets.connect(client_id=f"c{number}", **LOGIN))
            told.append(answer_of(client))
            client.close()
    if how == HALF_CLOSE:
        expected = {"after CONNECT": b"", "after CONNACK": packets.connack(packets.V311),
                    "half a CONNACK": packets.connack(packets.V311)[:2],
                    "inside a frame": packets.connack(packets.V311) + packets.publish(
                        packets.V311, "t", b"x" * 100)[:HALF["message"]]}[stage]
        assert told == [expected] * COUNT


class Slammer:
    """A broker that takes connections and resets them before it has read a byte."""

    def __init__(self, address):
        self.listener = socket.create_server(address)
        self.text = "%s:%d" % self.listener.getsockname()

    def serve(self, count):
        self.listener.settimeout(20)
        for _ in range(count):
            one, _ = self.listener.accept()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.close()


def test_broker_ends_at_once(movable_siege):
    """A connection that the broker accepts and resets; every client is told or closed, none hangs."""
    slammer = Slammer(("127.0.0.1", 0))
    movable_siege.redirect(slammer)
    with movable_siege.attack():
        clients = []
        for number in range(COUNT):
            clients += tls_clients(movable_siege, 1, packets.connect(client_id=f"c{number}", **LOGIN), first=number)
        slammer.serve(COUNT)
        for client in clients:
            assert answer_of(client) in (b"", packets.connack(packets.V311, 3))
            client.close()
    slammer.listener.close()


@pytest.mark.parametrize("how", ENDS)
def test_broker_in_closing(make_upstream, make_siege, how):
    """The client has left, its upstream connection is ending, and the broker ends its own now."""
    upstream = make_upstream(on_bytes=broker.behave(stay_silent))
    upstream.stays_open = True
    siege = make_siege(upstream)
    with siege.attack():
        known = upstream.count
        clients = []
        for number in range(COUNT):
            clients += tls_clients(siege, 1, packets.connect(client_id=f"c{number}", **LOGIN), first=number)
        wait_until(lambda: upstream.count >= known + COUNT, "the upstream to have every client")
        for client in clients:
            client.close()
        for number in range(COUNT):
            connection = upstream.connection(known + number)
            connection.wait_finished()
            if how == RESET:
                connection.abort()
            else:
                connection.finish_sending()
        upstream.stays_open = False  # the witness leaves in peace
