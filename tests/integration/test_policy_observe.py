"""Observing: what would be refused is logged with its code and let in; what no mode lets in."""

import pytest

from harness import packets
from harness.client import OPEN
from harness.configuration import USERS, listener
from harness.packets import PING, PONG, V5, VERSION_NAMES, VERSIONS, Will
from harness.refusals import (BAD_LOGIN, CLIENT_ID, NOT_ALLOWED, answers, expect_admitted, expect_refused,
                              publish_of)
from harness.tls_client import TlsSettings
from harness.upstream import Upstream

ALICE = {"username": "alice", "password": USERS["alice"]}
WRONG = {"username": "alice", "password": "wrong"}

# Each rule has a listener of its own, of the same name.
RULES = {
    "observed": {"mode": "observe", "require": ["certificate"], "bind": {"client_id": "${certificate}"},
                 "limits": {"packet_size": "300B", "keep_alive": "60s"}},
    "observed deny": {"mode": "observe", "action": "deny"},
}
each_version = pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)


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
    return starter(tmp_path_factory.mktemp("observed"), broker,
                   listeners=[listener(pki, name, "optional") for name in RULES],
                   rules=[{"name": name, "match": {"listener": name}, **keys} for name, keys in RULES.items()])


@pytest.fixture(scope="module")
def sensor(pki):
    """A client with the certificate of sensor-1."""
    return TlsSettings(pki.server_ca.certificate, pki.good)


def expect_observed(gate, broker, where, connect, reason, code, settings=None):
    after = gate.mark()
    expect_admitted(gate, broker, where, connect, settings)
    line = gate.wait_event("observed", after, listener=where, reason=reason)
    assert line["verdict"] == "observe"
    assert line["code"] == f"0x{code:02x}"
    gate.wait_event("admitted", after, listener=where)
    return line


@each_version
def test_a_rule_that_observes(gate, broker, sensor, version):
    expect_observed(gate, broker, "observed", packets.connect(version, "other"), "bind_client_id",
                    CLIENT_ID[version][3], sensor)
    expect_observed(gate, broker, "observed", packets.connect(version, "sensor-1", keep_alive=61), "keep_alive",
                    NOT_ALLOWED[version][3], sensor)
    expect_observed(gate, broker, "observed", packets.connect(version, "no-cert"), "factor_missing",
                    NOT_ALLOWED[version][3])
    expect_observed(gate, broker, "observed deny", packets.connect(version, "denied"), "rule_denies",
                    NOT_ALLOWED[version][3])
    # What is in order is not worth a word.
    after = gate.mark()
    expect_admitted(gate, broker, "observed", packets.connect(version, "sensor-1"), sensor)
    gate.wait_event("admitted", after, listener="observed")
    assert not gate.find("observed", after)


@each_version
def test_a_rule_that_observes_gives_no_name_away(gate, broker, sensor, version):
    connect = packets.connect(version, "sensor-1", username="admin")
    expect_refused(gate, broker, "observed", connect, BAD_LOGIN[version], "bad_credentials", sensor)
    connect = packets.connect(version, "sensor-1", **WRONG)
    expect_refused(gate, broker, "observed", connect, BAD_LOGIN[version], "bad_credentials", sensor)
    expect_admitted(gate, broker, "observed", packets.connect(version, "sensor-1", **ALICE), sensor)


@pytest.mark.parametrize("step", [1, 1000])
def test_a_large_packet_is_observed_once_and_passes(gate, broker, sensor, step):
    known, after = broker.count, gate.mark()
    connect = packets.connect(V5, "sensor-1")
    stream = publish_of(V5, 300) + publish_of(V5, 301) + PING + publish_of(V5, 10000)
    with gate.client(sensor, "observed") as client:
        client.send(connect)
        client.receive_packet()
        client.send_each(stream[at:min(at + step, 600)] for at in range(0, 600, step))
        client.send(stream[600:])
        upstream = broker.next_connection(known)
        upstream.wait_for(connect + stream)
        upstream.send(PONG)
        assert client.receive_packet() == PONG
        assert client.ended == OPEN
    gate.wait_event("observed", after, reason="packet_too_large", code="0x95")
    gate.wait_event("ended", after, reason="client_ended")
    assert len(gate.find("observed", after)) == 1


@pytest.fixture(scope="module")
def open_gate(starter, pki, broker, tmp_path_factory):
    """A policy on trial, in front of a broker that was open to everybody until today."""
    return starter(tmp_path_factory.mktemp("observe"), broker,
                   listeners=[listener(pki, "mqtts", "optional")],
                   policy={"mode": "observe",
                           "rules": [{"name": "strict", "mode": "enforce", "match": {"client_id": "strict-*"},
                                      "require": ["password"]},
                                     {"name": "mqtts", "match": {"username": "*"}, "require": ["password"]}]})


@each_version
def test_a_policy_that_observes_lets_everybody_in(open_gate, broker, version):
    # One identifier for each of them: who comes first still owns what it brings.
    def observed(client_id, reason, code, **options):
        expect_observed(open_gate, broker, "mqtts", packets.connect(version, client_id, **options), reason, code)

    observed(f"a{version}", "bad_credentials", BAD_LOGIN[version][3], **WRONG)
    observed(f"b{version}", "bad_credentials", BAD_LOGIN[version][3], username="mallory", password="x")
    observed(f"c{version}", "bad_credentials", BAD_LOGIN[version][3], username="admin")
    observed(f"d{version}", "no_rule", NOT_ALLOWED[version][3])


@each_version
def test_what_no_mode_lets_in(open_gate, broker, version):
    after, known = open_gate.mark(), broker.count
    cases = [(packets.connect(version, "x", username="#", password="x"), BAD_LOGIN[version]),
             (packets.connect(version, "a/+"), CLIENT_ID[version]),
             (packets.connect(version, "x", will=Will("$SYS/x", b"")), answers(0x05, 0x90)[version]),
             (packets.connect(version, "strict-1", **WRONG), BAD_LOGIN[version]),
             (packets.packet(packets.CONNECT, b"\0\4MQTT"), b"")]
    for connect, answer in cases:
        with open_gate.client() as client:
            client.send(connect)
            assert client.receive_to_end() == answer
    assert broker.count == known
    assert not open_gate.find("observed", after)
