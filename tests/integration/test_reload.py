"""SIGHUP: a new configuration for new clients, while nobody who is in notices. SIGTERM: the end."""

import os
import signal
import socket
import ssl
import threading

import pytest

from harness import configuration, packets, passwords
from harness.client import NOTIFIED
from harness.configuration import USERS, listener
from harness.packets import V5, V311, VERSION_NAMES, VERSIONS
from harness.tls_client import TlsClient, TlsSettings
from harness.waiting import wait_until

LOGIN = {"username": "alice", "password": USERS["alice"]}
GOOD = packets.connack(V311)
BAD_LOGIN = packets.connack(V311, 4)


@pytest.fixture
def settings_of(pki, upstream, tmp_path):
    """A configuration as the running one, with changes."""
    return lambda **changes: configuration.moat(tmp_path, pki, upstream, **changes)


def login(moat, trusting, username="alice", password=USERS["alice"], listener_name=None):
    with moat.client(trusting, listener_name) as client:
        client.send(packets.connect(V311, client_id=f"c-{username}", username=username,
                                    password=password))
        return client.receive_packet()


# --- what changes ----------------------------------------------------------------------------


def test_users_added_and_removed(moat, trusting, settings_of):
    assert login(moat, trusting) == GOOD
    assert login(moat, trusting, "carol", "x") == BAD_LOGIN
    moat.reload(settings_of(users={"carol": "x"}))
    assert login(moat, trusting, "carol", "x") == GOOD
    assert login(moat, trusting) == BAD_LOGIN


def test_changed_password_forgets_the_old_one(moat, trusting, settings_of):
    """A proven password is remembered for a while, but not across a reload."""
    assert login(moat, trusting) == GOOD
    assert login(moat, trusting) == GOOD
    moat.reload(settings_of(users={"alice": "changed"}))
    assert login(moat, trusting) == BAD_LOGIN
    assert login(moat, trusting, password="changed") == GOOD


def test_password_file_alone_may_change(moat, trusting, tmp_path):
    """moat.yaml stays as it is; the files it names are read again."""
    passwords.write(tmp_path / "passwords", {"dave": "y"})
    moat.reload()
    assert login(moat, trusting, "dave", "y") == GOOD


def test_rules_change_and_sessions_stay(moat, trusting, upstream, settings_of, tmp_path):
    """Those who may still be in do not notice; test_live.py has those who may not."""
    kept = (tmp_path / "passwords").read_text()
    with moat.client(trusting) as before:
        before.send(packets.connect(V311, **LOGIN))
        assert before.receive_packet() == GOOD
        changed = settings_of(rules=[{"name": "alice", "match": {"username": "alice"}, "require": ["password"]}])
        (tmp_path / "passwords").write_text(kept)  # the same hashes
        moat.reload(changed)
        assert login(moat, trusting, "bob", USERS["bob"]) == packets.connack(V311, 5)
        upstream.connection(0).send(packets.PONG)
        assert before.receive_packet() == packets.PONG


def test_certificate_swap(moat, trusting, pki, settings_of):
    def served():
        with moat.client(trusting) as client:
            return client.peer_certificate()

    def der(pair):
        with open(pair.certificate, encoding="ascii") as file:
            return ssl.PEM_cert_to_DER_cert(file.read())

    assert served() == der(pki.server)
    with moat.client(trusting) as before:
        moat.reload(settings_of(listeners=[listener(pki, pair=pki.server_next)]))
        assert served() == der(pki.server_next)
        moat.reload(settings_of(listeners=[listener(pki, pair=pki.server_rsa)]))
        assert served() == der(pki.server_rsa)
        before.send(packets.connect(V311, **LOGIN))  # its handshake was under the first one
        assert before.receive_packet() == GOOD


def test_upstream_changes_for_new_clients(moat, trusting, upstream, make_upstream, settings_of):
    """The port stays: in the sandbox there is no other that Moat could connect to."""
    other = make_upstream(("127.0.0.2", upstream.address[1]))
    assert login(moat, trusting) == GOOD
    changed = settings_of()
    changed["upstream"]["address"] = other.text
    moat.reload(changed)
    assert login(moat, trusting) == GOOD
    assert (upstream.count, other.count) == (1, 1)


# --- what must not change --------------------------------------------------------------------


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


BROKEN = {
    "no YAML": lambda moat, pki, good: moat.write("listeners: [\n"),
    "empty file": lambda moat, pki, good: moat.write(""),
    "unknown key": lambda moat, pki, good: moat.write({**good, "upsteam": {}}),
    "no rules": lambda moat, pki, good: moat.write({**good, "policy": {"rules": []}}),
    "file is gone": lambda moat, pki, good: os.unlink(moat.path),
    "password file is gone": lambda moat, pki, good: os.unlink(good["credentials"]["password_file"]),
    "password file is empty": lambda moat, pki, good: write(good["credentials"]["password_file"], ""),
    "password file is broken": lambda moat, pki, good: write(good["credentials"]["password_file"], "alice\n"),
    "no certificate": lambda moat, pki, good: moat.write(
        {**good, "listeners": [listener(pki, pair=type(pki.server)("/nonexistent.crt", pki.server.key))]}),
    "expired certificate": lambda moat, pki, good: moat.write(
        {**good, "listeners": [listener(pki, pair=pki.server_expired)]}),
    "another's key": lambda moat, pki, good: moat.write(
        {**good, "listeners": [listener(pki, pair=type(pki.server)(pki.server.certificate, pki.good.key))]}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_configuration_keeps_the_old_one(moat, trusting, pki, settings_of, what):
    with moat.client(trusting) as before:
        before.send(packets.connect(V311, **LOGIN))
        assert before.receive_packet() == GOOD
        BROKEN[what](moat, pki, settings_of())
        moat.reload(event="reload_refused")
        assert moat.find("configuration_fault"), "no line says what is wrong"
        assert login(moat, trusting) == GOOD
        assert login(moat, trusting, "mallory", "x") == BAD_LOGIN
        moat.reload(settings_of())  # mended
        assert login(moat, trusting) == GOOD


NEEDS_RESTART = {
    "the listener's address": lambda good, pki: {**good, "listeners": [listener(pki, address="127.0.0.1:1")]},
    "the listener's name": lambda good, pki: {**good, "listeners": [listener(pki, name="other")]},
    "one more listener": lambda good, pki: {**good, "listeners": [listener(pki), listener(pki, name="second")]},
    "the number of workers": lambda good, pki: {**good, "workers": 7},
}


@pytest.mark.parametrize("what", NEEDS_RESTART)
def test_key_that_needs_a_restart(moat, trusting, pki, settings_of, what):
    """Refused as a whole: a half-applied file would be neither the old nor the new one."""
    moat.reload({**NEEDS_RESTART[what](settings_of(), pki), "policy": {"rules": [
        {"name": "others", "match": {"username": "bob"}, "require": ["password"]}]}}, event="reload_refused")
    assert any("restart" in line for line in moat.lines), moat.text()
    assert login(moat, trusting) == GOOD


# --- under load ------------------------------------------------------------------------------


class Talker(threading.Thread):
    """Publishes to itself through an echoing broker, without a pause, until told to stop."""

    def __init__(self, moat, trusting, number, failures):
        super().__init__(daemon=True)
        self.client = TlsClient(moat.address(), trusting, timeout=60)
        moat.clients.append(self.client)
        self.number, self.failures, self.rounds = number, failures, 0
        self.is_over = threading.Event()

    def run(self):
        topic = f"echo/{self.number}"
        try:
            self.client.send(packets.connect(V311, client_id=f"talker-{self.number}", **LOGIN)
                             + packets.subscribe(V311, topic))
            assert self.client.receive_packet() == GOOD
            assert self.client.receive_packet() == packets.suback(V311)
            while not self.is_over.is_set():
                message = packets.publish(V311, topic, f"{self.rounds} " + "x" * 2000)
                self.client.send(message)
                assert self.client.receive_packet() == message
                self.rounds += 1
        except Exception as failure:  # reported by the test's own thread
            self.failures.append(f"talker {self.number} in round {self.rounds}: {failure!r}")


def test_reload_under_load(start_moat, mosquitto, trusting, pki, tmp_path):
    """Thirty reloads, half of them refused, while twenty clients talk and others come and go:
    no session is dropped and nobody who may come in is refused."""
    moat = start_moat(to=mosquitto)
    good = configuration.moat(tmp_path, pki, mosquitto)
    failures = []
    talkers = [Talker(moat, trusting, number, failures) for number in range(20)]
    for talker in talkers:
        talker.start()
    wait_until(lambda: failures or all(talker.rounds > 2 for talker in talkers), "all to talk", 60)
    for number in range(30):
        if number % 2:
            moat.reload({**good, "nonsense": number}, event="reload_refused")
        else:
            pair = (pki.server, pki.server_next)[number // 2 % 2]
            moat.reload({**good, "listeners": [listener(pki, pair=pair)]})
        assert login(moat, trusting) == GOOD
        marks = [talker.rounds for talker in talkers]
        wait_until(lambda: failures or all(talker.rounds > mark for talker, mark in zip(talkers, marks)),
                   "all to go on talking", 60)
    for talker in talkers:
        talker.is_over.set()
    for talker in talkers:
        talker.join(60)
    assert not failures
    assert not [line for line in moat.find("ended") if line["client_id"].startswith("talker")]


# --- the end ---------------------------------------------------------------------------------


def is_refused(moat):
    """True when no new connection is taken any more."""
    try:
        socket.create_connection(moat.address(), timeout=2).close()
        return False
    except OSError:
        return True


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT))
def test_drain(start_moat, trusting, upstream, number):
    """Who is in may finish; who comes now is not let in; with the last one Moat ends."""
    moat = start_moat(timeouts={"drain": "60s"})
    client = moat.client(trusting)
    client.send(packets.connect(V311, **LOGIN))
    assert client.receive_packet() == GOOD
    moat.signal(number)
    wait_until(lambda: is_refused(moat), "the listener to close")
    client.send(packets.PING)
    connection = upstream.connection(0)
    wait_until(lambda: connection.received.endswith(packets.PING), "the ping to arrive")
    connection.send(packets.PONG)
    assert client.receive_packet() == packets.PONG
    assert moat.is_running()
    client.send(packets.disconnect())
    client.close()
    connection.wait_finished()
    connection.close()
    expect_good_end(moat)


def expect_good_end(moat, timeout=20):
    assert moat.wait(timeout) == 0, moat.text()
    assert not moat.sanitizer_reports(), moat.text()
    moat.has_ended = True


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_drain_ends_in_time(start_moat, trusting, upstream, version):
    """Who does not go is shown out: in 5.0 with DISCONNECT 0x8B, in 3.x with the end alone."""
    moat = start_moat(timeouts={"drain": "300ms"})
    client = moat.client(trusting)
    client.send(packets.connect(version, **LOGIN))
    assert client.receive_packet() == packets.connack(version)
    moat.signal(signal.SIGTERM)
    assert client.receive_to_end() == (packets.disconnect(V5, 0x8B) if version == V5 else b"")
    assert client.ended == NOTIFIED
    client.close()
    upstream.connection(0).wait_finished()
    expect_good_end(moat)


def test_end_with_unfinished_strangers(start_moat, trusting):
    """Half a handshake, half a CONNECT: they do not hold the end up beyond the drain time."""
    moat = start_moat(timeouts={"drain": "300ms"})
    moat.plain_client().send(b"\x16\x03\x01\x02\x00\x01")
    moat.plain_client()
    moat.client(trusting).send(packets.connect(V311, **LOGIN)[:10])
    moat.signal(signal.SIGTERM)
    expect_good_end(moat)


def test_end_without_clients(start_moat):
    moat = start_moat()
    moat.signal(signal.SIGTERM)
    expect_good_end(moat, timeout=10)


def test_reload_while_draining_does_no_harm(start_moat, trusting):
    moat = start_moat(timeouts={"drain": "1s"})
    client = moat.client(trusting)
    client.send(packets.connect(V311, **LOGIN))
    assert client.receive_packet() == GOOD
    moat.signal(signal.SIGTERM)
    moat.signal(signal.SIGHUP)
    assert client.receive_to_end() == b""
    client.close()
    expect_good_end(moat)


def test_tickets_end_with_a_change_of_trust(start_moat, pki, upstream, tmp_path):
    """A ticket from before does not bring in a client whose authority is trusted no more."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        folder = tmp_path / version.name
        folder.mkdir()
        rules = [{"name": "devices", "require": ["certificate"]}]
        options = {"listeners": [listener(pki, certificate="required")], "rules": rules}
        moat = start_moat(folder=folder, **options)
        settings = TlsSettings(pki.server_ca.certificate, pki.good, version)
        with moat.client(settings) as first:
            first.send(packets.connect(V5))
            assert first.receive_packet() == packets.connack(V5)
            ticket = first.ticket()
        changed = configuration.moat(folder, pki, upstream, **options)
        changed["listeners"][0]["tls"]["client_ca"] = pki.stranger_ca.certificate
        moat.reload(changed)
        known = upstream.count
        try:
            with moat.client(TlsSettings.resuming(ticket)) as second:
                second.send(packets.connect(V5))
                assert second.receive_to_end() == b""
                assert second.alert == "TLSV1_ALERT_UNKNOWN_CA"
        except ssl.SSLError as error:
            assert error.reason == "TLSV1_ALERT_UNKNOWN_CA"
        assert upstream.count == known
