"""The log: one line for each decision and one for each end, nothing secret, nothing forged."""

import re

import pytest

from harness import logs, packets
from harness.configuration import USERS, listener
from harness.packets import V5, V311, VERSION_NAMES, VERSIONS
from harness.tls_client import TLS12, TLS13, TLS_NAMES, TlsSettings

LOGIN = {"username": "alice", "password": USERS["alice"]}
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
@pytest.mark.parametrize("tls", (TLS12, TLS13), ids=TLS_NAMES.get)
def test_admitted_and_ended(start_moat, pki, upstream, version, tls):
    moat = start_moat(listeners=[listener(pki, certificate="optional")])
    connect = packets.connect(version, client_id="device 7", **LOGIN)
    with moat.client(TlsSettings(pki.server_ca.certificate, pki.good, tls)) as client:
        address = "%s:%d" % client.socket.getsockname()
        cipher = client.cipher()
        client.send(connect)
        connack = client.receive_packet()
        client.send(packets.PING + packets.publish(version, "t", b"x" * 1000))
        upstream.connection(0).send(packets.PONG)
        client.receive_packet()
        client.send(packets.disconnect(version))
    sent = upstream.connection(0).wait_finished()
    ended = moat.wait_event("ended")
    admitted = moat.find("admitted")
    assert len(admitted) == len(moat.find("ended")) == 1
    line = admitted[0]
    expected = {"level": "info", "address": address, "listener": "mqtts", "tls": TLS_NAMES[tls],
                "resumed": "no", "sni": "localhost", "certificate": "sensor-1",
                "protocol": VERSION_NAMES[version], "client_id": "device 7", "username": "alice",
                "rule": "people", "verdict": "allow"}
    assert {key: line.get(key) for key in expected} == expected
    assert TIME.match(line["time"])
    assert "Test Client CA" in line["issuer"]
    assert line["fingerprint"].replace(":", "").lower() == pki.good.fingerprint()
    assert normal(line["cipher"]) == normal(cipher)
    assert ended["session"] == line["session"]
    assert ended["address"] == address
    assert ended["client_id"] == "device 7"
    assert ended["reason"] == "client_ended"
    assert int(ended["client_bytes"]) == len(sent)
    assert int(ended["client_packets"]) == 4
    assert int(ended["upstream_bytes"]) == len(connack) + len(packets.PONG)
    assert int(ended["upstream_packets"]) == 2
    assert 0 <= int(ended["duration_ms"]) < 60_000


def normal(cipher):
    """OpenSSL's and the standard's names of a suite differ in their decoration only."""
    return re.sub(r"^TLS|WITH|[^A-Z0-9]", "", cipher.upper()).replace("SHA256", "").replace("SHA384", "")


REFUSALS = {
    "wrong password": ({"username": "alice", "password": "not this one"}, "bad_credentials", {4: "0x04", 5: "0x86"}),
    "no password": ({}, "factor_missing", {4: "0x05", 5: "0x87"}),
    "user name alone": ({"username": "alice"}, "bad_credentials", {4: "0x04", 5: "0x86"}),
    "wildcard": ({"client_id": "#", **LOGIN}, "client_id", {4: "0x02", 5: "0x85"}),
}


@pytest.mark.parametrize("version", (V311, V5), ids=VERSION_NAMES.get)
@pytest.mark.parametrize("what", REFUSALS)
def test_refused(moat, trusting, version, what):
    fields, reason, codes = REFUSALS[what]
    with moat.client(trusting) as client:
        client.send(packets.connect(version, **{"client_id": "device", **fields}))
        client.receive_to_end()
    line = moat.wait_event("refused")
    assert not moat.find("admitted") and not moat.find("ended") and len(moat.find("refused")) == 1
    assert (line["verdict"], line["reason"], line["code"]) == ("deny", reason, codes[version])
    assert line["client_id"] == fields.get("client_id", "device")
    assert line.get("username") == fields.get("username")
    assert line["protocol"] == VERSION_NAMES[version]
    assert line["msg"] and line["listener"] == "mqtts" and "duration_ms" in line


def test_malformed_says_what_and_where(moat, trusting):
    connect = bytearray(packets.connect(V311, **LOGIN))
    connect[9] |= 1
    with moat.client(trusting) as client:
        client.send(bytes(connect))
        client.receive_to_end()
    line = moat.wait_event("refused")
    assert line["reason"] == "connect_malformed"
    assert "reserved" in line["detail"]
    assert "code" not in line


def test_connection_that_says_nothing(moat):
    """A port scan, a health check: one line, no fault of anybody."""
    moat.plain_client().close()
    line = moat.wait_event("refused")
    assert line["reason"] in ("client_ended", "client_lost")
    assert "client_id" not in line


NASTY = ('say "hello"', "back\\slash", 'a" level=error event=admitted b="', "\u00e9\u4e2d\U0001f600",
         "a=b c", "\u202egnirts", "x" * 256, "%s%n", "=", '"', " ", "\\x41")


@pytest.mark.parametrize("name", NASTY)
def test_peer_text_is_escaped(moat, trusting, name):
    """Whatever a client calls itself, it is one field of one line, in printable ASCII."""
    with moat.client(trusting) as client:
        client.send(packets.connect(V311, client_id=name, username=name, password="x"))
        assert client.receive_packet() == packets.connack(V311, 4)
    line = moat.wait_event("refused")
    assert line["client_id"] == line["username"] == name
    with moat.changed:
        assert len(moat.events) == len(moat.lines), "every line is an event"
    assert re.fullmatch(r"[\x20-\x7e\n]*", moat.text())


def test_server_name_of_the_client_is_escaped(moat):
    """The name in the TLS handshake is a peer's text as well."""
    with moat.client(TlsSettings(server_name="a-b.example")) as client:
        client.send(packets.connect(V311))
        client.receive_to_end()
    assert moat.wait_event("refused")["sni"] == "a-b.example"


def test_password_is_never_logged(start_moat, trusting, upstream):
    """At the most talkative level, for good ones and bad ones and in broken packets."""
    moat = start_moat(log={"level": "debug"})
    secret = "hunter2-" + "s" * 20
    will = packets.Will("w", "payload-" + secret)
    attempts = [packets.connect(version, client_id=str(version), username="alice", password=secret)
                for version in VERSIONS]
    attempts += [packets.connect(V5, password=secret), packets.connect(V311, password=secret),
                 packets.connect(V5, username="alice", password=secret, client_id="#"),
                 packets.connect(V311, username="alice", password=secret) + b"\0",
                 packets.connect(V311, username="alice", password=secret)[:-3],
                 packets.connect(V5, will=will, **LOGIN)]
    broken = bytearray(packets.connect(V311, username="alice", password=secret))
    broken[9] |= 1
    for attempt in [*attempts, bytes(broken)]:
        with moat.client(trusting) as client:
            client.send(attempt)
            client.receive_available(0.2)
    plain = moat.plain_client()
    plain.send(attempts[0])
    plain.receive_to_end()
    moat.wait_event("refused", reason="tls_failed")
    for word in (secret, secret.encode().hex(), USERS["alice"], "payload-"):
        assert word not in moat.text()


def test_sessions_have_their_own_number(moat, trusting):
    for _ in range(20):
        with moat.client(trusting) as client:
            client.send(packets.connect(V311, **LOGIN))
            client.receive_packet()
    wanted = [line["session"] for line in moat.find("admitted")]
    assert len(set(wanted)) == 20


def test_lines_of_many_at_once_do_not_mix(moat, trusting):
    """Several workers write at the same time; every line is still whole."""
    clients = [moat.client(trusting) for _ in range(60)]
    for number, client in enumerate(clients):
        client.send(packets.connect(V311, client_id=f"c{number}-" + "y" * 200, **LOGIN))
    for client in clients:
        client.receive_packet()
    for client in clients:
        client.abort()
    for number in range(60):
        moat.wait_event("ended", client_id=f"c{number}-" + "y" * 200)
    for line in list(moat.lines):
        assert logs.parse(line), line


def test_refusals_cannot_fill_the_log(start_moat, trusting):
    """A few lines for each reason, and the number of the others; who is let in is always told."""
    moat = start_moat(log={"refusals": 3})
    for _ in range(10):
        with moat.client(trusting) as client:
            client.send(packets.connect(V311, username="alice", password="wrong"))
            client.receive_packet()
    for _ in range(5):
        with moat.client(trusting) as client:
            client.send(packets.connect(V311, username="alice", password=USERS["alice"]))
            assert client.receive_packet() == packets.connack(V311)
    told = moat.wait_event("suppressed", reason="bad_credentials", timeout=60)
    lines = moat.find("refused", reason="bad_credentials")
    # The ten may fall on both sides of a window's end.
    assert 3 <= len(lines) <= 6
    assert len(lines) + int(told["suppressed"]) + sum(int(line.get("suppressed", 0)) for line in lines) == 10
    assert len(moat.find("admitted")) == 5
