"""Fixtures of the rude clients: those of the integration tests, and a siege around a gate.

The normal run keeps the numbers small. MOAT_TEST_FULL=1 (tests/run --full) runs all of them.
"""

import importlib.util
import os
import sys

import pytest

sys.dont_write_bytecode = True
INTEGRATION = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration")

specification = importlib.util.spec_from_file_location("moat_integration_fixtures",
                                                       os.path.join(INTEGRATION, "conftest.py"))
shared = importlib.util.module_from_spec(specification)
specification.loader.exec_module(shared)

# pytest finds fixtures and hooks by their names in this module.
pytest_configure, pytest_report_header = shared.pytest_configure, shared.pytest_report_header
seed, pki, trusting = shared.seed, shared.pki, shared.trusting
upstream, make_upstream, mosquitto = shared.upstream, shared.make_upstream, shared.mosquitto

from siege import Siege, gate_options  # noqa: E402  (the harness can be found only now)


@pytest.fixture
def make_siege(pki, trusting, tmp_path, make_upstream, mosquitto):
    """make_siege(broker) starts a gate in front of a broker, and a well-behaved session in it.
    Options replace sections of the configuration. The brokers are asked for so that they outlive
    the session."""
    del make_upstream, mosquitto
    starter = shared.Starter(pki)
    made = []

    def make(broker, env=None, **options):
        moat = starter(tmp_path, broker, env=env, **gate_options(pki, **options))
        siege = Siege(moat, broker, trusting, pki, tmp_path, options)
        made.append(siege)
        siege.begin()
        return siege

    yield make
    try:
        for siege in made:
            siege.end()
    finally:
        starter.stop()


@pytest.fixture
def siege(make_siege, mosquitto):
    """A gate in front of Mosquitto."""
    return make_siege(mosquitto)


@pytest.fixture
def movable_siege(make_siege, mosquitto):
    """The same, whose newcomers may be redirected to a broker at another port: the sandbox keeps a
    gate to the port that it had at its start."""
    return make_siege(mosquitto, sandbox="off")
