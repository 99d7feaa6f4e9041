"""Fixtures that every suite shares."""

import os
import random
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import configuration as configurations  # noqa: E402
from harness.moat import Moat  # noqa: E402
from harness.mosquitto import Mosquitto  # noqa: E402
from harness.pki import Pki  # noqa: E402
from harness.tls_client import TlsSettings  # noqa: E402
from harness.upstream import Upstream  # noqa: E402


def pytest_configure(config):
    """One seed for everything random in a run; MOAT_TEST_SEED repeats it."""
    config.seed = int(os.environ.get("MOAT_TEST_SEED") or random.SystemRandom().randrange(2**32))


def pytest_report_header(config):
    return f"MOAT_TEST_SEED={config.seed}  MOAT_BINARY={os.environ.get('MOAT_BINARY')}"


@pytest.fixture(scope="session")
def seed(request):
    return request.config.seed


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def trusting(pki):
    """TLS settings of an ordinary client: it checks the server's certificate."""
    return TlsSettings(ca=pki.server_ca.certificate)


@pytest.fixture
def upstream():
    """A recording upstream that accepts every CONNECT."""
    made = Upstream()
    yield made
    made.stop()


@pytest.fixture
def make_upstream():
    """Makes recording upstreams with options of their own."""
    made = []

    def make(*arguments, **options):
        made.append(Upstream(*arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def mosquitto(tmp_path):
    broker = Mosquitto(tmp_path)
    yield broker
    broker.stop()


class Starter:
    """Starts Moats and stops them, the last one first; a failure of one does not spare another."""

    def __init__(self, pki):
        self.pki = pki
        self.started = []

    def __call__(self, folder, to, is_awaited=True, env=None, descriptors=None, **options):
        made = Moat(folder, configurations.moat(folder, self.pki, to, **options), is_awaited, env,
                    descriptors)
        self.started.append(made)
        return made

    def stop(self):
        failures = []
        while self.started:
            try:
                self.started.pop().stop()
            except AssertionError as failure:
                failures.append(failure)
        if failures:
            raise failures[0]


@pytest.fixture
def start_moat(pki, upstream, tmp_path):
    """start_moat() runs Moat in front of the recording upstream, start_moat(to=...) in front of
    another; other options are those of configuration.moat()."""
    starter = Starter(pki)

    def start(to=None, folder=None, **options):
        return starter(folder or tmp_path, to or upstream, **options)

    yield start
    starter.stop()


@pytest.fixture
def moat(start_moat):
    """Moat as most tests want it: one listener, one rule that requires a password."""
    return start_moat()
