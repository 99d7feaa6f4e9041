"""Who fails too often is banned: addresses of strangers, and identities that break the rules inside."""

import time

import pytest

from harness import configuration, packets
from harness.client import TcpClient
from harness.configuration import PASSWORD_RULE, listener
from harness.entering import ALICE, BOB
from harness.packets import V5, V311, VERSION_NAMES
from harness.strangers import (ELSEWHERE, HERE, STRICT, THERE, WRONG, ask, breach, call, fail,
                               in_a_network_of_its_own, is_served)
from harness.tls_client import TLS12, TLS13, TlsSettings
from harness.waiting import wait_until

GOOD = packets.connack(V311)
WRONG_ANSWER = {V311: packets.connack(V311, 0x04), V5: packets.connack(V5, 0x86)}
BANNED_ANSWER = {V311: packets.connack(V311, 0x05), V5: packets.connack(V5, 0x8A)}


@pytest.fixture
def strict(start_moat):
    """Moat as it is shipped, in front of the recording upstream."""
    def start(limits=None, **options):
        return start_moat(limits={**STRICT, **(limits or {})}, **options)
    return start


# --- failed logins ----------------------------------------------------------------------------


@pytest.mark.parametrize("version", (V311, V5), ids=VERSION_NAMES.get)
def test_the_fifth_wrong_password_bans_the_address(strict, trusting, version):
    moat = strict()
    for _ in range(4):
        assert ask(moat, trusting, HERE, WRONG, version) == WRONG_ANSWER[version]
    assert ask(moat, trusting, HERE, ALICE, version) == packets.connack(version)
    assert not moat.find("banned")
    assert ask(moat, trusting, HERE, WRONG, version) == WRONG_ANSWER[version], "answered as the others"
    banned = moat.wait_event("banned")
    assert (banned["address"], banned["for"], banned["reason"]) == (HERE, "600s", "failed_logins")
    assert call(moat, trusting, HERE) is None
    assert len(moat.find("banned")) == 1
    assert ask(moat, trusting, THERE, ALICE, version) == packets.connack(version)


def test_not_one_byte_is_answered(strict, trusting, upstream):
    moat = strict()
    fail(moat, trusting, HERE, 5)
    with TcpClient(moat.address(), source=HERE) as client:
        assert client.receive_to_end() == b""
    assert upstream.count == 0


def test_a_user_that_there_is_not(strict, trusting):
    moat = strict()
    fail(moat, trusting, HERE, 5, {"username": "nobody", "password": "x"})
    assert not is_served(moat, trusting, HERE)


def test_what_is_no_guess_bans_nobody(strict, trusting):
    """No password at all, no user name, what is no MQTT, a handshake that is given up."""
    moat = strict()
    for _ in range(7):
        ask(moat, trusting, HERE, {"username": "alice"}, V5)
        ask(moat, trusting, HERE, {})
        with moat.client(trusting, source=HERE) as client:
            client.send(b"GET / HTTP/1.0\r\n\r\n")
            client.receive_to_end()
        with moat.plain_client(source=HERE) as client:
            client.send(b"\x16\x03\x01")
    assert ask(moat, trusting, HERE, ALICE) == GOOD
    assert not moat.find("banned")


def test_who_does_not_wait_for_the_answer_is_banned_all_the_same(strict, trusting):
    moat = strict()
    for _ in range(5):
        with call(moat, trusting, HERE) as client:
            client.send(packets.connect(V311, client_id="x", **WRONG))
    moat.wait_event("banned", address=HERE)


def test_connections_that_were_open_before_give_no_more_guesses(strict, trusting, upstream):
    moat = strict()
    waiting = [call(moat, trusting, HERE) for _ in range(3)]
    fail(moat, trusting, HERE, 5)
    moat.wait_event("banned")
    for client, login in zip(waiting, (WRONG, ALICE, BOB)):
        client.send(packets.connect(V311, client_id="x", **login))
        assert client.receive_packet() == BANNED_ANSWER[V311]
    assert upstream.count == 0


def test_guesses_at_once_find_out_no_more_than_guesses_in_a_row(strict, trusting, upstream):
    """The right one is the last, and its password is computed before it is known that all others are wrong."""
    moat = strict(workers=1)
    guesses = [call(moat, trusting, HERE) for _ in range(30)]
    for client in guesses[:-1]:
        client.send(packets.connect(V311, client_id="x", **WRONG))
    guesses[-1].send(packets.connect(V311, client_id="x", **ALICE))
    answers = [client.receive_packet() for client in guesses]
    assert answers[-1] == BANNED_ANSWER[V311]
    assert answers.count(WRONG_ANSWER[V311]) == 5
    assert answers.count(BANNED_ANSWER[V311]) == 25
    assert upstream.count == 0


def test_who_is_in_stays_in(strict, trusting, upstream):
    moat = strict()
    client = call(moat, trusting, HERE)
    client.send(packets.connect(V311, client_id="pump", **ALICE))
    assert client.receive_packet() == GOOD
    fail(moat, trusting, HERE, 5)
    moat.wait_event("banned")
    upstream.connection(0).send(packets.PONG)
    assert client.receive_packet() == packets.PONG


def test_a_ban_ends_and_the_next_is_longer(strict, trusting):
    moat = strict({"ban": "1s", "ban_max": "2s"})
    for length in ("1s", "2s", "2s"):
        after = moat.mark()
        fail(moat, trusting, HERE, 5)
        assert moat.wait_event("banned", after)["for"] == length
        assert not is_served(moat, trusting, HERE)
        wait_until(lambda: is_served(moat, trusting, HERE), "the ban to end")


def test_failures_further_apart_than_the_window(strict, trusting):
    moat = strict({"failed_login_window": "1s", "failed_logins": 2})
    fail(moat, trusting, HERE, 1)
    time.sleep(1.1)
    fail(moat, trusting, HERE, 1)
    assert is_served(moat, trusting, HERE)
    assert not moat.find("banned")


def test_nobody_is_banned_if_that_is_written(strict, trusting):
    moat = strict({"failed_logins": 0, "connect_rate_per_address": 0})
    fail(moat, trusting, HERE, 12)
    assert ask(moat, trusting, HERE, ALICE) == GOOD


def test_many_addresses_that_guess_once_each(strict, trusting):
    """A warning and no ban: one wrong password of each, for a user that there is or not."""
    moat = strict({"failed_login_alarm": 7})
    # They may fall into two minutes, but not all of them.
    for at in range(14):
        ask(moat, trusting, f"127.0.7.{at + 1}", {"username": f"user-{at}", "password": "x"})
    told = moat.wait_event("failed_logins")
    assert (told["level"], told["count"]) == ("warning", "7")
    assert not moat.find("banned")
    for at in range(14):
        assert is_served(moat, trusting, f"127.0.7.{at + 1}")


def test_few_failures_give_no_alarm(strict, trusting):
    moat = strict({"failed_login_alarm": 15, "failed_logins": 0})
    fail(moat, trusting, HERE, 14)
    assert is_served(moat, trusting, HERE)
    assert not moat.find("failed_logins")


def test_a_flood_of_the_banned_is_told_once(strict, trusting):
    moat = strict()
    fail(moat, trusting, HERE, 5)
    size = moat.mark()
    for _ in range(60):
        assert not is_served(moat, trusting, HERE)
    assert ask(moat, trusting, THERE, ALICE) == GOOD
    lines = moat.find("kept_out", size)
    assert [(line["reason"], line["address"], line["suppressed"]) for line in lines] == \
        [("banned", HERE, "0")]
    assert moat.mark() - size < 10


def test_watching_only(strict, trusting):
    """Who is let in with a wrong password, by order, does not fail."""
    moat = strict(policy={"mode": "observe", "rules": [PASSWORD_RULE]})
    for _ in range(7):
        assert ask(moat, trusting, HERE, WRONG) == GOOD
    assert is_served(moat, trusting, HERE)


# --- trusted networks ---------------------------------------------------------------------------


def test_a_trusted_network(strict, trusting):
    moat = strict({"trusted": [f"{HERE}/32"]})
    fail(moat, trusting, HERE, 8)
    assert ask(moat, trusting, HERE, ALICE) == GOOD
    fail(moat, trusting, THERE, 5)
    assert not is_served(moat, trusting, THERE)


def test_a_reload_lifts_what_it_trusts_and_the_ban_is_there_again(strict, trusting, pki, upstream, tmp_path):
    moat = strict()
    fail(moat, trusting, HERE, 5)
    assert not is_served(moat, trusting, HERE)

    def reload(**limits):
        moat.reload(configuration.moat(tmp_path, pki, upstream, limits={**STRICT, **limits}))

    reload(trusted=[HERE])
    wait_until(lambda: is_served(moat, trusting, HERE), "the worker to hear of it")
    reload()
    wait_until(lambda: not is_served(moat, trusting, HERE), "the ban, which nobody lifted")


# --- reload and restart ---------------------------------------------------------------------------


def test_a_ban_survives_reload_and_restart(strict, trusting):
    guard = {"state_file": "guard.state"}
    moat = strict(guard=guard)
    fail(moat, trusting, HERE, 5)
    moat.wait_event("banned")
    moat.reload()
    assert not is_served(moat, trusting, HERE)
    moat.stop()
    moat.has_ended = True

    moat = strict(guard=guard)
    assert "1 bans" in moat.find("state_restored")[0]["msg"]
    assert not is_served(moat, trusting, HERE)
    assert ask(moat, trusting, THERE, ALICE) == GOOD


def test_a_banned_identity_survives_a_restart(strict, trusting):
    guard = {"state_file": "guard.state"}
    moat = strict(guard=guard)
    for _ in range(5):
        breach(moat, trusting, HERE, ALICE)
    moat.wait_event("banned", username="alice")
    moat.stop()
    moat.has_ended = True
    moat = strict(guard=guard)
    assert ask(moat, trusting, THERE, ALICE) == BANNED_ANSWER[V311]
    assert ask(moat, trusting, THERE, BOB, client_id="y") == GOOD


def test_without_a_state_file_a_restart_lifts_it(strict, trusting):
    moat = strict()
    fail(moat, trusting, HERE, 5)
    assert not is_served(moat, trusting, HERE)
    moat.stop()
    moat.has_ended = True
    assert ask(strict(), trusting, HERE, ALICE) == GOOD


# --- client certificates -----------------------------------------------------------------------


def present(moat, pki, pair, version):
    settings = TlsSettings(pki.server_ca.certificate, pair, version=version)
    try:
        with moat.client(settings, source=HERE) as client:
            client.receive_to_end()
    except OSError:  # in TLS 1.2 the handshake itself fails
        pass


@pytest.mark.parametrize("version", (TLS12, TLS13), ids=("1.2", "1.3"))
def test_certificates_of_a_stranger(strict, trusting, pki, version):
    moat = strict(listeners=[listener(pki, certificate="optional")])
    for number in range(1, 6):
        assert is_served(moat, trusting, HERE)
        present(moat, pki, pki.wrong_ca, version)
        wait_until(lambda count=number: len(moat.find("refused", reason="tls_failed")) == count, "the line")
    assert moat.wait_event("banned", address=HERE)["reason"] == "client_certificate"
    assert not is_served(moat, trusting, HERE)


@pytest.mark.parametrize("name", ("expired", "future"))
def test_a_matter_of_clocks_bans_nobody(strict, trusting, pki, name):
    """Ours may be the one that is wrong, and then everybody would be banned."""
    moat = strict(listeners=[listener(pki, certificate="optional")])
    for _ in range(7):
        present(moat, pki, getattr(pki, name), TLS13)
    wait_until(lambda: len(moat.find("refused", reason="tls_failed")) == 7, "the lines")
    assert is_served(moat, trusting, HERE)
    assert not moat.find("banned")


# --- identities ----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", (V311, V5), ids=VERSION_NAMES.get)
def test_an_identity_that_breaks_the_rules_is_banned_wherever_it_comes_from(strict, trusting, version):
    moat = strict()
    for number in range(5):
        assert not moat.find("banned")
        breach(moat, trusting, HERE, ALICE, f"x{number}", version)
    banned = moat.wait_event("banned")
    assert (banned["username"], banned["for"], banned["reason"]) == ("alice", "600s", "second_connect")
    for source in (HERE, THERE):
        assert ask(moat, trusting, source, ALICE, version) == BANNED_ANSWER[version]
        assert ask(moat, trusting, source, BOB, version, "y") == packets.connack(version)
    assert moat.wait_event("refused", username="alice")["reason"] == "banned"


def test_nobody_gets_another_identity_banned(strict, trusting):
    """Neither with wrong passwords nor with breaches under its client identifier."""
    moat = strict({"connect_rate_per_address": 0})
    fail(moat, trusting, HERE, 5)
    for _ in range(5):
        breach(moat, trusting, THERE, BOB, "pump")
    assert ask(moat, trusting, ELSEWHERE, ALICE) == GOOD
    assert not moat.find("banned", username="alice")


def test_who_proved_nothing_is_no_identity(strict, trusting):
    moat = strict(rules=[{"name": "anybody", "require": "none"}])
    for _ in range(7):
        breach(moat, trusting, HERE, {})
    assert ask(moat, trusting, HERE, {}) == GOOD
    assert not moat.find("banned")


# --- IPv6 ------------------------------------------------------------------------------------------


def test_evasion_by_ipv6(strict, pki):
    """Other host parts of one /64 do not help, nor do other /64 beneath one /56 for long."""
    addresses = ["2001:db8:0:1::1"] + [f"2001:db8:0:1{part:02x}::{host}" for part in range(6) for host in (1, 2)]
    addresses.append("2001:db8:0:200::1")
    trusting = TlsSettings(pki.server_ca.certificate)

    def work():
        moat = strict(listeners=[listener(pki, address="[::]:0")])
        moat.addresses["mqtts"] = ("2001:db8:0:1::1", moat.address()[1])
        for part in range(4):
            here, other_host = f"2001:db8:0:1{part:02x}::1", f"2001:db8:0:1{part:02x}::2"
            assert is_served(moat, trusting, here)
            for number in range(5):
                fail(moat, trusting, (here, other_host)[number % 2], 1)
            moat.wait_event("banned", address=f"2001:db8:0:1{part:02x}::/64" if part else "2001:db8:0:100::/64")
            assert not is_served(moat, trusting, other_host)
        moat.wait_event("banned", address="2001:db8:0:100::/56")
        assert not is_served(moat, trusting, "2001:db8:0:104::1")
        assert is_served(moat, trusting, "2001:db8:0:200::1")
        moat.stop()
        moat.has_ended = True

    in_a_network_of_its_own(addresses, work)
