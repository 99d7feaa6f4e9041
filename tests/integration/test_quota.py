"""How many sessions one identity may have under a rule."""

import pytest

from harness import packets
from harness.configuration import PASSWORD_RULE, listener
from harness.entering import ALICE, BOB, NOBODY, attempt, enter, leave
from harness.packets import V5, V31, V311, VERSION_NAMES, VERSIONS
from harness.waiting import wait_until

GOOD = packets.connack(V311)
OWNED = {V31: 0x02, V311: 0x02, V5: 0x85}
QUOTA = {V31: 0x03, V311: 0x03, V5: 0x97}


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_so_many_sessions_and_not_one_more(start_moat, trusting, upstream, version):
    moat = start_moat(rules=[dict(PASSWORD_RULE, limits={"connections": 2})])
    first, answer = enter(moat, trusting, "a-1", ALICE, version)
    assert answer == packets.connack(version)
    second, answer = enter(moat, trusting, "a-2", ALICE, version)
    assert answer == packets.connack(version)
    assert attempt(moat, trusting, "a-3", ALICE, version) == packets.connack(version, QUOTA[version])
    assert moat.wait_event("refused")["reason"] == "quota"
    assert upstream.count == 2
    assert attempt(moat, trusting, "b-1", BOB, version) == packets.connack(version)
    leave(moat, first, "a-1")
    assert attempt(moat, trusting, "a-3", ALICE, version) == packets.connack(version)
    # What was refused left no trace.
    assert attempt(moat, trusting, "a-3", BOB, version) == packets.connack(version, OWNED[version])
    second.close()


def test_a_client_that_comes_back_needs_no_second_place(start_moat, trusting):
    """Its old connection may look alive for minutes; the broker ends it for the new one."""
    moat = start_moat(rules=[dict(PASSWORD_RULE, limits={"connections": 1})])
    old, answer = enter(moat, trusting, "pump", ALICE)
    assert answer == GOOD
    new, answer = enter(moat, trusting, "pump", ALICE)
    assert answer == GOOD
    # But only one at a time, or a place would be worth any number of sessions.
    assert attempt(moat, trusting, "pump", ALICE) == packets.connack(V311, QUOTA[V311])
    leave(moat, old, "pump")
    assert attempt(moat, trusting, "valve", ALICE) == packets.connack(V311, QUOTA[V311])
    leave(moat, new, "pump")
    assert attempt(moat, trusting, "valve", ALICE) == GOOD


def test_each_rule_counts_for_itself(start_moat, pki, trusting):
    rules = [{"name": name, "match": {"listener": name}, "require": ["password"],
              "limits": {"connections": 1}} for name in ("one", "two")]
    moat = start_moat(listeners=[listener(pki, "one"), listener(pki, "two")], rules=rules)
    first, answer = enter(moat, trusting, "a", ALICE, listener_name="one")
    assert answer == GOOD
    assert attempt(moat, trusting, "b", ALICE, listener_name="one") == packets.connack(V311, QUOTA[V311])
    assert attempt(moat, trusting, "b", ALICE, listener_name="two") == GOOD
    first.close()


def test_who_proves_nothing_counts_as_one(start_moat, trusting):
    moat = start_moat(rules=[{"name": "all", "require": "none", "limits": {"connections": 1}}])
    first, answer = enter(moat, trusting, "a", NOBODY)
    assert answer == GOOD
    assert attempt(moat, trusting, "b", NOBODY) == packets.connack(V311, QUOTA[V311])
    assert attempt(moat, trusting, "c", ALICE) == GOOD
    leave(moat, first, "a")
    assert attempt(moat, trusting, "b", NOBODY) == GOOD


def test_the_place_of_who_never_reached_the_broker(start_moat, make_upstream, trusting):
    broker = make_upstream()
    broker.stop()
    moat = start_moat(to=broker, rules=[dict(PASSWORD_RULE, limits={"connections": 1})])
    for _ in range(3):
        assert attempt(moat, trusting, "pump", ALICE) == packets.connack(V311, 0x03)
    broker.start()
    assert attempt(moat, trusting, "pump", ALICE) == GOOD


def test_a_broker_that_ends_a_session_ends_its_place(start_moat, trusting, upstream):
    """The client of the old session may hold on to its connection for long."""
    moat = start_moat(rules=[dict(PASSWORD_RULE, limits={"connections": 1})])
    _, answer = enter(moat, trusting, "one", ALICE)
    assert answer == GOOD
    assert attempt(moat, trusting, "two", ALICE) == packets.connack(V311, QUOTA[V311])
    upstream.connection(0).close()
    wait_until(lambda: attempt(moat, trusting, "two", ALICE) == GOOD, "the place to be free")
