"""What rules ask for beyond a proof: names, limits, bridges, host names.

Every refusal is compared byte by byte with what the table of refusals says for its version.
"""

import pytest

from harness import packets
from harness.configuration import USERS, listener
from harness.packets import PING, V5, V31, V311, VERSION_NAMES, VERSIONS, Will
from harness.refusals import (BAD_LOGIN, CLIENT_ID, NOT_ALLOWED, answers, expect_admitted, expect_refused,
                              publish_of)
from harness.tls_client import TlsSettings
from harness.upstream import Upstream

ALICE = {"username": "alice", "password": USERS["alice"]}
WRONG = {"username": "alice", "password": "wrong"}

# Each rule has a listener of its own, of the same name. Clients may show a certificate.
RULES = {
    "bound": {"require": ["certificate"],
              "bind": {"client_id": ["${certificate}", "${certificate}-*"], "username": "${certificate}"}},
    "prefixed": {"require": ["certificate"], "bind": {"username": ["${certificate}-*", "gateway"]}},
    "anything": {"require": ["certificate"], "bind": {"username": "*"}},
    "people": {"require": ["password"], "bind": {"client_id": "${username}-*"}},
    "addresses": {"require": "none", "bind": {"client_id": "at-${address}"}},
    "names": {"require": "none", "limits": {"client_id_length": 8, "client_id_characters": "[a-z0-9-]"}},
    "alive": {"require": "none", "limits": {"keep_alive": "60s"}},
    "alive or off": {"require": "none", "limits": {"keep_alive": "60s", "keep_alive_zero": "allow"}},
    "clean": {"require": "none", "limits": {"clean_session": "required"}},
    "no will": {"require": "none", "limits": {"will": "deny"}},
    "wills": {"require": ["certificate"],
              "limits": {"will_topics": ["status/${certificate}", "alarm/${certificate}/#"],
                         "will_qos": "1", "will_retain": "deny"}},
    "versions": {"require": "none", "limits": {"protocol": ["3.1.1"]}},
    "new": {"require": "none", "limits": {"protocol": "5.0"}},
    "small": {"require": "none", "limits": {"packet_size": "300B"}},
    "bridges": {"require": "none", "bridge": "allow"},
    "plain": {"require": "none"},
}


def rule_of(name, keys):
    return {"name": name, "match": {"listener": name}, **keys}


@pytest.fixture(scope="module")
def broker():
    made = Upstream()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def starter(pki):
    from conftest import Starter
    made = Starter(pki)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def gate(starter, pki, broker, tmp_path_factory):
    return starter(tmp_path_factory.mktemp("policy"), broker,
                   listeners=[listener(pki, name, "optional") for name in RULES],
                   rules=[rule_of(name, keys) for name, keys in RULES.items()])


@pytest.fixture(scope="module")
def sensor(pki):
    """A client with the certificate of sensor-1."""
    return TlsSettings(pki.server_ca.certificate, pki.good)


each_version = pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)


# --- bind --------------------------------------------------------------------------------------

@each_version
@pytest.mark.parametrize("client_id", ["sensor-1", "sensor-1-a", "sensor-1-"])
def test_client_identifiers_that_are_bound(gate, broker, sensor, version, client_id):
    expect_admitted(gate, broker, "bound", packets.connect(version, client_id, username="sensor-1"), sensor)


@each_version
@pytest.mark.parametrize("client_id", ["sensor-2", "sensor-10", "sensor", "Sensor-1", "sensor-1*", "*", "${certificate}"])
def test_client_identifiers_that_are_not(gate, broker, sensor, version, client_id):
    line = expect_refused(gate, broker, "bound", packets.connect(version, client_id), CLIENT_ID[version],
                          "bind_client_id", sensor)
    assert line["client_id"] == client_id and line["certificate"] == "sensor-1"


def test_an_empty_client_identifier_is_not_bound(gate, broker, sensor):
    for version in (V311, V5):
        expect_refused(gate, broker, "bound", packets.connect(version, ""), CLIENT_ID[version],
                       "bind_client_id", sensor)


@each_version
@pytest.mark.parametrize("claimed", ["sensor-2", "admin", "*", "${certificate}"])
def test_a_user_name_of_somebody_else(gate, broker, sensor, version, claimed):
    connect = packets.connect(version, "sensor-1", username=claimed, password="whatever")
    line = expect_refused(gate, broker, "bound", connect, NOT_ALLOWED[version], "bind_username", sensor)
    assert line["username"] == claimed and line["certificate"] == "sensor-1"


def test_no_user_name_claims_nothing(gate, broker, sensor):
    expect_admitted(gate, broker, "bound", packets.connect(V311, "sensor-1"), sensor)


@each_version
def test_user_names_that_a_bind_makes_true(gate, broker, sensor, version):
    for name in ("sensor-1-pump", "gateway"):
        connect = packets.connect(version, "prefixed", username=name)
        expect_admitted(gate, broker, "prefixed", connect, sensor)


@each_version
def test_a_bind_of_wildcards_makes_nothing_true(gate, broker, sensor, version):
    connect = packets.connect(version, "anything", username="admin")
    expect_refused(gate, broker, "anything", connect, BAD_LOGIN[version], "bad_credentials", sensor)


@each_version
def test_users_have_client_identifiers_of_their_own(gate, broker, version):
    expect_admitted(gate, broker, "people", packets.connect(version, "alice-phone", **ALICE))
    connect = packets.connect(version, "bob-phone", **ALICE)
    expect_refused(gate, broker, "people", connect, CLIENT_ID[version], "bind_client_id")
    # The right identifier is no proof.
    connect = packets.connect(version, "alice-phone", **WRONG)
    expect_refused(gate, broker, "people", connect, BAD_LOGIN[version], "bad_credentials")


def test_addresses(gate, broker):
    expect_admitted(gate, broker, "addresses", packets.connect(V311, "at-127.0.0.1"))
    expect_refused(gate, broker, "addresses", packets.connect(V311, "at-127.0.0.2"), CLIENT_ID[V311],
                   "bind_client_id")


# --- limits of CONNECT -------------------------------------------------------------------------

@each_version
def test_length_and_characters_of_client_identifiers(gate, broker, version):
    expect_admitted(gate, broker, "names", packets.connect(version, "abcde-78"))
    for client_id in ("abcde-789", "ABC", "a b"):
        expect_refused(gate, broker, "names", packets.connect(version, client_id), CLIENT_ID[version],
                       "client_id_limit")


@each_version
def test_keep_alive(gate, broker, version):
    name = f"alive-{version}"
    expect_admitted(gate, broker, "alive", packets.connect(version, name, keep_alive=60))
    for seconds in (0, 61, 65535):
        connect = packets.connect(version, name, keep_alive=seconds)
        expect_refused(gate, broker, "alive", connect, NOT_ALLOWED[version], "keep_alive")
    expect_admitted(gate, broker, "alive or off", packets.connect(version, name, keep_alive=0))
    connect = packets.connect(version, name, keep_alive=61)
    expect_refused(gate, broker, "alive or off", connect, NOT_ALLOWED[version], "keep_alive")


@each_version
def test_clean_sessions(gate, broker, version):
    expect_admitted(gate, broker, "clean", packets.connect(version, "clean"))
    connect = packets.connect(version, "clean", clean=False)
    expect_refused(gate, broker, "clean", connect, NOT_ALLOWED[version], "clean_session")


def test_a_clean_start_that_outlives_the_connection(gate, broker):
    expect_admitted(gate, broker, "clean", packets.connect(V5, "clean", props=b"\x11\0\0\0\0"))
    connect = packets.connect(V5, "clean", props=b"\x11\0\0\0\x01")
    expect_refused(gate, broker, "clean", connect, NOT_ALLOWED[V5], "clean_session")


@each_version
def test_wills(gate, broker, sensor, version):
    def with_will(topic, qos=0, retain=False):
        return packets.connect(version, "willing", will=Will(topic, b"gone", qos, retain))

    refused = answers(0x05, 0x90)[version]
    expect_refused(gate, broker, "no will", with_will("a"), refused, "will")
    expect_admitted(gate, broker, "no will", packets.connect(version, "unwilling"))
    for topic in ("status/sensor-1", "alarm/sensor-1", "alarm/sensor-1/a/b"):
        expect_admitted(gate, broker, "wills", with_will(topic, qos=1), sensor)
    for topic in ("status/sensor-2", "status/sensor-1/x", "alarm/sensor-10", "alarm", "status"):
        expect_refused(gate, broker, "wills", with_will(topic), refused, "will", sensor)
    expect_refused(gate, broker, "wills", with_will("status/sensor-1", qos=2), answers(0x05, 0x9B)[version],
                   "will_qos", sensor)
    expect_refused(gate, broker, "wills", with_will("status/sensor-1", retain=True),
                   answers(0x05, 0x9A)[version], "will_retain", sensor)


def test_versions(gate, broker):
    refused = answers(0x01, 0x84)
    expect_admitted(gate, broker, "versions", packets.connect(V311, "version"))
    for version in (V31, V5):
        expect_refused(gate, broker, "versions", packets.connect(version, "version"), refused[version],
                       "protocol_not_allowed")
    expect_admitted(gate, broker, "new", packets.connect(V5, "version"))
    for version in (V31, V311):
        expect_refused(gate, broker, "new", packets.connect(version, "version"), refused[version],
                       "protocol_not_allowed")


# --- bridges -----------------------------------------------------------------------------------

def bridge(version):
    """The CONNECT that Mosquitto's bridges begin with (try_private)."""
    name = b"MQIsdp" if version == V31 else b"MQTT"
    body = packets.text(name) + bytes([version | 0x80, 2, 0, 60]) + packets.text("bridge")
    return packets.packet(packets.CONNECT, body)


@pytest.mark.parametrize("version", [V31, V311], ids=VERSION_NAMES.get)
def test_bridges(gate, broker, version):
    line = expect_refused(gate, broker, "plain", bridge(version), b"\x20\x02\x00\x01", "bridge")
    assert line["bridge"] == "yes" and line["protocol"] == VERSION_NAMES[version]
    expect_admitted(gate, broker, "bridges", bridge(version))
    expect_admitted(gate, broker, "bridges", packets.connect(version, "no-bridge"))


def test_no_bridges_of_5_0(gate, broker):
    body = packets.text("MQTT") + bytes([0x85, 2, 0, 60, 0]) + packets.text("bridge")
    with gate.client(None, "bridges") as client:
        client.send(packets.packet(packets.CONNECT, body))
        assert client.receive_to_end() == b"\x20\x02\x00\x01"


# --- the size of packets -----------------------------------------------------------------------

@each_version
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_a_packet_at_the_limit_passes_and_one_past_it_ends_the_session(gate, broker, version, step):
    known, after = broker.count, gate.mark()
    connect = packets.connect(version, f"small-{version}")
    good, bad = publish_of(version, 300), publish_of(version, 301)
    stream = good + PING + good + bad + PING
    with gate.client(None, "small") as client:
        client.send(connect)
        assert client.receive_packet() == packets.connack(version)
        client.send_each(stream[at:at + step] for at in range(0, len(stream), step))
        assert client.receive_to_end() == (b"\xe0\x01\x95" if version == V5 else b"")
    line = gate.wait_event("ended", after, reason="packet_too_large")
    assert line.get("code") == ("0x95" if version == V5 else None)
    received = broker.next_connection(known).wait_finished()
    # No byte of the body passes; the header may, when it came before its length was known.
    assert received.startswith(connect + good + PING + good)
    assert len(received) - len(connect + good + PING + good) <= 2


def test_a_packet_that_is_too_large_behind_connect(gate, broker):
    known = broker.count
    connect = packets.connect(V311, "small-early")
    with gate.client(None, "small") as client:
        client.send(connect + PING + publish_of(V311, 301))
        client.receive_to_end()
    assert broker.next_connection(known).wait_finished() == connect + PING


# --- host names --------------------------------------------------------------------------------

def test_sni(start_moat, pki, upstream):
    gate = start_moat(rules=[{"name": "devices", "match": {"sni": "*.devices.example"}, "require": "none"},
                             {"name": "any host", "match": {"sni": "*"}, "action": "deny"},
                             {"name": "no host", "require": "none"}])
    for host, rule, is_admitted in [("a.devices.example", "devices", True), ("devices.example", "any host", False),
                                    (None, "no host", True)]:
        after = gate.mark()
        settings = TlsSettings(server_name=host)
        with gate.client(settings) as client:
            client.send(packets.connect(V311, "sni"))
            assert client.receive_packet() == packets.connack(V311, 0 if is_admitted else 5)
        line = gate.wait_event("admitted" if is_admitted else "refused", after)
        assert line["rule"] == rule and line.get("sni") == host


# --- names made of patterns ----------------------------------------------------------------------

PATTERNS = ["*", "?", "a*", "[a-z]*", "\\", "\\*", "${certificate}", "${username}", "${address}", "$", "${", "%u", "%c", ".*"]


def test_a_name_made_of_patterns_gains_nothing(start_moat, trusting, upstream):
    """Each of these users has its own identifiers, letter by letter, and nobody else's; the glob behind the
    substitution is the rule's, not the name's."""
    users = {name: "secret" for name in [*PATTERNS, "abc"]}
    moat = start_moat(users=users, guard={"client_id": "off"}, rules=[
        {"name": "people", "require": ["password"], "bind": {"client_id": ["${username}", "${username}/*"]}}])
    for name in PATTERNS:
        for wanted in (name, f"{name}/1", f"{name}1", "x", "x/1", "abc/1", "127.0.0.1", "other"):
            after = moat.mark()
            with moat.client(trusting) as client:
                client.send(packets.connect(V311, wanted, username=name, password="secret"))
                is_own = wanted in (name, f"{name}/1")
                assert client.receive_packet() == packets.connack(V311, 0 if is_own else 0x02), (name, wanted)
            if not is_own:
                assert moat.wait_event("refused", after)["reason"] == "bind_client_id"
    assert upstream.count == 2 * len(PATTERNS)
