"""Neither side can tell that Moat is there.

Every scripted session runs twice, once directly against a recording upstream and once through
Moat. What the upstream received, and what the client received, must be the same bytes.
"""

import contextlib
import os
import random

import pytest

from harness import packets
from harness.client import FINISHED, NOTIFIED, TcpClient
from harness.configuration import USERS
from harness.packets import V5, V31, VERSIONS, Will
from harness.tls_client import TLS_NAMES, TLS_VERSIONS, TlsClient, TlsSettings
from harness.upstream import Upstream, stay_silent

LOGIN = {"username": "alice", "password": USERS["alice"]}
RANDOM_SESSIONS = int(os.environ.get("MOAT_TEST_RANDOM_SESSIONS", "60"))


class Session:
    """What happens, in order: the client's and the upstream's writes, each split as written here.
    After every step the other side waits until it has everything, so both runs are comparable."""

    def __init__(self):
        self.steps = []

    def client(self, *pieces):
        self.steps.append(("client", pieces))
        return self

    def upstream(self, *pieces):
        self.steps.append(("upstream", pieces))
        return self

    def crossing(self, from_client, from_upstream):
        """Both write at the same time."""
        self.steps.append(("both", (from_client, from_upstream)))
        return self


def play(session, connect, upstream):
    """Runs a session over the client that `connect` makes, which is closed then. Returns what
    (upstream, client) received."""
    known = upstream.count
    with connect() as client:
        return play_steps(session, client, upstream, known)


def play_steps(session, client, upstream, known):
    connection, to_upstream, to_client = None, 0, b""
    for who, pieces in session.steps:
        if who == "both":
            with_client, with_upstream = pieces
            connection.send(with_upstream)
            client.send(with_client)
            to_upstream += len(with_client)
            connection.wait_received(to_upstream)
            to_client += client.receive(len(with_upstream))
        elif who == "client":
            client.send_each(pieces)
            to_upstream += sum(map(len, pieces))
            connection = connection or upstream.next_connection(known)
            connection.wait_received(to_upstream)
        else:
            for piece in pieces:
                connection.send(piece)
            to_client += client.receive(sum(map(len, pieces)))
    client.finish_sending()
    connection.wait_finished()
    connection.close()
    to_client += client.receive_to_end()
    assert client.ended in (FINISHED, NOTIFIED), client.ended
    return bytes(connection.received), to_client


@pytest.fixture(scope="module")
def silent_upstream():
    made = Upstream(on_bytes=stay_silent)
    made.stays_open = True
    yield made
    made.stop()


@pytest.fixture(scope="module")
def gate(pki, silent_upstream, tmp_path_factory):
    from conftest import Starter
    starter = Starter(pki)
    yield starter(tmp_path_factory.mktemp("gate"), silent_upstream)
    starter.stop()


@pytest.fixture
def compare(pki, gate, silent_upstream):
    """Plays a session both ways and compares."""
    def both(session, version=None):
        expected = play(session, lambda: TcpClient(silent_upstream.address), silent_upstream)
        settings = TlsSettings(ca=pki.server_ca.certificate, version=version)
        seen = play(session, lambda: TlsClient(gate.address(), settings), silent_upstream)
        assert seen[0] == expected[0], "the upstream received something else"
        assert seen[1] == expected[1], "the client received something else"
    return both


def greeting(version, **options):
    connect = packets.connect(version, **{**LOGIN, **options})
    return Session().client(connect).upstream(packets.connack(version))


@pytest.mark.parametrize("tls", TLS_VERSIONS, ids=TLS_NAMES.get)
@pytest.mark.parametrize("version", VERSIONS, ids=packets.VERSION_NAMES.get)
class TestEveryVersion:
    def test_subscribe_publish_disconnect(self, compare, version, tls):
        session = greeting(version)
        session.client(packets.subscribe(version, "a/#", 1)).upstream(packets.suback(version, 1))
        session.client(packets.publish(version, "a/b", b"hello", qos=1)).upstream(packets.puback())
        session.upstream(packets.publish(version, "a/b", b"hello", qos=1, identifier=7))
        session.client(packets.puback(7)).client(packets.PING).upstream(packets.PONG)
        compare(session.client(packets.disconnect(version)), tls)

    def test_will_with_everything(self, compare, version, tls):
        props = b"\x18\x00\x00\x00\x05\x01\x01\x02\x00\x00\x00\x3c" + b"\x03" + packets.text("text/plain") \
            + b"\x08" + packets.text("answers/here") + b"\x09" + packets.text(b"\x00\x01\xff") \
            + packets.user_property("a", "1") + packets.user_property("a", "2")
        will = Will("wills/c", b"gone \x00\xff", qos=2, retain=True, properties=props)
        compare(greeting(version, will=will, clean=False, client_id="persistent"), tls)

    def test_unusual_but_legal_connect(self, compare, version, tls):
        compare(greeting(version, client_id="\N{SNOWMAN} \u00e9\u4e2d\U0001f600 \ufeffx",
                         keep_alive=65535), tls)
        compare(greeting(version, client_id="c" * 256, keep_alive=0), tls)

    def test_one_byte_at_a_time(self, compare, version, tls):
        connect = packets.connect(version, will=Will("w", "x"), **LOGIN)
        session = Session().client(*[connect[i:i + 1] for i in range(len(connect))])
        connack = packets.connack(version)
        session.upstream(*[connack[i:i + 1] for i in range(len(connack))])
        message = packets.publish(version, "t", bytes(range(256)))
        compare(session.client(*[message[i:i + 1] for i in range(len(message))]), tls)

    def test_pipelined_behind_connect(self, compare, version, tls):
        whole = packets.connect(version, **LOGIN) + packets.subscribe(version, "a") \
            + packets.publish(version, "a", b"x" * 9000)
        compare(Session().client(whole).upstream(packets.connack(version) + packets.suback(version)), tls)

    def test_large_payloads_both_ways(self, compare, version, tls):
        rng = random.Random(version)
        for size in (127, 128, 16383, 16384, 65535, 65536, 1 << 20):
            payload = rng.randbytes(size)
            message = packets.publish(version, "big", payload)
            compare(greeting(version).client(message).upstream(message)
                    .crossing(message, message), tls)

    def test_packet_split_inside_its_length(self, compare, version, tls):
        message = packets.publish(version, "t", b"y" * 300_000)
        for cut in (1, 2, 3, 4, 5):
            compare(greeting(version).client(message[:cut], message[cut:])
                    .upstream(message[:cut], message[cut:]), tls)


def test_properties_of_connect(compare):
    """Every property of CONNECT that 5.0 knows, but those of authentication."""
    props = b"\x11\x00\x00\x0e\x10\x17\x01\x19\x01\x21\x00\x14\x22\x00\x0a\x27\x00\x01\x00\x00" \
        + b"".join(packets.user_property(f"key {i}", f"value {i}") for i in range(31)) \
        + packets.user_property("", "")
    compare(greeting(V5, props=props))


def test_user_properties_everywhere(compare):
    props = packets.user_property("k", "v" * 1000) + b"\x23\x00\x01" + b"\x03" + packets.text("x/y")
    message = packets.publish(V5, "t", b"p", qos=2, props=props)
    compare(greeting(V5).client(message).upstream(message).client(packets.disconnect(V5, 0x04)))


def test_last_words_of_the_broker(compare):
    """A DISCONNECT of 5.0 that the broker sends before it closes reaches the client."""
    compare(greeting(V5).client(packets.publish(V5, "t", b"p"))
            .upstream(packets.disconnect(V5, 0x8E)))


def test_refusal_of_the_broker(compare):
    """What the broker answers to CONNECT is its own affair."""
    for version, code in ((3, 5), (4, 5), (5, 0x87), (5, 0x9F)):
        session = Session().client(packets.connect(version, **LOGIN))
        compare(session.upstream(packets.connack(version, code)))


# --- at random -------------------------------------------------------------------------------


def random_text(rng, longest=40):
    return "".join(rng.choice("abcdefghij/ \u00e9\u20ac\U0001f512") for _ in range(rng.randint(1, longest)))


def random_will(rng):
    if rng.random() < 0.5:
        return None
    return Will(random_text(rng), rng.randbytes(rng.choice((0, 1, 100, 5000))), rng.randint(0, 2),
                rng.random() < 0.5, packets.user_property(random_text(rng), random_text(rng)))


def random_connect(rng, version):
    props = packets.user_property(random_text(rng), random_text(rng)) if rng.random() < 0.5 else b""
    return packets.connect(version, client_id=random_text(rng), keep_alive=rng.randrange(65536),
                           clean=rng.random() < 0.5, will=random_will(rng), props=props, **LOGIN)


def random_packet(rng, version, from_client):
    """Something that this side may send; its insides are no affair of Moat's."""
    kind = rng.randint(0, 3)
    if kind == 0:
        size = rng.choice((0, 1, 100, 121, 122, 16376, 40_000, rng.randrange(200_000)))
        return packets.publish(version, random_text(rng), rng.randbytes(size), rng.randint(0, 2),
                               rng.random() < 0.5, rng.random() < 0.1, rng.randint(1, 65535))
    if kind == 1:
        kind = rng.randint(packets.PUBACK, packets.PUBCOMP)
        reserved = 2 if kind == packets.PUBREL else 0
        return packets.packet(kind, rng.randbytes(2), rng.randrange(16) if version == V31 else reserved)
    if kind == 2:
        return packets.PING if from_client else packets.PONG
    choice = (packets.SUBSCRIBE, packets.UNSUBSCRIBE) if from_client else \
        (packets.SUBACK, packets.UNSUBACK)
    return packets.packet(rng.choice(choice), rng.randbytes(rng.randrange(300)), flags=2 * from_client)


def random_pieces(rng, data):
    """Cuts at random places, often close together."""
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.choice((0, 0, 1, 3, 20))))
    if rng.random() < 0.3:
        cuts = list(range(1, min(len(data), 12))) + [cut for cut in cuts if cut >= 12]
    edges = [0, *cuts, len(data)]
    return [piece for piece in (data[a:b] for a, b in zip(edges, edges[1:])) if piece]


def random_session(rng):
    version = rng.choice(VERSIONS)
    pipelined = b"".join(random_packet(rng, version, True) for _ in range(rng.choice((0, 0, 1, 2))))
    session = Session().client(*random_pieces(rng, random_connect(rng, version) + pipelined))
    session.upstream(*random_pieces(rng, packets.connack(version)))
    for _ in range(rng.randint(0, 8)):
        from_client, from_upstream = (
            b"".join(random_packet(rng, version, side) for _ in range(rng.randint(1, 3)))
            for side in (True, False))
        choice = rng.randint(0, 2)
        if choice == 0:
            session.client(*random_pieces(rng, from_client))
        elif choice == 1:
            session.upstream(*random_pieces(rng, from_upstream))
        else:
            session.crossing(from_client, from_upstream)
    return session


@pytest.mark.parametrize("number", range(RANDOM_SESSIONS))
def test_random_session(compare, seed, number):
    """Repeat a failure with MOAT_TEST_SEED, which stands at the head of the report."""
    rng = random.Random(f"{seed}/{number}")
    with contextlib.ExitStack() as stack:
        stack.callback(print, f"MOAT_TEST_SEED={seed}, session {number}")
        compare(random_session(rng), rng.choice((None, *TLS_VERSIONS)))
