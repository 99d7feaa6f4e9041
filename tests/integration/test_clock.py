"""A machine whose clock is not set, or jumps: nobody comes in unjudged, and nobody is dropped."""

import datetime
import os
import struct
import subprocess
import time

import pytest

from harness import packets
from harness.configuration import USERS, listener
from harness.moat import binary, is_sanitized
from harness.packets import V5
from harness.pki import CLIENT_EXTENSIONS, SERVER_EXTENSIONS, Authority
from harness.processes import run
from harness.tls_client import TLS_NAMES, TLS_VERSIONS, TlsSettings
from test_identity import GOOD, NUMBERS, visit

SHIM = os.path.join(os.path.dirname(__file__), "..", "support", "wall_clock.c")
RULES = [{"name": "devices", "match": {"certificate": "*"}, "require": ["certificate"]},
         {"name": "people", "require": ["password"]}]
LOGIN = {"username": "alice", "password": USERS["alice"]}
NOT_SET = "this machine's clock is not set"
REFUSED = "Client certificates cannot be judged and are refused until it is set"
each_version = pytest.mark.parametrize("version", TLS_VERSIONS, ids=TLS_NAMES.get)


class Clock:
    """The wall clock of the programs that are given `env`. The monotonic one is the machine's."""

    def __init__(self, folder, library):
        self.path = os.path.join(str(folder), "clock")
        self.env = {"LD_PRELOAD": str(library), "MOAT_TEST_CLOCK": self.path}
        self.set_right()

    def _write(self, seconds):
        with open(self.path, "r+b" if os.path.exists(self.path) else "wb") as file:
            file.write(struct.pack("q", seconds))

    def set(self, moment):
        """`moment` is like 1970-01-01 12:00:00; it goes on from there."""
        wanted = datetime.datetime.fromisoformat(moment).replace(tzinfo=datetime.timezone.utc)
        self._write(round(wanted.timestamp() - time.time()))

    def set_right(self):
        self._write(0)


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    library = tmp_path_factory.mktemp("shim") / "wall_clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", library, SHIM, "-ldl"],
                   check=True, timeout=60)
    return library


@pytest.fixture
def clock(tmp_path, shim):
    if is_sanitized():
        pytest.skip("a sanitizer has to be first in the program; the optimised build is tested")
    return Clock(tmp_path, shim)


def device(pair, version=None):
    return TlsSettings(pair=pair, version=version)


def name():
    return f"c{next(NUMBERS)}"


@pytest.mark.parametrize("moment", ("1970-01-01 00:00:10", "2010-06-01 00:00:00", "2025-12-31 23:50:00"))
def test_not_set_at_start(start_moat, pki, upstream, clock, moment):
    """Devices are refused, people come in, and once the clock is set devices do: without a restart."""
    clock.set(moment)
    moat = start_moat(listeners=[listener(pki, certificate="optional")], rules=RULES, env=clock.env)
    assert f"{NOT_SET}: it says {moment[:4]}. {REFUSED}" in moat.text()
    for version in TLS_VERSIONS:
        after = moat.mark()
        assert visit(moat, device(pki.good, version))[0] == "TLSV1_ALERT_INTERNAL_ERROR"
        assert NOT_SET in moat.wait_event("refused", after)["detail"]
    # Nor does one that expired long before this moment was to come, or one of a stranger.
    assert visit(moat, device(pki.expired))[0] == "TLSV1_ALERT_INTERNAL_ERROR"
    assert visit(moat, device(pki.wrong_ca))[0] == "TLSV1_ALERT_INTERNAL_ERROR"
    assert upstream.count == 0
    assert visit(moat, TlsSettings(), client_id=name(), **LOGIN)[0] == GOOD
    clock.set_right()
    assert visit(moat, device(pki.good), client_id=name())[0] == GOOD
    assert visit(moat, device(pki.expired))[0] == "SSLV3_ALERT_CERTIFICATE_EXPIRED"


def test_not_set_at_a_reload(start_moat, pki, clock):
    clock.set_right()
    moat = start_moat(listeners=[listener(pki, certificate="required")], rules=RULES, env=clock.env)
    assert NOT_SET not in moat.text()
    clock.set("1970-01-01 12:00:00")
    after = moat.mark()
    moat.reload()
    assert any(REFUSED in value for line in moat.find(after=after) for value in line.values())


def test_check_says_so(start_moat, pki, clock):
    clock.set_right()
    moat = start_moat(listeners=[listener(pki, certificate="required")], rules=RULES, env=clock.env)
    clock.set("1970-01-01 12:00:00")
    done = run([binary(), "check", "-c", moat.path], env={**os.environ, **clock.env})
    assert REFUSED in (done.stdout + done.stderr).decode()


@each_version
def test_ticket_when_the_clock_fell_back(start_moat, pki, upstream, clock, version):
    """A resumed session is judged as a new one is."""
    clock.set_right()
    moat = start_moat(listeners=[listener(pki, certificate="required")], rules=RULES, env=clock.env)
    answer, ticket = visit(moat, TlsSettings(pki.server_ca.certificate, pki.good, version),
                           client_id=name())
    assert answer == GOOD
    known = upstream.count
    clock.set("1970-01-01 12:00:00")
    assert visit(moat, TlsSettings.resuming(ticket))[0] == "TLSV1_ALERT_INTERNAL_ERROR"
    assert upstream.count == known


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    """An authority, a server and a client that are good from 2020 to 2199."""
    folder = tmp_path_factory.mktemp("lasting")
    authority = Authority(folder / "ca", "Lasting CA", days=63000)
    times = {"start": datetime.datetime(2020, 1, 1), "end": datetime.datetime(2199, 1, 1)}
    authority.server_pair = authority.issue("server", "/CN=localhost", SERVER_EXTENSIONS, **times)
    authority.client_pair = authority.issue("client", "/CN=sensor-1",
                                            CLIENT_EXTENSIONS.format(usage="clientAuth"), **times)
    return authority


def lasting_listener(pki, lasting):
    return listener(pki, pair=lasting.server_pair, certificate="required",
                    client_ca=lasting.certificate)


@pytest.mark.parametrize("moment", ("2037-12-31 23:59:50", "2038-01-19 03:14:05", "2038-01-19 03:14:08",
                                    "2106-02-07 06:28:13", "2106-02-07 06:28:16"))
def test_times_that_do_not_fit_32_bits(start_moat, pki, lasting, clock, moment):
    clock.set(moment)
    moat = start_moat(listeners=[lasting_listener(pki, lasting)], rules=RULES, env=clock.env)
    for version in TLS_VERSIONS:
        answer, ticket = visit(moat, TlsSettings(pair=lasting.client_pair, version=version),
                               client_id=name())
        assert answer == GOOD, moat.text()
        with moat.client(TlsSettings.resuming(ticket)) as client:
            client.send(packets.connect(V5, client_id=name()))
            assert client.receive_packet() == GOOD and client.is_resumed()
    assert moat.wait_event("admitted")["time"].startswith(moment[:4])


def test_ten_years_forth_and_back_in_a_run(start_moat, pki, lasting, clock):
    """Whoever is inside stays, since timers go by a clock that does not jump."""
    clock.set_right()
    moat = start_moat(listeners=[lasting_listener(pki, lasting)], rules=RULES, env=clock.env)
    with moat.client(TlsSettings(pair=lasting.client_pair)) as inside:
        inside.send(packets.connect(V5, client_id=name(), keep_alive=60))
        assert inside.receive_packet() == GOOD
        year = datetime.datetime.utcnow().year
        for moment in (f"{year + 10}-06-01 00:00:00", f"{year}-12-01 00:00:00",
                       f"{year + 10}-06-01 00:00:00", "1970-01-01 12:00:00"):
            clock.set(moment)
            newcomer = visit(moat, TlsSettings(pair=lasting.client_pair), client_id=name())[0]
            assert newcomer == ("TLSV1_ALERT_INTERNAL_ERROR" if moment.startswith("1970") else GOOD)
        assert inside.receive_available(0.2) == b"" and inside.ended == "open"
    assert not moat.find("refused", reason="handshake_timeout")
