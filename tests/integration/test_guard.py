"""The ownership guard: whose a client identifier is."""

import os
import threading

import pytest

from harness import configuration, packets
from harness.client import NOTIFIED
from harness.configuration import PASSWORD_RULE, USERS, listener
from harness.entering import ALICE, BOB, NOBODY, attempt, enter, leave, visit
from harness.packets import V5, V31, V311, VERSION_NAMES, VERSIONS
from harness.tls_client import TlsClient, TlsSettings
from harness.waiting import wait_until

OWNED = {V31: 0x02, V311: 0x02, V5: 0x85}
GOOD = packets.connack(V311)
REFUSED = packets.connack(V311, 0x02)


def workers_of(events):
    """Sessions of one worker are numbered on from a number of its own."""
    return {fields["session"][:10] for fields in events}


# --- takeover ---------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_nobody_else_gets_an_identifier_in_use(moat, trusting, upstream, version):
    owner, answer = enter(moat, trusting, "pump", ALICE, version)
    assert answer == packets.connack(version)
    with moat.client(trusting) as thief:
        thief.send(packets.connect(version, client_id="pump", **BOB))
        assert thief.receive_to_end() == packets.connack(version, OWNED[version])
        assert thief.ended == NOTIFIED
    refused = moat.wait_event("refused", client_id="pump", username="bob")
    assert refused["reason"] == "client_id_owned"
    assert refused["level"] == "warning"
    assert refused["rule"] == "people"
    assert upstream.count == 1
    upstream.connection(0).send(packets.PONG)
    assert owner.receive_packet() == packets.PONG


def test_attempts_over_two_workers(start_moat, trusting, upstream):
    """Whichever worker the kernel gives a connection to."""
    moat = start_moat(workers=2)
    owner, answer = enter(moat, trusting, "pump", ALICE)
    assert answer == GOOD
    for _ in range(40):
        assert attempt(moat, trusting, "pump", BOB) == REFUSED
    wait_until(lambda: len(moat.find("refused")) == 40, "40 lines")
    assert len(workers_of(moat.find("refused"))) == 2
    assert upstream.count == 1
    upstream.connection(0).send(packets.PONG)
    assert owner.receive_packet() == packets.PONG


def test_of_two_who_come_at_once_one_wins(start_moat, trusting, upstream):
    moat = start_moat(workers=2)
    for number in range(25):
        ready = threading.Barrier(2)
        answers = {}

        def race(name, login, client_id=f"race-{number}", ready=ready, answers=answers):
            with TlsClient(moat.address(), trusting) as client:
                connect = packets.connect(V311, client_id=client_id, **login)
                ready.wait()
                client.send(connect)
                answers[name] = client.receive_packet()

        racers = [threading.Thread(target=race, args=pair) for pair in (("a", ALICE), ("b", BOB))]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        assert sorted(answers.values()) == [GOOD, REFUSED], f"round {number}: {answers}"
    assert upstream.count == 25


# --- the owner comes and goes -------------------------------------------------------------------


def test_the_owner_takes_over_its_own_session(moat, trusting, upstream):
    old, answer = enter(moat, trusting, "pump", ALICE)
    assert answer == GOOD
    new, answer = enter(moat, trusting, "pump", ALICE)
    assert answer == GOOD
    assert upstream.count == 2
    leave(moat, old, "pump")
    assert attempt(moat, trusting, "pump", BOB) == REFUSED
    leave(moat, new, "pump")
    assert attempt(moat, trusting, "pump", BOB) == REFUSED
    assert attempt(moat, trusting, "pump", ALICE) == GOOD


def test_remembered_for_a_time(start_moat, trusting):
    moat = start_moat(guard={"remember": "1500ms"})
    visit(moat, trusting, "pump", ALICE)
    assert attempt(moat, trusting, "pump", BOB) == REFUSED
    wait_until(lambda: attempt(moat, trusting, "pump", BOB) == GOOD, "the identifier to be free")
    assert attempt(moat, trusting, "pump", ALICE) == REFUSED


def test_remembered_for_no_time(start_moat, trusting):
    moat = start_moat(guard={"remember": 0})
    owner, answer = enter(moat, trusting, "pump", ALICE)
    assert answer == GOOD
    assert attempt(moat, trusting, "pump", BOB) == REFUSED
    leave(moat, owner, "pump")
    assert attempt(moat, trusting, "pump", BOB) == GOOD


def test_a_reload_forgets_nobody(start_moat, trusting, pki, upstream, tmp_path):
    moat = start_moat()
    owner, answer = enter(moat, trusting, "connected", ALICE)
    assert answer == GOOD
    visit(moat, trusting, "remembered", ALICE)
    changed = configuration.moat(tmp_path, pki, upstream, guard={"remember": "1h"})
    moat.reload(changed)
    for client_id in ("connected", "remembered"):
        assert attempt(moat, trusting, client_id, BOB) == REFUSED
        assert attempt(moat, trusting, client_id, ALICE) == GOOD
    owner.close()


def test_a_reload_changes_how_long(moat, trusting, pki, upstream, tmp_path):
    visit(moat, trusting, "pump", ALICE)
    moat.reload(configuration.moat(tmp_path, pki, upstream, guard={"remember": 0}))
    assert attempt(moat, trusting, "pump", BOB) == GOOD


def test_who_never_reached_the_broker_owns_nothing(start_moat, make_upstream, trusting):
    broker = make_upstream()
    broker.stop()
    moat = start_moat(to=broker)
    assert attempt(moat, trusting, "pump", ALICE) == packets.connack(V311, 0x03)
    broker.start()
    assert attempt(moat, trusting, "pump", BOB) == GOOD


def test_a_wrong_password_owns_nothing(moat, trusting):
    wrong = {"username": "bob", "password": "wrong"}
    assert attempt(moat, trusting, "pump", wrong) == packets.connack(V311, 0x04)
    visit(moat, trusting, "pump", ALICE)
    # Who does not prove himself is told that, and not whose the identifier is.
    assert attempt(moat, trusting, "pump", wrong) == packets.connack(V311, 0x04)


# --- a restart ----------------------------------------------------------------------------------


def test_a_restart_with_a_state_file(start_moat, trusting, tmp_path):
    path = tmp_path / "guard.state"
    guard = {"state_file": "guard.state"}
    moat = start_moat(guard=guard)
    assert os.stat(path).st_mode & 0o7777 == 0o600
    visit(moat, trusting, "pump", ALICE)
    moat.stop()
    moat.has_ended = True
    assert os.stat(path).st_mode & 0o7777 == 0o600
    for secret in (b"pump", b"alice"):
        assert secret not in path.read_bytes()

    moat = start_moat(guard=guard)
    assert moat.find("state_restored")
    assert attempt(moat, trusting, "pump", BOB) == REFUSED
    assert attempt(moat, trusting, "pump", ALICE) == GOOD
    assert sorted(name for name in os.listdir(tmp_path) if "guard" in name) == ["guard.state"]


def test_a_restart_without_one(start_moat, trusting):
    moat = start_moat()
    visit(moat, trusting, "pump", ALICE)
    moat.stop()
    moat.has_ended = True
    moat = start_moat()
    assert attempt(moat, trusting, "pump", BOB) == GOOD


def test_those_who_are_in_when_it_stops(start_moat, trusting):
    """SIGTERM with a client that stays: it is remembered as any other."""
    guard = {"state_file": "guard.state"}
    moat = start_moat(guard=guard, timeouts={"drain": 0})
    _, answer = enter(moat, trusting, "pump", ALICE)
    assert answer == GOOD
    moat.signal(15)
    assert moat.wait() == 0
    moat.has_ended = True
    moat = start_moat(guard=guard)
    assert attempt(moat, trusting, "pump", BOB) == REFUSED


@pytest.mark.parametrize("content", (b"", b"rubbish", b"moat-own" + bytes(200)),
                         ids=("empty", "rubbish", "zeros"))
def test_a_broken_state_file_does_not_keep_the_gate_shut(start_moat, trusting, tmp_path, content):
    path = tmp_path / "guard.state"
    path.write_bytes(content)
    moat = start_moat(guard={"state_file": "guard.state"})
    broken = moat.wait_event("state_broken")
    assert broken["level"] == "error"
    assert "guard.state.broken" in broken["msg"]
    assert (tmp_path / "guard.state.broken").read_bytes() == content
    visit(moat, trusting, "pump", ALICE)
    assert attempt(moat, trusting, "pump", BOB) == REFUSED


# --- who is who -----------------------------------------------------------------------------------


@pytest.fixture
def cards(pki):
    """TLS settings of holders of certificates."""
    return {name: TlsSettings(pki.server_ca.certificate, pair) for name, pair in
            {"first": pki.good, "second": pki.other, "none": None, "namesake": pki.wrong_ca}.items()}


BOTH = ["certificate", "password"]
EITHER = {"any": BOTH}


# what the rule requires, whom it calls the owner; then: with whose certificate and password
# somebody comes after alice with the first certificate, and whether he is the owner
OWNERS = (
    (BOTH, None, {("second", "alice"): False, ("first", "bob"): True}),
    (BOTH, "certificate", {("second", "alice"): False, ("first", "bob"): True}),
    (BOTH, "username", {("second", "alice"): True, ("first", "bob"): False}),
    (["password"], None, {("none", "alice"): True, ("second", "alice"): True, ("first", "bob"): False}),
    (["password"], "certificate", {("none", "alice"): False, ("first", "bob"): True}),
    (["certificate"], None, {("second", "alice"): False, ("first", None): True}),
    (["certificate"], "username", {("second", "alice"): True, ("first", None): False}),
    (EITHER, None, {("none", "alice"): False, ("first", None): True, ("second", None): False}),
    (EITHER, "username", {("none", "alice"): True, ("first", None): False}),
    ("none", None, {("none", "alice"): False, ("first", None): True, ("none", None): False}),
    ("none", "username", {("none", "alice"): True, ("none", "bob"): False, ("none", None): False}),
)


@pytest.mark.parametrize("require,owner,others", OWNERS)
def test_which_proof_decides(start_moat, pki, cards, require, owner, others):
    rule = {"name": "all", "require": require}
    if owner:
        rule["owner"] = owner
    moat = start_moat(listeners=[listener(pki, certificate="optional")], rules=[rule])
    visit(moat, cards["first"], "pump", ALICE)
    for (card, user), is_owner in others.items():
        login = {"username": user, "password": USERS[user]} if user else NOBODY
        answer = attempt(moat, cards[card], "pump", login)
        assert answer == (GOOD if is_owner else REFUSED), (card, user)


def test_a_name_that_the_certificate_proves(start_moat, pki, cards):
    """It is the same user, who may prove itself by password another time."""
    moat = start_moat(listeners=[listener(pki, certificate="optional")], users={"sensor-1": "x"},
                      rules=[{"name": "all", "require": EITHER, "owner": "username"}])
    visit(moat, cards["first"], "pump", {"username": "sensor-1"})
    assert attempt(moat, cards["none"], "pump", {"username": "sensor-1", "password": "x"}) == GOOD
    assert attempt(moat, cards["first"], "pump", NOBODY) == REFUSED


def test_the_same_name_from_two_authorities(start_moat, pki, cards, tmp_path):
    bundle = tmp_path / "both.crt"
    with open(bundle, "w", encoding="ascii") as file:
        for authority in (pki.client_ca, pki.stranger_ca):
            with open(authority.certificate, encoding="ascii") as part:
                file.write(part.read())
    place = listener(pki, certificate="required", client_ca=str(bundle))
    moat = start_moat(listeners=[place], rules=[{"name": "all", "require": ["certificate"]}])
    visit(moat, cards["first"], "pump", NOBODY)
    assert attempt(moat, cards["namesake"], "pump", NOBODY) == REFUSED
    assert attempt(moat, cards["first"], "pump", NOBODY) == GOOD
    names = {fields["certificate"] for fields in moat.find("refused") + moat.find("admitted")}
    assert names == {"sensor-1"}


def test_who_proves_nothing_owns_nothing(start_moat, trusting, upstream):
    moat = start_moat(rules=[{"name": "people", "match": {"username": "*"}, "require": ["password"]},
                             {"name": "anybody", "require": "none"}])
    first, answer = enter(moat, trusting, "pump", NOBODY)
    assert answer == GOOD
    assert attempt(moat, trusting, "pump", NOBODY) == GOOD
    owner, answer = enter(moat, trusting, "pump", ALICE)
    assert answer == GOOD
    count = upstream.count
    assert attempt(moat, trusting, "pump", NOBODY) == REFUSED
    leave(moat, owner, "pump")
    assert attempt(moat, trusting, "pump", NOBODY) == REFUSED
    assert upstream.count == count
    first.close()


@pytest.mark.parametrize("version", (V311, V5), ids=VERSION_NAMES.get)
def test_an_identifier_that_the_broker_makes_up(moat, trusting, version):
    for login in (ALICE, BOB, ALICE):
        client, answer = enter(moat, trusting, "", login, version)
        assert answer == packets.connack(version)


def test_identifiers_are_bytes(moat, trusting):
    """No case folding, no forms of Unicode: a broker would not see them as one either."""
    visit(moat, trusting, "caf\u00e9", ALICE)
    assert attempt(moat, trusting, "caf\u00e9", BOB) == REFUSED
    assert attempt(moat, trusting, "cafe\u0301", BOB) == GOOD
    assert attempt(moat, trusting, "CAF\u00c9", BOB) == GOOD


# --- off, and watching only ------------------------------------------------------------------------


def test_off(start_moat, trusting):
    moat = start_moat(guard={"client_id": "off"})
    owner, answer = enter(moat, trusting, "pump", ALICE)
    assert answer == GOOD
    assert attempt(moat, trusting, "pump", BOB) == GOOD
    owner.close()


def test_watching_only(start_moat, trusting):
    """The whole policy observes; one rule alone could not give away what others rely on."""
    rule = dict(PASSWORD_RULE, limits={"connections": 1})
    moat = start_moat(policy={"mode": "observe", "rules": [rule]})
    owner, answer = enter(moat, trusting, "pump", ALICE)
    assert answer == GOOD
    assert attempt(moat, trusting, "pump", BOB) == GOOD
    observed = moat.wait_event("observed", reason="client_id_owned")
    assert (observed["username"], observed["code"]) == ("bob", "0x02")
    assert attempt(moat, trusting, "valve", ALICE) == GOOD
    assert moat.wait_event("observed", reason="quota")["username"] == "alice"
    owner.close()


def test_a_password_that_is_only_watched_makes_nobody_an_owner(start_moat, trusting):
    moat = start_moat(policy={"mode": "observe", "rules": [PASSWORD_RULE]})
    visit(moat, trusting, "pump", {"username": "bob", "password": "wrong"})
    assert moat.wait_event("observed")["reason"] == "bad_credentials"
    visit(moat, trusting, "pump", ALICE)
    assert not moat.find("observed", reason="client_id_owned")
    visit(moat, trusting, "pump", BOB)
    assert moat.wait_event("observed", reason="client_id_owned")["username"] == "bob"
