"""Topic lists that are only observed, and lists that a reload changes under a live session."""

import pytest

from harness import configuration as configurations, packets
from harness.packets import PING, V5, V31, V311, VERSION_NAMES, publish, subscribe
from harness.topics import (BROKEN, LISTS, LOGIN, alias, connected, expect_end, random_pieces, rule,
                            subscribe_many)


@pytest.fixture
def pair(trusting, upstream):
    """pair(gate, version) gives a connected client and its connection at the upstream."""
    yield lambda gate, version=V311, **fields: connected(gate, trusting, upstream, version, **fields)
    for connection in upstream.connections:
        connection.close()


def end(gate, client, connection):
    client.close()
    connection.close()
    gate.wait_event("ended")


# --- observe ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", (V31, V5), ids=VERSION_NAMES.get)
def test_observed_and_passed(start_moat, pair, version):
    gate = start_moat(rules=[rule(mode="observe")])
    client, connection = pair(gate, version)
    stream = b"".join([publish(version, "u/bob/t", b"1"), publish(version, "u/bob/t", b"2"),
                       subscribe_many(version, "news/x", "#"), publish(version, "u/bob/u", b"3", qos=1)])
    for piece in random_pieces(stream, 20):
        client.send(piece)
    connection.wait_for(connection.connect + stream)
    end(gate, client, connection)
    lines = gate.find("observed", reason="topic_denied")
    assert [line["detail"] for line in lines] == ["publish u/bob/t", "subscribe #", "publish u/bob/u"]
    assert lines[0]["rule"] == "people"


def test_observed_topics_are_told_within_bounds(start_moat, pair):
    gate = start_moat(rules=[rule(mode="observe")])
    client, connection = pair(gate)
    stream = b"".join(publish(V311, f"x/{number}", b"") for number in range(1000))
    client.send(stream)
    connection.wait_for(connection.connect + stream)
    end(gate, client, connection)
    assert len(gate.find("observed")) == 32


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_observed_and_not_understood(start_moat, pair, broken):
    """What would have been malformed passes, and all behind it, looked at no more."""
    gate = start_moat(rules=[rule(mode="observe")])
    client, connection = pair(gate, V5)
    stream = publish(V5, "all", b"1") + broken + publish(V5, "u/bob/t", b"2")
    for piece in random_pieces(stream, 30):
        client.send(piece)
    connection.wait_for(connection.connect + stream)
    end(gate, client, connection)
    assert [line["reason"] for line in gate.find("observed")] == ["packet_malformed"]


# --- reload -----------------------------------------------------------------------------------------


@pytest.fixture
def reload(start_moat, trusting, tmp_path, pki, upstream):
    """reload.gate is a Moat; reload(**lists) gives its rule other lists, and returns when its one
    worker has judged all sessions again: a new client's handshake takes several turns of its loop."""
    def change(**lists):
        rules = [{"name": "people", "require": ["password"], **lists}]
        change.gate.reload(configurations.moat(tmp_path, pki, upstream, rules=rules, workers=1))
        with change.gate.client(trusting) as client:
            client.send(packets.connect(V311, client_id="new", **LOGIN))
            assert client.receive_packet() == packets.connack(V311)

    change.gate = start_moat(rules=[rule()], workers=1)
    return change


def test_wider_lists_leave_the_session_alone(reload, pair):
    """Also a topic that came half before the reload, and an alias that was set before it."""
    client, connection = pair(reload.gate, V5)
    first = publish(V5, "all", b"1", props=alias(1)) + publish(V5, "u/alice/t", b"2")[:6]
    client.send(first)
    connection.wait_received(len(connection.connect) + len(first) - 6)
    reload(subscribe=LISTS["subscribe"],
             publish={"allow": ["+/#"], "deny": ["u/+/secret/#"]})
    rest = publish(V5, "u/alice/t", b"2")[6:] + publish(V5, "", b"3", props=alias(1)) + publish(V5, "new", b"4")
    client.send(rest)
    connection.wait_for(connection.connect + first + rest)
    client.send(publish(V5, "u/bob/secret", b"5"))
    expect_end(client, connection, V5, first + rest)


def test_without_lists_a_held_topic_passes(reload, pair):
    client, connection = pair(reload.gate, V5)
    client.send(PING + publish(V5, "u/bob/t", b"2")[:6])
    connection.wait_for(connection.connect + PING)
    reload()
    client.send(publish(V5, "u/bob/t", b"2")[6:] + subscribe(V5, "#"))
    connection.wait_for(connection.connect + PING + publish(V5, "u/bob/t", b"2") + subscribe(V5, "#"))


@pytest.mark.parametrize("lists", (
    {"publish": {"allow": ["all"]}, "subscribe": LISTS["subscribe"]},
    {"publish": LISTS["publish"], "subscribe": {**LISTS["subscribe"], "deny": ["u/+/secret/#", "news/x"]}},
    {"publish": LISTS["publish"], "subscribe": {"allow": ["news/+"]}}), ids=("publish", "deny", "allow"))
def test_narrower_lists_end_the_session(reload, pair, lists):
    """The broker would keep the subscriptions that were permitted before."""
    client, connection = pair(reload.gate, V5)
    client.send(subscribe(V5, "news/x"))
    connection.wait_for(connection.connect + subscribe(V5, "news/x"))
    reload(**lists)
    expect_end(client, connection, V5, subscribe(V5, "news/x"))
    assert reload.gate.wait_event("ended", reason="no_longer_permitted")["detail"]


def test_new_lists_end_the_session(reload, pair):
    reload()
    client, connection = pair(reload.gate, V5)
    reload(**LISTS)
    expect_end(client, connection, V5)
