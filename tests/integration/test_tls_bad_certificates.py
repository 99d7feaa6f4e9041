"""No number of bad certificates gets one in, and none of them reaches the broker."""

import itertools
import ssl

import pytest

from harness import packets
from harness.configuration import listener
from harness.packets import V5
from harness.tls_client import TLS12, TLS_NAMES, TLS_VERSIONS, TlsSettings
from test_identity import GOOD, visit

RULES = [{"name": "devices", "require": ["certificate"]}]
TRIES = 500  # with each version


def try_to_come_in(moat, settings):
    """Sends CONNECT at once, as a client that hopes to be first; whether anything but an alert came."""
    try:
        with moat.client(settings) as client:
            client.send(packets.connect(V5))
            return client.receive_to_end()
    except (ssl.SSLError, ConnectionError):
        return b""


@pytest.mark.parametrize("mode", ("required", "optional"))
@pytest.mark.parametrize("version", TLS_VERSIONS, ids=TLS_NAMES.get)
def test_one_after_another(start_moat, pki, upstream, version, mode):
    """CVE-2015-3644: only the first connection was checked. CVE-2021-20230: a failed check led to
    another upstream."""
    moat = start_moat(listeners=[listener(pki, certificate=mode)], rules=RULES)
    bad = (pki.wrong_ca, pki.expired, pki.future, pki.server_usage)
    settings = itertools.cycle([TlsSettings(pair=pair, version=version) for pair in bad])
    for number in range(TRIES):
        assert try_to_come_in(moat, next(settings)) == b"", number
    moat.wait_idle()
    assert upstream.count == 0
    assert not moat.find("admitted")
    assert visit(moat, TlsSettings(pair=pki.good, version=version))[0] == GOOD


@pytest.mark.parametrize("mode", ("required", "optional"))
def test_a_good_one_between_bad_ones(start_moat, pki, upstream, mode):
    """What was found out about one client is never taken for another's."""
    moat = start_moat(listeners=[listener(pki, certificate=mode)], rules=RULES)
    for number in range(50):
        assert visit(moat, TlsSettings(pair=pki.good, version=TLS12))[0] == GOOD
        assert try_to_come_in(moat, TlsSettings(pair=pki.wrong_ca, version=TLS12)) == b"", number
    assert upstream.count == 50
