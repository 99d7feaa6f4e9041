"""The front door: what strangers can take from those inside, and from each other, by connecting."""

import contextlib
import resource
import signal
import socket
import time

import pytest

from harness import configuration, packets
from harness.configuration import USERS
from harness.moat import is_sanitized
from harness.packets import V5, V311, VERSIONS
from harness.waiting import wait_until

LOGIN = {"username": "alice", "password": USERS["alice"]}
GOOD = packets.connack(V311)
REFUSED = packets.connack(V311, 5)

# Of each second, while nothing can be done. A loop that spins takes all that the machine has to give.
QUIET = 0.05 if not is_sanitized() else 0.25


def limited(descriptors):
    """What runs Moat with so many descriptors."""
    return ["prlimit", f"--nofile={descriptors}:{descriptors}"]


class Crowd:
    """Strangers that connect from many addresses and say little or nothing."""

    def __init__(self, address):
        self.address = address
        self.sockets = []

    def come(self, count, saying=b""):
        for _ in range(count):
            made = socket.socket()
            self.sockets.append(made)
            number = len(self.sockets)
            made.bind((f"127.{1 + number // 250}.7.{1 + number % 250}", 0))
            made.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                made.connect(self.address)
        if saying:
            for made in self.sockets[-count:]:
                made.settimeout(20)
                with contextlib.suppress(OSError):  # not yet taken, or sent away already
                    made.send(saying)
                made.setblocking(False)

    def sent_away(self):
        """How many the gate has closed so far."""
        count = 0
        for made in self.sockets:
            try:
                count += made.recv(1) == b""
            except BlockingIOError:
                pass
            except OSError:
                count += 1
        return count

    def leave(self):
        for made in self.sockets:
            made.close()
        self.sockets.clear()


@pytest.fixture
def crowd_at():
    crowds = []

    def come_to(moat):
        crowds.append(Crowd(moat.address()))
        return crowds[-1]

    yield come_to
    for crowd in crowds:
        crowd.leave()


class Inside:
    """A client that was let in, and its broker: they keep talking whatever happens outside."""

    def __init__(self, moat, trusting, upstream, client_id="inside"):
        known = upstream.count
        self.client = moat.client(trusting)
        self.client.send(packets.connect(V311, client_id=client_id, **LOGIN))
        assert self.client.receive_packet() == GOOD
        self.broker = upstream.next_connection(known)

    def ping(self):
        known = len(self.broker.received)
        self.client.send(packets.PING)
        self.broker.wait_received(known + len(packets.PING))
        self.broker.send(packets.PONG)
        assert self.client.receive_packet() == packets.PONG

    def ping_for(self, seconds):
        """Returns how many there were."""
        count, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            self.ping()
            count += 1
            time.sleep(0.05)
        return count


def expect_quiet(moat, inside, seconds=2.0):
    """Those inside are served, and the gate does next to nothing else."""
    start, before = time.monotonic(), moat.processor_seconds()
    assert inside.ping_for(seconds) >= 2
    used, elapsed = moat.processor_seconds() - before, time.monotonic() - start
    assert used < QUIET * elapsed, f"{used:.2f} s on a processor in {elapsed:.2f} s: it spins"


def expect_entry(moat, trusting, client_id="honest"):
    with moat.client(trusting) as client:
        client.send(packets.connect(V311, client_id=client_id, **LOGIN))
        assert client.receive_packet() == GOOD


def starve(moat):
    """No descriptor is left: the limit is the lowest number that is free."""
    taken = moat.descriptors()
    lowest = next(number for number in range(len(taken) + 1) if number not in taken)
    return limit(moat, lowest)


def limit(moat, count):
    """Returns what the limit was before."""
    _, hard = resource.prlimit(moat.pid, resource.RLIMIT_NOFILE)
    return resource.prlimit(moat.pid, resource.RLIMIT_NOFILE, (count, hard))[0]


# --- descriptors -----------------------------------------------------------------------------


def test_few_descriptors_and_a_crowd(start_moat, trusting, upstream, crowd_at):
    """128 descriptors, hundreds of connections: the session inside does not notice, nothing spins, and once the
    crowd is gone everything is as before."""
    moat = start_moat(prefix=limited(128))
    inside = Inside(moat, trusting, upstream)
    crowd = crowd_at(moat)
    crowd.come(400)
    moat.wait_event("accepting_paused")
    expect_quiet(moat, inside, 3.0)
    assert len(moat.descriptors()) < 128 - 32, "the reserve was spent on strangers"
    wait_until(crowd.sent_away, "strangers to make room for each other")
    crowd.leave()
    inside.ping()
    expect_entry(moat, trusting)
    # One pair of lines for each worker in ten seconds, however many pauses there were.
    assert len(moat.find("accepting_paused")) <= 8
    assert not moat.find(level="error")


def test_the_fewest_descriptors(start_moat, trusting, upstream):
    """One worker needs 93: with one less the gate says so and does not start, with them it serves."""
    moat = start_moat(prefix=limited(93), workers=1)
    inside = Inside(moat, trusting, upstream)
    for number in range(20):
        expect_entry(moat, trusting, f"honest-{number}")
    inside.ping()


def test_fewer_descriptors_than_that(start_moat):
    moat = start_moat(is_awaited=False, prefix=limited(92), workers=1)
    moat.has_ended = True
    assert moat.wait() == 71
    line = moat.find("few_descriptors", level="error")[0]
    assert "92 open files are allowed and at least 93 are needed with workers: 1" in line["msg"]


def test_no_descriptor_at_all(start_moat, trusting, upstream, crowd_at):
    """EMFILE: the crowd waits in the backlog, and nobody is lost when descriptors come back."""
    moat = start_moat(workers=1)
    inside = Inside(moat, trusting, upstream)
    plenty = starve(moat)
    crowd = crowd_at(moat)
    crowd.come(200)
    paused = moat.wait_event("accepting_paused")
    assert paused["reason"] == "descriptors"
    assert "ulimit -n" in paused["msg"]
    expect_quiet(moat, inside)
    assert crowd.sent_away() == 0
    assert len(moat.find("accepting_paused")) == 1
    limit(moat, plenty)
    moat.wait_event("accepting_resumed")
    inside.ping()
    expect_entry(moat, trusting)
    crowd.leave()
    assert len(moat.find("accepting_resumed")) == 1


def test_the_end_without_descriptors(start_moat, trusting, upstream, crowd_at):
    """Who is asked to stop while nothing can be accepted stops all the same."""
    moat = start_moat(timeouts={"drain": "1s"})
    Inside(moat, trusting, upstream)
    starve(moat)
    crowd_at(moat).come(20)
    moat.wait_event("accepting_paused")
    moat.has_ended = True
    moat.signal(signal.SIGTERM)
    assert moat.wait() == 0, moat.text()


# --- a reload without descriptors ------------------------------------------------------------


@pytest.fixture
def strict(pki, upstream, tmp_path):
    """As the running configuration, but bob is no longer let in."""
    return lambda: configuration.moat(tmp_path, pki, upstream, workers=1,
                                      users={"alice": USERS["alice"]})


def expect_policy(moat, trusting, waiting, bob):
    """Anonymous clients are refused, whoever judges them; alice is let in; bob as told."""
    waiting.send(packets.connect(V311, client_id="anonymous"))
    assert waiting.receive_to_end() == REFUSED
    with moat.client(trusting) as client:
        client.send(packets.connect(V311, client_id="anonymous"))
        assert client.receive_to_end() == REFUSED
    expect_entry(moat, trusting)
    with moat.client(trusting) as client:
        client.send(packets.connect(V311, client_id="b", username="bob", password=USERS["bob"]))
        assert client.receive_packet() == bob


def test_reload_when_clients_have_every_descriptor(start_moat, trusting, upstream, crowd_at, strict):
    """What is kept for it is enough: the new policy comes into force, complete (CVE-2017-7652)."""
    moat = start_moat(workers=1)
    inside = Inside(moat, trusting, upstream)
    waiting = moat.client(trusting)
    plenty = starve(moat)
    crowd_at(moat).come(20)
    moat.wait_event("accepting_paused")
    moat.reload(strict())
    moat.reload(strict())  # they were taken back
    inside.ping()
    limit(moat, plenty)
    expect_policy(moat, trusting, waiting, bob=packets.connack(V311, 4))


def test_reload_without_any_descriptor(start_moat, trusting, upstream, strict):
    """The old policy stays, complete, and the log says why."""
    moat = start_moat(workers=1)
    inside = Inside(moat, trusting, upstream)
    waiting = moat.client(trusting)
    plenty = limit(moat, 3)
    moat.reload(strict(), event="reload_refused")
    assert "Too many open files" in moat.text()
    inside.ping()
    limit(moat, plenty)
    # The password file is another one by now, but it was not read.
    expect_policy(moat, trusting, waiting, bob=GOOD)
    moat.reload()
    expect_entry(moat, trusting)


# --- strangers -------------------------------------------------------------------------------


def test_slow_strangers_cannot_keep_others_out(start_moat, trusting, upstream, crowd_at):
    """They hold every place there is, from as many addresses, and have a minute: newcomers get in."""
    moat = start_moat(workers=1, limits={"handshakes": 20}, timeouts={"handshake": "60s"})
    inside = Inside(moat, trusting, upstream)
    crowd = crowd_at(moat)
    crowd.come(100, saying=b"\x16")
    inside.ping()
    expect_entry(moat, trusting)
    inside.ping()
    wait_until(lambda: crowd.sent_away() >= 80, "the crowd to make room")
    shed = moat.wait_event("shed")
    assert shed["level"] == "info"
    assert not moat.find("refused", reason="shed"), "a line for each would fill the disk"
    # Nobody has to go when nobody comes.
    assert sum(int(fields["count"]) for fields in moat.find("shed")) <= crowd.sent_away()


def test_a_second_is_enough_for_the_honest(start_moat, trusting, upstream, crowd_at):
    """Newcomers without end do not send away who is quick."""
    moat = start_moat(workers=1, limits={"handshakes": 10})
    inside = Inside(moat, trusting, upstream)
    crowd = crowd_at(moat)
    for number in range(5):
        crowd.come(10)
        expect_entry(moat, trusting, f"honest-{number}")
    inside.ping()


def test_a_client_hello_byte_by_byte_is_cut(start_moat, trusting, upstream):
    """No byte of progress moves the deadline."""
    moat = start_moat(timeouts={"handshake": "1s"})
    inside = Inside(moat, trusting, upstream)
    start = time.monotonic()
    with moat.plain_client() as client:
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)
        with contextlib.suppress(OSError):
            for byte in hello:
                client.send(bytes([byte]))
                if client.receive_available(0.05) or client.ended != "open":
                    break
        assert client.ended != "open"
    assert time.monotonic() - start >= 0.9
    line = moat.wait_event("refused", reason="handshake_timeout")
    assert 900 <= int(line["duration_ms"])
    inside.ping()


def test_a_storm_of_connections_that_leave_at_once(start_moat, trusting, upstream):
    """Each costs an accept and a close; descriptors return (stop() looks), those inside are served."""
    moat = start_moat(limits={"handshakes": 50})
    inside = Inside(moat, trusting, upstream)
    for _ in range(20):
        for _ in range(100):
            with socket.socket() as stranger:
                stranger.connect(moat.address())
        inside.ping()
    expect_entry(moat, trusting)


# --- a full gateway --------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_full_gateway_says_so_while_it_has_room_for_strangers(start_moat, trusting, upstream, version):
    moat = start_moat(workers=1, limits={"connections": 1, "handshakes": 1})
    Inside(moat, trusting, upstream)
    for _ in range(3):
        with moat.client(trusting) as client:
            client.send(packets.connect(version, client_id="late", **LOGIN))
            assert client.receive_to_end() == packets.connack(version, 0x89 if version == V5 else 3)
        wait_until(lambda: moat.socket_count() == moat.idle_sockets + 2, "it to be gone")
    assert upstream.count == 1


def test_a_full_gateway_without_room_for_strangers_closes_before_tls(start_moat, trusting, upstream, crowd_at):
    moat = start_moat(workers=1, limits={"connections": 1, "handshakes": 2})
    inside = Inside(moat, trusting, upstream)
    slow = crowd_at(moat)
    slow.come(2)
    wait_until(lambda: moat.socket_count() == moat.idle_sockets + 4, "the slow ones to be taken")
    newcomers = crowd_at(moat)
    newcomers.come(30)
    wait_until(lambda: newcomers.sent_away() == 30, "newcomers to be turned away")
    assert slow.sent_away() == 0, "nobody has to go for who will not be let in"
    line = moat.wait_event("turned_away")
    assert line["level"] == "info"
    inside.ping()
    slow.leave()
    inside.client.close()
    moat.wait_event("ended")
    expect_entry(moat, trusting)
