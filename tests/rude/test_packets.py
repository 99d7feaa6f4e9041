"""MQTT that is meant to hurt: behind refusals, in pairs, twice, too much of it, and in the log."""

import re

import pytest

import broker
from crowd import answer_of, tls_clients
from harness import packets
from harness.configuration import USERS
from harness.packets import V5, V31, V311
from harness.tls_client import TlsClient
from siege import size

LOGIN = {"username": "bob", "password": USERS["bob"]}
WRONG = {"username": "bob", "password": "wrong"}


@pytest.fixture
def recorder(make_upstream):
    return make_upstream(on_bytes=broker.behave())


@pytest.fixture
def recorded_siege(make_siege, recorder):
    return make_siege(recorder)


def test_publish_behind_a_refused_connect(recorded_siege, recorder):
    """The broker is not even dialled, so it sees no byte of it."""
    siege = recorded_siege
    count = size(1000, 10000)
    known, after = recorder.count, siege.moat.mark()
    message = packets.publish(V311, "evil", b"x" * 200)
    kinds = (packets.connect(client_id="a", **WRONG), packets.connect(client_id="a#", **LOGIN),
             packets.connect(client_id="a"), packets.connect(V5, client_id="a", **WRONG),
             packets.connect(V31, client_id="", **LOGIN))
    with siege.attack():
        for number in range(count):
            client = tls_clients(siege, 1, kinds[number % len(kinds)] + message * 3, first=number)[0]
            answer_of(client)
            client.close()
    assert recorder.count == known
    assert len(siege.moat.find("refused", after)) == count


CONNECTS = {
    "3.1": packets.connect(V31, client_id="p", **LOGIN),
    "3.1.1": packets.connect(V311, client_id="p", **LOGIN),
    "5.0": packets.connect(V5, client_id="p", **LOGIN),
    "wrong": packets.connect(V311, client_id="p", **WRONG),
    "nobody": packets.connect(V311, client_id="p"),
    "will": packets.connect(V5, client_id="p", will=packets.Will("w", b"gone"), **LOGIN),
    "unknown level": packets.packet(1, packets.text(b"MQTT") + b"\x09\x02\0\x3c" + packets.text("p")),
    "reserved flag": packets.packet(1, packets.text(b"MQTT") + b"\x04\x03\0\x3c" + packets.text("p")),
    "cut short": packets.packet(1, packets.text(b"MQTT") + b"\x04\xc2\0\x3c" + packets.text("p")),
    "empty": b"\x10\x00",
    "256 MB": b"\x10\xff\xff\xff\x7f\0\4MQTT",
    "five-byte length": b"\x10\xff\xff\xff\xff\x01",
}
GOOD = ("3.1", "3.1.1", "5.0", "will")


def test_every_pair_of_connects(recorded_siege, recorder):
    """Two in one record: the first is judged, and the second never reaches the broker."""
    siege = recorded_siege
    with siege.attack():
        for first, data in CONNECTS.items():
            for then in CONNECTS.values():
                known = recorder.count
                client = TlsClient(siege.address(), siege.trusting)
                client.send(data + then)
                answer_of(client)
                client.close()
                if first in GOOD:
                    seen = recorder.next_connection(known).wait_finished()
                    assert seen in (data, b""), f"{first}: {seen.hex(' ')}"
                else:
                    assert recorder.count == known, first


@pytest.mark.parametrize("version", (V311, V5))
def test_second_connect(recorded_siege, recorder, version):
    """At every byte of a PUBLISH before it, in one record with it, and split everywhere."""
    siege = recorded_siege
    connect = packets.connect(version, client_id="twice", **LOGIN)
    message = packets.publish(version, "t", b"\x10\x0c\x00\x04MQTT")  # looks like one, and is none
    second = packets.connect(version, client_id="other", **LOGIN)
    whole = message + second
    with siege.attack():
        for cut in range(0, len(whole), 1 if size(0, 1) else 3):
            known = recorder.count
            client = TlsClient(siege.address(), siege.trusting)
            client.send(connect)
            assert client.receive_packet() == packets.connack(version)
            client.send_each([whole[:cut], whole[cut:]] if cut else [whole])
            told = answer_of(client)
            client.close()
            assert recorder.next_connection(known).wait_finished() == connect + message
            assert told == (packets.disconnect(V5, 0x82) if version == V5 else b"")


def test_65000_user_properties(siege):
    """Refused after the limit or by size, and at no cost that grows with the square."""
    many = packets.user_property("", "") * 13000
    for count in (33, 1000, 13000):
        answers = set()
        with siege.attack():
            for number in range(size(30, 1000)):
                connect = packets.connect(V5, client_id="p", props=many[:count * 5], **LOGIN)
                client = tls_clients(siege, 1, connect, first=number)[0]
                answers.add(answer_of(client))
                client.close()
        assert answers == {b""}, answers
    with siege.attack():
        client = TlsClient(siege.address(), siege.trusting)
        client.send(packets.connect(V5, client_id="p", props=packets.user_property("", "") * 65000, **LOGIN))
        assert answer_of(client) == b""
        client.close()


# --- the log -----------------------------------------------------------------------------------

EVIL = {
    "escape": "\x1b[2J\x1b]0;owned\x07",
    "new line": "x\nevent=admitted username=admin",
    "carriage return": "x\r\nevent=ready",
    "quote": 'x" event="admitted',
    "backslash": "x\\\" event=admitted",
    "bidi": "\u202eadmin\u2066\u2069\u200f",
    "line separators": "a\u2028b\u2029c\u0085d",
    "wide": "\U0001f4a5\ufeff\u0301",
    "equals": "a=b event=admitted",
}
PRINTABLE = re.compile(rb"^[\x20-\x7e]*$")
LONGEST_LINE = 4096


def test_log_injection(recorded_siege):
    """One line for one event, whatever names hold; printable ASCII only; the names can be told again."""
    siege = recorded_siege
    with siege.attack():
        for text in EVIL.values():
            lines = len(siege.moat.lines)
            for name in ({"client_id": text, **LOGIN}, {"client_id": "x", "username": text, "password": text}):
                client = TlsClient(siege.address(), siege.trusting)
                client.send(packets.connect(V5, **name))
                client.receive_available(0.1)
                client.close()
            siege.check_left_nothing()
            # Every line is an event of ours: the harness has parsed them all and refused what is not.
            with siege.moat.changed:
                assert len(siege.moat.lines) == len(siege.moat.events)
            for line in siege.moat.lines[lines:]:
                assert PRINTABLE.match(line.encode()) and len(line) < LONGEST_LINE, line
    assert not siege.moat.find("ready", username="admin") and len(siege.moat.find("ready")) == 1
    assert {line["username"] for line in siege.moat.find("admitted")} <= {"alice", "bob"}


@pytest.mark.parametrize("field", ("client_id", "username", "password"))
def test_names_of_64_kib(make_siege, mosquitto, field):
    """Allowed by the configuration here, and yet a line of the log stays short."""
    siege = make_siege(mosquitto, limits={"connect_size": "256KiB", "client_id_size": "65535B",
                                          "username_size": "65535B", "password_size": "65535B"})
    lines = len(siege.moat.lines)
    with siege.attack(allowed_growth=4 << 20):
        for number in range(size(20, 500)):
            names = {"client_id": f"c{number}", **LOGIN, field: "x" * 65535}
            client = tls_clients(siege, 1, packets.connect(V5, **names), first=number)[0]
            client.receive(4)  # the first bytes of whatever the answer is
            client.close()
    assert all(len(line) < LONGEST_LINE for line in siege.moat.lines[lines:])
