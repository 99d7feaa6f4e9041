"""What a reload does to clients that observing let in, that are still on the way in, or whose password was replaced."""

import base64
import contextlib
import hashlib
import socket
import threading

import pytest

from harness import configuration, packets, passwords
from harness.configuration import USERS
from harness.packets import PING, PONG, V5, V311, VERSION_NAMES, VERSIONS, subscribe

ALICE = {"username": "alice", "password": USERS["alice"]}
BOB = {"username": "bob", "password": USERS["bob"]}
WRONG = {"username": "alice", "password": "wrong"}
PEOPLE = {"name": "people", "require": ["password"]}
ANYBODY = {"name": "anybody", "require": "none"}
GONE = packets.packet(14, b"\x87")
LET_OFF = "only observed before"
each_version = pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)


@pytest.fixture
def settings_of(pki, upstream, tmp_path):
    return lambda **changes: configuration.moat(tmp_path, pki, upstream, **changes)


@pytest.fixture
def gate(start_moat, settings_of, upstream, trusting):
    """gate.start(**sections), gate.reload(**sections), and gate.enter() for a client that comes in."""
    class Gate:
        moat = None

        def start(self, **sections):
            self.moat = start_moat(**sections)

        def reload(self, **sections):
            self.moat.reload(settings_of(**sections))

        def enter(self, version=V5, settings=trusting, **fields):
            known = upstream.count
            client = self.moat.client(settings)
            client.send(packets.connect(version, **fields))
            assert client.receive_packet() == packets.connack(version)
            return client, upstream.next_connection(known)

        def ends(self, session, detail):
            client, connection = session
            assert client.receive_to_end() == GONE
            connection.wait_finished()
            assert detail in self.moat.wait_event("ended", reason="no_longer_permitted")["detail"]

    return Gate()


def stays(session):
    client, connection = session
    before = len(connection.received)
    client.send(PING)
    connection.wait_received(before + len(PING))
    connection.send(PONG)
    assert client.receive_packet() == PONG


def policy(mode, *rules):
    return {"policy": {"mode": mode, "rules": list(rules)}}


# --- what only observing let in does not outlive it ---------------------------------------------


def test_a_subscription(gate):
    rule = dict(PEOPLE, subscribe={"allow": ["news/#"]})
    gate.start(**policy("enforce", dict(rule, mode="observe")))
    session = gate.enter(**ALICE)
    clean = gate.enter(client_id="clean", **BOB)
    for one, topic in ((session, "secret"), (clean, "news/x")):
        one[0].send(subscribe(V5, topic))
        one[1].wait_received(len(subscribe(V5, topic)) + 20)
    gate.moat.wait_event("observed", reason="topic_denied")
    gate.reload(**policy("enforce", dict(rule, mode="observe")))
    stays(session)
    gate.reload(**policy("enforce", rule))
    gate.ends(session, LET_OFF)
    stays(clean)


def test_a_subscription_that_lists_of_later_forbid(gate):
    """The lists came while the rule observed; the subscription was there before them."""
    observing = dict(PEOPLE, mode="observe")
    listed = dict(PEOPLE, subscribe={"allow": ["news/#"]})
    gate.start(**policy("enforce", observing))
    session = gate.enter(**ALICE)
    session[0].send(subscribe(V5, "secret"))
    gate.reload(**policy("enforce", dict(listed, mode="observe")))
    assert "topic lists" in gate.moat.wait_event("observed", reason="no_longer_permitted")["detail"]
    stays(session)
    gate.reload(**policy("enforce", listed))
    gate.ends(session, LET_OFF)


def test_a_stream_that_could_not_be_followed(gate):
    rule = dict(PEOPLE, publish={"allow": ["all"]})
    gate.start(**policy("enforce", dict(rule, mode="observe")))
    session = gate.enter(**ALICE)
    session[0].send(packets.packet(3, b"\0\x01+"))
    gate.moat.wait_event("observed", reason="packet_malformed")
    gate.reload(**policy("enforce", PEOPLE))
    gate.ends(session, LET_OFF)


def test_an_identifier_of_somebody_else(gate):
    gate.start(**policy("observe", PEOPLE))
    owner = gate.enter(client_id="pump", **ALICE)
    other = gate.enter(client_id="pump", **BOB)
    gate.moat.wait_event("observed", reason="client_id_owned")
    gate.reload(**policy("enforce", PEOPLE))
    gate.ends(other, LET_OFF)
    stays(owner)


def test_a_place_too_many(gate):
    rule = dict(PEOPLE, limits={"connections": 1})
    gate.start(**policy("enforce", dict(rule, mode="observe")))
    first = gate.enter(client_id="one", **ALICE)
    second = gate.enter(client_id="two", **ALICE)
    gate.moat.wait_event("observed", reason="quota")
    gate.reload(**policy("enforce", rule))
    gate.ends(second, LET_OFF)
    stays(first)


@pytest.mark.parametrize("login", (WRONG, {"username": "admin"}), ids=("password", "name"))
def test_a_name_that_was_not_proven(gate, login):
    gate.start(**policy("observe", PEOPLE))
    session = gate.enter(**login)
    gate.moat.wait_event("observed", reason="bad_credentials")
    # `none` asks for no password, and yet not every name is its bearer's.
    gate.reload(**policy("enforce", ANYBODY))
    gate.ends(session, "password")


def test_a_client_that_no_rule_let_in(gate):
    gate.start(**policy("observe", PEOPLE))
    session = gate.enter(client_id="c")
    gate.moat.wait_event("observed", reason="factor_missing")
    gate.reload(**policy("enforce", PEOPLE))
    gate.ends(session, "missing")


def test_who_is_in_order_by_now_stays(gate):
    """What was observed of its CONNECT is judged anew; the rules that were missing are there."""
    gate.start(**policy("observe", dict(PEOPLE, match={"username": "*"})))
    session = gate.enter(client_id="c")
    gate.moat.wait_event("observed", reason="no_rule")
    gate.reload(**policy("enforce", dict(PEOPLE, match={"username": "*"}), ANYBODY))
    stays(session)
    assert gate.moat.find("ended") == []


def test_who_would_be_ended_is_told_while_observing(gate):
    gate.start(**policy("enforce", PEOPLE))
    session = gate.enter(**ALICE)
    bob = dict(PEOPLE, match={"username": "bob"})
    blocked = {"name": "blocked", "action": "deny", "match": {"client_id": "?*"}}
    for rules, word in (([bob], "no rule matches"), ([blocked, bob], "denies")):
        after = gate.moat.mark()
        gate.reload(**policy("observe", *rules))
        line = gate.moat.wait_event("observed", after, reason="no_longer_permitted")
        assert word in line["detail"] and line["code"] == "0x87"
        stays(session)


# --- one rule that observes gives away no identifier that others rely on -----------------------


@each_version
def test_a_rule_that_observes_gives_no_identifier_away(start_moat, trusting, upstream, version):
    observing = dict(PEOPLE, name="watched", mode="observe", match={"username": "bob"})
    moat = start_moat(rules=[observing, PEOPLE])
    for name, login in (("pump", ALICE), ("valve", BOB)):
        client = moat.client(trusting)
        client.send(packets.connect(version, name, **login))
        assert client.receive_packet() == packets.connack(version)
    known = upstream.count
    for name, login in (("pump", BOB), ("valve", ALICE)):
        after = moat.mark()
        with moat.client(trusting) as client:
            client.send(packets.connect(version, name, **login))
            assert client.receive_to_end() == packets.connack(version, 0x85 if version == V5 else 0x02)
        assert moat.wait_event("refused", after)["reason"] == "client_id_owned"
    assert upstream.count == known
    assert moat.find("observed") == []


# --- a password that was replaced ----------------------------------------------------------------


def swap(path, changed):
    """Other lines for the users in `changed`; all others keep theirs."""
    lines = [line for line in path.read_text().splitlines() if line.partition(":")[0] not in changed]
    path.write_text("\n".join(lines + [passwords.line(*pair) for pair in changed.items()]) + "\n")


@pytest.mark.parametrize("then", ("other", USERS["alice"]), ids=("replaced", "and put back"))
def test_a_password_replaced_across_two_reloads(gate, pki, upstream, tmp_path, then):
    """What was proven once does not count for ever because nobody asked in between."""
    gate.start(**policy("enforce", PEOPLE))
    alice, bob = gate.enter(**ALICE), gate.enter(client_id="b", **BOB)
    for mode, password in (("observe", "other"), ("enforce", then)):
        gate.moat.write(configuration.moat(tmp_path, pki, upstream, **policy(mode, PEOPLE)))
        swap(tmp_path / "passwords", {"alice": password})
        gate.moat.reload()
        if mode == "observe":
            line = gate.moat.wait_event("observed", reason="no_longer_permitted")
            assert line["username"] == "alice" and "password has changed" in line["detail"]
            stays(alice)
    gate.ends(alice, "password has changed")
    stays(bob)


# --- on the way in -------------------------------------------------------------------------------


def slow_line(user, password, iterations=2000000):
    """A hash that takes the pool about a second or two."""
    salt = b"saltsaltsalt"
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return f"{user}:$7${iterations}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}\n"


def refused_before_the_broker_hears(moat, client, version, detail):
    assert client.receive_to_end() == packets.connack(version, 0x87 if version == V5 else 0x05)
    line = moat.wait_event("refused", reason="no_longer_permitted")
    assert detail in line["detail"]
    assert moat.find("admitted") == []


@pytest.mark.parametrize("version", (V311, V5), ids=VERSION_NAMES.get)
def test_a_reload_while_the_password_is_checked(start_moat, trusting, upstream, tmp_path, version):
    moat = start_moat(workers=1)
    path = tmp_path / "passwords"
    bob = passwords.line("bob", USERS["bob"]) + "\n"
    path.write_text(slow_line("alice", USERS["alice"]) + bob)
    moat.reload()
    client = moat.client(trusting)
    client.send(packets.connect(version, **ALICE) + PING)
    # One worker: by the end of another's handshake the password is with the pool.
    moat.client(trusting).close()
    path.write_text(bob)
    moat.reload()
    refused_before_the_broker_hears(moat, client, version, "removed")
    assert all(connection.wait_finished() == b"" for connection in list(upstream.connections))


@pytest.fixture
def full():
    """A broker that accepts no connection until accept_all() is called; it answers nothing."""
    class Full:
        def __init__(self):
            self.listener = socket.socket()
            self.listener.bind(("127.0.0.1", 0))
            self.listener.listen(0)
            self.text = "127.0.0.1:%d" % self.listener.getsockname()[1]
            self.waiting = []
            for _ in range(4):
                self.waiting.append(socket.socket())
                self.waiting[-1].setblocking(False)
                self.waiting[-1].connect_ex(self.listener.getsockname())
            self.received = []

        def _serve(self):
            with contextlib.suppress(OSError):
                while True:
                    accepted, _ = self.listener.accept()
                    self.received.append(accepted.recv(4096))
                    accepted.close()

        def accept_all(self):
            for one in self.waiting:
                one.close()
            threading.Thread(target=self._serve, daemon=True).start()

        def stop(self):
            for one in (*self.waiting, self.listener):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()

    made = Full()
    yield made
    made.stop()


@pytest.mark.parametrize("version", (V311, V5), ids=VERSION_NAMES.get)
def test_a_reload_while_the_broker_is_dialled(start_moat, trusting, pki, full, tmp_path, version):
    timeouts = {"upstream": {"address": full.text, "connect_timeout": "30s"}}
    moat = start_moat(to=full, workers=1, **timeouts)
    client = moat.client(trusting)
    client.send(packets.connect(version, **ALICE) + PING)
    moat.client(trusting).close()
    wait_for_login(moat, trusting)
    only_bob = [dict(PEOPLE, match={"username": "bob"})]
    moat.reload(configuration.moat(tmp_path, pki, full, rules=only_bob, workers=1, **timeouts))
    full.accept_all()
    refused_before_the_broker_hears(moat, client, version, "no rule matches")
    assert not any(full.received)


def wait_for_login(moat, trusting):
    """Passwords are taken up in the order in which they came and cost the same: once this one is
    refused, those before it have been dealt with, or are about to be."""
    with moat.client(trusting) as client:
        client.send(packets.connect(V5, "late", **WRONG))
        assert client.receive_packet() == packets.connack(V5, 0x86)
