"""Who gets in, and what exactly the others are told.

Protocol versions x TLS versions x certificates x passwords x kinds of listener. The table that
decides is written here from the description of Moat, not from its code.
"""

import ssl

import pytest

from harness import packets
from harness.client import ALERT, NOTIFIED
from harness.configuration import USERS, listener
from harness.packets import V5, V31, V311, VERSION_NAMES, VERSIONS, Will
from harness.tls_client import TLS12, TLS13, TLS_NAMES, TLS_VERSIONS, TlsSettings
from harness.upstream import Upstream

# name of the listener: (how clients are asked for a certificate, what the rule requires)
LISTENERS = {
    "password": ("none", ["password"]),
    "optional-password": ("optional", ["password"]),
    "certificate": ("required", ["certificate"]),
    "optional-certificate": ("optional", ["certificate"]),
    "both": ("optional", ["certificate", "password"]),
    "any": ("optional", {"any": ["certificate", "password"]}),
    "open": ("none", "none"),
    "no-rule": ("none", None),
    "denied": ("optional", "deny"),
}
CERTIFICATES = ("no certificate", "good", "wrong CA", "expired")
PASSWORDS = {
    "no password": {},
    "right": {"username": "alice", "password": USERS["alice"]},
    "wrong": {"username": "alice", "password": "wrong"},
    "unknown user": {"username": "mallory", "password": "wrong"},
    "name only": {"username": "alice"},
}

BAD_LOGIN = {V31: 0x04, V311: 0x04, V5: 0x86}
NOT_ALLOWED = {V31: 0x05, V311: 0x05, V5: 0x87}
BAD_NAME = {V31: 0x02, V311: 0x02, V5: 0x85}


def rule_of(name, require):
    rule = {"name": name, "match": {"listener": name}}
    if require == "deny":
        rule["action"] = "deny"
    else:
        rule["require"] = require
    return rule


def verdict(name, certificate, password):
    """"handshake", "allowed", "bad login" or "not allowed"."""
    mode, require = LISTENERS[name]
    if mode != "none" and certificate in ("wrong CA", "expired"):
        return "handshake"
    if mode == "required" and certificate == "no certificate":
        return "handshake"
    has_certificate = mode != "none" and certificate == "good"
    if require in (None, "deny"):
        return "not allowed"
    if isinstance(require, dict):
        require = [] if has_certificate else ["password"]
    if "certificate" in require and not has_certificate:
        return "not allowed"
    if password == "no password":
        return "not allowed" if "password" in require else "allowed"
    # A user name that was given must be proven, whatever the rule asks for.
    return "allowed" if password == "right" else "bad login"


@pytest.fixture(scope="module")
def broker():
    made = Upstream()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def gate(pki, broker, tmp_path_factory):
    from conftest import Starter
    starter = Starter(pki)
    yield starter(
        tmp_path_factory.mktemp("matrix"), broker,
        listeners=[listener(pki, name, mode) for name, (mode, _) in LISTENERS.items()],
        rules=[rule_of(name, require) for name, (_, require) in LISTENERS.items() if require])
    starter.stop()


@pytest.fixture(scope="module")
def settings(pki):
    """TLS settings by certificate and version, each made once."""
    pairs = {"no certificate": None, "good": pki.good, "wrong CA": pki.wrong_ca, "expired": pki.expired}
    return {(certificate, version): TlsSettings(pki.server_ca.certificate, pair, version)
            for certificate, pair in pairs.items() for version in TLS_VERSIONS}


def alert_of_handshake(gate, settings, name):
    """The alert with which Moat ends a handshake. With TLS 1.3 it comes after the client's part."""
    try:
        client = gate.client(settings, name)
    except ssl.SSLError as error:
        return error.reason
    assert client.receive_to_end() == b""
    assert client.ended == ALERT, f"the connection ended with {client.ended}"
    return client.alert


ALERTS = {
    ("no certificate", TLS12): "SSLV3_ALERT_HANDSHAKE_FAILURE",
    ("no certificate", TLS13): "TLSV13_ALERT_CERTIFICATE_REQUIRED",
    ("wrong CA", TLS12): "TLSV1_ALERT_UNKNOWN_CA",
    ("wrong CA", TLS13): "TLSV1_ALERT_UNKNOWN_CA",
    ("expired", TLS12): "SSLV3_ALERT_CERTIFICATE_EXPIRED",
    ("expired", TLS13): "SSLV3_ALERT_CERTIFICATE_EXPIRED",
}


def expect_refusal(client, version, code):
    """The CONNACK, close_notify, the end of the connection, and not a byte more."""
    expected = packets.connack(version, code)
    assert expected == (bytes([0x20, 3, 0, code, 0]) if version == V5 else bytes([0x20, 2, 0, code]))
    assert client.receive_to_end() == expected
    assert client.ended == NOTIFIED
    client.wait_socket_end(timeout=5)


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
@pytest.mark.parametrize("tls", TLS_VERSIONS, ids=TLS_NAMES.get)
@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("certificate", CERTIFICATES)
@pytest.mark.parametrize("name", LISTENERS)
def test_matrix(gate, broker, settings, name, certificate, password, tls, version):
    known = broker.count
    expected = verdict(name, certificate, password)
    if expected == "handshake":
        assert alert_of_handshake(gate, settings[certificate, tls], name) == ALERTS[certificate, tls]
    else:
        connect = packets.connect(version, client_id=f"{name} {certificate}", **PASSWORDS[password])
        with gate.client(settings[certificate, tls], name) as client:
            assert client.version() == TLS_NAMES[tls]
            client.send(connect)
            if expected == "allowed":
                assert client.receive_packet() == packets.connack(version)
                broker.next_connection(known).wait_for(connect)
            else:
                expect_refusal(client, version, {"bad login": BAD_LOGIN,
                                                 "not allowed": NOT_ALLOWED}[expected][version])
    assert broker.count == known + (expected == "allowed"), "refused means that no broker saw it"


# --- the odd certificates --------------------------------------------------------------------


def certificate_cases(pki):
    """name: (pair, the CN it proves, or None when it must prove nothing)"""
    return {"two common names": pki.two_names, "no common name": pki.no_name,
            "NUL in the common name": pki.nul_name}


@pytest.mark.parametrize("tls", TLS_VERSIONS, ids=TLS_NAMES.get)
@pytest.mark.parametrize("case", ("two common names", "no common name", "NUL in the common name"))
def test_certificate_without_identity(gate, broker, pki, case, tls):
    """A certificate whose name could be read in two ways is no identity, not half of one."""
    known = broker.count
    settings = TlsSettings(pki.server_ca.certificate, certificate_cases(pki)[case], tls)
    with gate.client(settings, "optional-certificate") as client:
        client.send(packets.connect(V5, client_id="c"))
        expect_refusal(client, V5, NOT_ALLOWED[V5])
    assert broker.count == known


@pytest.mark.parametrize("tls", TLS_VERSIONS, ids=TLS_NAMES.get)
@pytest.mark.parametrize("which", ("server_usage", "future"))
def test_certificate_not_for_this(gate, broker, pki, which, tls):
    """One whose extended key usage is serverAuth only, and one that is not valid yet."""
    known = broker.count
    settings = TlsSettings(pki.server_ca.certificate, getattr(pki, which), tls)
    alert = alert_of_handshake(gate, settings, "certificate")
    assert alert in ("SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_EXPIRED",
                     "SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_UNKNOWN")
    assert broker.count == known


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
class TestNames:
    """Nothing unproven reaches the broker as a name."""

    def answer(self, gate, settings, name, version, **fields):
        with gate.client(settings, name) as client:
            client.send(packets.connect(version, **fields))
            return client.receive_packet()

    def test_user_name_that_is_the_identity(self, gate, settings, version):
        """The certificate proves it; a password is not looked at then."""
        good = settings["good", TLS13]
        for extra in ({}, {"password": "anything"}):
            answer = self.answer(gate, good, "certificate", version, username="sensor-1", **extra)
            assert answer == packets.connack(version)

    def test_user_name_of_another_device(self, gate, settings, broker, version):
        known = broker.count
        for name in ("sensor-2", "SENSOR-1", "sensor-1 ", "sensor-"):
            answer = self.answer(gate, settings["good", TLS13], "certificate", version, username=name)
            assert answer == packets.connack(version, BAD_LOGIN[version])
        assert broker.count == known

    def test_open_listener_proves_names_too(self, gate, settings, broker, version):
        known = broker.count
        for fields in ({"username": "alice"}, {"username": ""}, {"username": "", "password": ""},
                       {"username": "alice", "password": ""}):
            answer = self.answer(gate, settings["no certificate", TLS13], "open", version, **fields)
            assert answer == packets.connack(version, BAD_LOGIN[version])
        assert broker.count == known

    def test_names_that_brokers_read_as_patterns(self, gate, settings, broker, version):
        """`+` and `#` in a user name or client identifier have defeated ACLs of brokers."""
        known = broker.count
        settings = settings["no certificate", TLS13]
        login = PASSWORDS["right"]
        for client_id in ("#", "a+b", "a/#"):
            answer = self.answer(gate, settings, "password", version, client_id=client_id, **login)
            assert answer == packets.connack(version, BAD_NAME[version])
        for name in ("#", "al+ice"):
            answer = self.answer(gate, settings, "password", version, username=name, password="x")
            assert answer in (packets.connack(version, BAD_LOGIN[version]),
                              packets.connack(version, NOT_ALLOWED[version]))
        assert broker.count == known

    def test_wills_on_topics_that_no_client_may_name(self, gate, settings, broker, version):
        """Ill-formed for the standard where there is a wildcard; $ belongs to the broker."""
        known = broker.count
        for topic in ("a/#", "+/b", "$SYS/x"):
            with gate.client(settings["no certificate", TLS13], "password") as client:
                client.send(packets.connect(version, will=Will(topic, "x"), **PASSWORDS["right"]))
                answer = client.receive_to_end()
            code = 0x90 if version == V5 else 0x05
            assert answer in (b"", packets.connack(version, code)), topic
            if topic.startswith("$"):
                assert answer == packets.connack(version, code)
        assert broker.count == known


# --- what is no proper CONNECT ---------------------------------------------------------------


def test_password_without_user_name(gate, settings):
    """Legal in 5.0 only, and no factor there either."""
    no_certificate = settings["no certificate", TLS13]
    with gate.client(no_certificate, "password") as client:
        client.send(packets.connect(V5, password="x"))
        expect_refusal(client, V5, NOT_ALLOWED[V5])
    for version in (V31, V311):
        with gate.client(no_certificate, "password") as client:
            client.send(packets.connect(version, password="x"))
            assert client.receive_to_end() == b""


def test_empty_client_identifier(gate, settings, broker):
    known = broker.count
    cases = {(V31, True): 0x02, (V31, False): 0x02, (V311, False): 0x02}
    for (version, clean), code in cases.items():
        with gate.client(settings["no certificate", TLS13], "password") as client:
            client.send(packets.connect(version, client_id="", clean=clean, **PASSWORDS["right"]))
            expect_refusal(client, version, code)
    assert broker.count == known
    for version, clean in ((V311, True), (V5, True), (V5, False)):
        with gate.client(settings["no certificate", TLS13], "password") as client:
            client.send(packets.connect(version, client_id="", clean=clean, **PASSWORDS["right"]))
            assert client.receive_packet() == packets.connack(version)


def test_authentication_method(gate, settings, broker):
    known = broker.count
    with gate.client(settings["no certificate", TLS13], "password") as client:
        client.send(packets.connect(V5, props=b"\x15" + packets.text("SCRAM-SHA-1"), **PASSWORDS["right"]))
        expect_refusal(client, V5, 0x8C)
    assert broker.count == known


@pytest.mark.parametrize("name,level", [(b"MQTT", 3), (b"MQTT", 6), (b"MQTT", 2), (b"MQTT", 0),
                                        (b"MQIsdp", 4), (b"MQIsdp", 5), (b"MQTT", 0x83), (b"MQIsdp", 0x84)])
def test_protocol_level_that_is_not_the_names(gate, settings, broker, name, level):
    known = broker.count
    body = packets.text(name) + bytes([level, 2, 0, 60]) + packets.text("c")
    with gate.client(settings["no certificate", TLS13], "password") as client:
        client.send(packets.packet(packets.CONNECT, body))
        assert client.receive_to_end() == b"\x20\x02\x00\x01"
    assert broker.count == known


RIGHT = packets.connect(V311, **PASSWORDS["right"])
STRANGERS = {
    "nothing of MQTT": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "wrong protocol name": packets.packet(1, packets.text("MQTU") + bytes([4, 2, 0, 60]) + packets.text("c")),
    "flags in the fixed header": b"\x11" + RIGHT[1:],
    "reserved connect flag": RIGHT[:9] + bytes([RIGHT[9] | 1]) + RIGHT[10:],
    "trailing byte": bytes([RIGHT[0], RIGHT[1] + 1]) + RIGHT[2:] + b"\0",
    "five bytes of length": b"\x10\x80\x80\x80\x80\x01",
    "longer than the limit": packets.packet(1, packets.text("MQTT") + bytes([4, 6, 0, 60]) + packets.text("c")
                                            + packets.text("w") + packets.text(b"x" * 65535)),
    "announced longer than the limit": b"\x10\xff\xff\x7f" + b"\x00\x04MQTT",
    **{f"packet type {kind}": bytes([kind << 4, 0]) for kind in range(16) if kind != 1},
}


@pytest.mark.parametrize("what", STRANGERS)
def test_strangers_get_silence(gate, settings, broker, what):
    known = broker.count
    with gate.client(settings["no certificate", TLS13], "open") as client:
        client.send(STRANGERS[what])
        assert client.receive_to_end() == b""
        assert client.ended == NOTIFIED
        client.wait_socket_end(timeout=5)
    assert broker.count == known


def test_answer_larger_than_the_client_takes(gate, settings):
    """A 5.0 client's Maximum Packet Size binds refusals too: then there is none."""
    for size, expected in ((4, b""), (5, packets.connack(V5, 0x86))):
        with gate.client(settings["no certificate", TLS13], "password") as client:
            client.send(packets.connect(V5, props=b"\x27" + size.to_bytes(4, "big"), **PASSWORDS["wrong"]))
            assert client.receive_to_end() == expected


def test_a_wrong_password_never_falls_through(start_moat, trusting, upstream):
    """The first rule that matches decides; a laxer one behind it is not asked."""
    moat = start_moat(rules=[{"name": "names", "match": {"username": "*"}, "require": ["password"]},
                             {"name": "anybody", "require": "none"}])
    with moat.client(trusting) as client:
        client.send(packets.connect(V311, **PASSWORDS["wrong"]))
        expect_refusal(client, V311, 0x04)
    assert upstream.count == 0
    with moat.client(trusting) as client:
        client.send(packets.connect(V311))
        assert client.receive_packet() == packets.connack(V311)


def test_silent_refusal(start_moat, trusting, upstream):
    moat = start_moat(refusal="silent")
    for version in VERSIONS:
        with moat.client(trusting) as client:
            client.send(packets.connect(version, **PASSWORDS["wrong"]))
            assert client.receive_to_end() == b""
            assert client.ended == NOTIFIED
    assert upstream.count == 0
