"""How many connections one address, one identity, one listener and all together may have, and how fast."""

import pytest

from harness import configuration, packets
from harness.configuration import listener
from harness.entering import ALICE, BOB
from harness.packets import V5, V31, V311, VERSION_NAMES
from harness.strangers import HERE, STRICT, THERE, ask, call, is_served
from harness.waiting import wait_until

GOOD = packets.connack(V311)
# Far more than any limit below; so that it is met however slow the machine is.
MANY = 40


@pytest.fixture
def strict(start_moat):
    def start(limits=None, **options):
        return start_moat(limits={**STRICT, **(limits or {})}, **options)
    return start


# --- present ------------------------------------------------------------------------------------


def test_so_many_of_an_address_on_their_way_and_not_one_more(strict, trusting):
    moat = strict({"unauthenticated_per_address": 3})
    clients = [call(moat, trusting, HERE) for _ in range(3)]
    assert all(clients)
    assert call(moat, trusting, HERE) is None
    line = moat.wait_event("kept_out")
    assert (line["reason"], line["address"]) == ("too_many", HERE)
    assert call(moat, trusting, THERE)
    clients.pop().close()
    wait_until(lambda: is_served(moat, trusting, HERE), "the place to be given back")


def test_also_before_the_first_byte(strict, trusting):
    moat = strict({"unauthenticated_per_address": 3})
    for _ in range(3):
        moat.plain_client(source=HERE)
    wait_until(lambda: moat.socket_count() == moat.idle_sockets + 3, "all to be accepted")
    assert call(moat, trusting, HERE) is None
    assert call(moat, trusting, THERE)


def test_who_was_let_in_is_not_counted(strict, trusting):
    moat = strict({"unauthenticated_per_address": 2})
    for number in range(6):
        client = call(moat, trusting, HERE)
        client.send(packets.connect(V311, client_id=f"c{number}", **ALICE))
        assert client.receive_packet() == GOOD
    assert not moat.find("kept_out")


def test_every_way_to_end_gives_the_place_back(strict, trusting):
    moat = strict({"unauthenticated_per_address": 1, "connect_rate_per_address": 0, "failed_logins": 1000},
                  timeouts={"handshake": "300ms", "connect": "300ms"})

    def free():
        wait_until(lambda: is_served(moat, trusting, HERE), "the place to be given back")
        moat.wait_idle()  # by that client as well

    ask(moat, trusting, HERE, {"username": "alice", "password": "wrong"})
    free()
    moat.plain_client(source=HERE).close()
    free()
    with moat.plain_client(source=HERE) as client:
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        client.receive_to_end()
    free()
    assert call(moat, trusting, HERE)  # says nothing, for too long
    moat.wait_event("refused", reason="connect_timeout")
    free()
    moat.plain_client(source=HERE)
    moat.wait_event("refused", reason="handshake_timeout")
    free()


# --- rates --------------------------------------------------------------------------------------


def count_served(moat, trusting, source):
    return sum(is_served(moat, trusting, source) for _ in range(MANY))


def test_a_burst_of_one_address_and_then_its_rate(strict, trusting):
    moat = strict({"connect_rate_per_address": 1, "connect_burst_per_address": 5})
    assert 5 <= count_served(moat, trusting, HERE) < MANY
    line = moat.wait_event("kept_out")
    assert (line["reason"], line["address"]) == ("too_fast", HERE)
    assert is_served(moat, trusting, THERE)
    wait_until(lambda: is_served(moat, trusting, HERE), "the next second")
    assert len(moat.find("kept_out")) == 1


def test_no_limit_if_that_is_written(strict, trusting):
    moat = strict({"connect_rate_per_address": 0, "connect_burst_per_address": 1,
                   "connect_rate": 0})
    assert count_served(moat, trusting, HERE) == MANY


def test_a_trusted_network(strict, trusting):
    moat = strict({"connect_rate_per_address": 1, "connect_burst_per_address": 1, "connect_rate": 1,
                   "unauthenticated_per_address": 1, "trusted": [HERE]})
    clients = [call(moat, trusting, HERE) for _ in range(MANY)]
    assert all(clients)


def test_all_addresses_together(strict, trusting):
    moat = strict({"connect_rate": 1})
    served = [is_served(moat, trusting, f"127.0.1.{number}") for number in range(1, MANY)]
    assert True in served
    assert False in served
    assert moat.wait_event("kept_out")["reason"] == "busy"
    wait_until(lambda: is_served(moat, trusting, HERE), "the next second")


@pytest.mark.parametrize("version", (V31, V311, V5), ids=VERSION_NAMES.get)
def test_an_identity_that_comes_too_often(strict, trusting, version):
    moat = strict({"connect_rate_per_identity": 1, "connect_burst_per_identity": 3})
    answers = [ask(moat, trusting, (HERE, THERE)[number % 2], ALICE, version, f"c{number}")
               for number in range(MANY)]
    assert answers[:3] == [packets.connack(version)] * 3
    assert packets.connack(version, 0x9F if version == V5 else 0x03) in answers
    assert moat.wait_event("refused", username="alice")["reason"] == "too_fast"
    assert ask(moat, trusting, HERE, BOB, version, "b") == packets.connack(version)
    wait_until(lambda: ask(moat, trusting, HERE, ALICE, version, "a") == packets.connack(version),
               "the next second")


def test_a_reload_changes_the_limits(strict, trusting, pki, upstream, tmp_path):
    moat = strict({"unauthenticated_per_address": 1})
    first = call(moat, trusting, HERE)
    assert call(moat, trusting, HERE) is None
    moat.reload(configuration.moat(tmp_path, pki, upstream,
                                   limits={**STRICT, "unauthenticated_per_address": 2}))
    wait_until(lambda: is_served(moat, trusting, HERE), "the worker to hear of it")
    first.close()


# --- listeners -------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", (V311, V5), ids=VERSION_NAMES.get)
def test_a_listener_has_its_own_ceiling(start_moat, trusting, pki, version):
    small = dict(listener(pki, "small"), connections=1)
    moat = start_moat(listeners=[small, listener(pki, "large")])

    def enter(name, client_id):
        client = moat.client(trusting, name)
        client.send(packets.connect(version, client_id=client_id, **ALICE))
        return client, client.receive_packet()

    good, full = packets.connack(version), packets.connack(version, 0x89 if version == V5 else 0x03)
    first, answer = enter("small", "a")
    assert answer == good
    assert enter("small", "b")[1] == full
    assert moat.wait_event("refused")["reason"] == "full"
    assert moat.find("refused")[0]["detail"] == "connections of this listener"
    assert enter("large", "c")[1] == good
    first.close()
    moat.wait_event("ended", client_id="a")
    assert enter("small", "d")[1] == good
