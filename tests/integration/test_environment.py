"""A configuration of variables, without a file and before one, as the simplest of containers has it."""

import os
import shutil
import tempfile

import pytest

from harness import packets, passwords
from harness.client import Ended
from harness.configuration import USERS
from harness.entering import ALICE, BOB, NOBODY, attempt
from harness.moat import ENVIRONMENT, Moat, binary
from harness.packets import V311
from harness.processes import run
from harness.tls_client import TlsSettings

GOOD = packets.connack(V311)
NOT_AUTHORISED = packets.connack(V311, 5)
GROUP = 65532
CONFIGURATION, NO_INPUT = 78, 66
# As a pod is run: a user without a name and without rights, who reads what his group may.
AS_IN_A_POD = ["setpriv", f"--reuid={GROUP}", f"--regid={GROUP}", "--clear-groups",
               "--bounding-set=-all"] if os.geteuid() == 0 else []


@pytest.fixture
def secrets(pki):
    """A folder as an orchestrator mounts it: root's, and the pod's group may read it."""
    folder = tempfile.mkdtemp(prefix="moat-secrets-")
    os.chmod(folder, 0o755)
    for name, source in (("tls.crt", pki.server.certificate), ("tls.key", pki.server.key),
                         ("ca.crt", pki.client_ca.certificate)):
        shutil.copy(source, os.path.join(folder, name))
    passwords.write(os.path.join(folder, "passwords"), USERS)
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        os.chmod(path, 0o440 if AS_IN_A_POD else 0o400)
        if AS_IN_A_POD:
            os.chown(path, 0, GROUP)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def least(secrets, upstream):
    return {"MOAT_UPSTREAM": upstream.text, "MOAT_LISTEN": "127.0.0.1:0", "MOAT_ADMIN_HTTP": "127.0.0.1:0",
            "MOAT_CERTIFICATE": f"{secrets}/tls.crt", "MOAT_KEY": f"{secrets}/tls.key"}


@pytest.fixture
def start(secrets):
    started = []

    def one(env, configuration=ENVIRONMENT):
        started.append(Moat(secrets, configuration, env=env, prefix=AS_IN_A_POD))
        return started[-1]

    yield one
    for made in started:
        made.stop()


def check(env, *arguments):
    done = run([*AS_IN_A_POD, binary(), "check", *arguments], timeout=15, env={**os.environ, **env})
    return done.returncode, done.stdout.decode() + done.stderr.decode()


def test_passwords(start, least, secrets, trusting, upstream):
    moat = start({**least, "MOAT_PASSWORD_FILE": f"{secrets}/passwords"})
    assert attempt(moat, trusting, "a", ALICE) == GOOD
    assert attempt(moat, trusting, "b", NOBODY) == NOT_AUTHORISED
    assert upstream.count == 1


def test_certificates(start, least, secrets, pki, upstream):
    moat = start({**least, "MOAT_CLIENT_CA": f"{secrets}/ca.crt"})
    with pytest.raises(Ended, match="CERTIFICATE_REQUIRED"):
        attempt(moat, TlsSettings(ca=pki.server_ca.certificate), "a", NOBODY)
    assert upstream.count == 0
    card = TlsSettings(pki.server_ca.certificate, pki.good)
    assert attempt(moat, card, "a", NOBODY) == GOOD
    assert upstream.count == 1


def test_both(start, least, secrets, pki, upstream):
    moat = start({**least, "MOAT_CLIENT_CA": f"{secrets}/ca.crt", "MOAT_PASSWORD_FILE": f"{secrets}/passwords"})
    card = TlsSettings(pki.server_ca.certificate, pki.good)
    assert attempt(moat, card, "a", NOBODY) == NOT_AUTHORISED
    assert upstream.count == 0


def test_a_reload_reads_the_files_again(start, least, secrets, trusting):
    moat = start({**least, "MOAT_PASSWORD_FILE": f"{secrets}/passwords"})
    passwords.write(f"{secrets}/next", {"bob": USERS["bob"]})
    os.chmod(f"{secrets}/next", 0o444)
    os.rename(f"{secrets}/next", f"{secrets}/passwords")
    moat.reload()
    assert attempt(moat, trusting, "a", ALICE) == packets.connack(V311, 4)
    assert attempt(moat, trusting, "b", BOB) == GOOD


def test_neither(least):
    status, text = check(least, "-c", "@environment")
    assert status == CONFIGURATION
    assert "no client could prove itself; set MOAT_PASSWORD_FILE" in text


@pytest.mark.skipif(os.path.exists("/etc/moat/moat.yaml"), reason="this machine has an /etc/moat/moat.yaml")
def test_it_is_what_there_is_when_there_is_no_file(least, secrets):
    least["MOAT_PASSWORD_FILE"] = f"{secrets}/passwords"
    status, text = check(least, "--print")
    assert status == 0, text
    assert f'key: "{secrets}/tls.key"' in text
    status, text = check({"MOAT_PASSWORD_FILE": f"{secrets}/passwords"})
    assert status == NO_INPUT and "/etc/moat/moat.yaml" in text
    # A file that was named is meant, also one that is not there.
    status, text = check({**least, "MOAT_CONFIG": f"{secrets}/absent.yaml"})
    assert status == NO_INPUT and "absent.yaml" in text


def test_faults_name_the_variable(least, secrets):
    env = {**least, "MOAT_PASSWORD_FILE": f"{secrets}/passwords", "MOAT_WORKERS": "many",
           "MOAT_UPSTREAM": "192.0.2.1:1883", "MOAT_KEY": f"{secrets}/absent"}
    status, text = check(env, "-c", "@environment")
    assert status == CONFIGURATION
    assert "MOAT_WORKERS: error: workers: " in text
    assert "MOAT_UPSTREAM: error: upstream.address: the broker is not on this machine" in text
    assert "MOAT_KEY: error: listeners[0].tls.certificates[0].key: cannot open" in text


def test_a_variable_goes_before_the_file(start, least, secrets, trusting, upstream):
    """The whole of a section may come from the environment."""
    moat = start(least, {
        "listeners": [{"name": "mqtts", "address": "127.0.0.1:1", "tls": {"certificates": [
            {"chain": "/absent", "key": "/absent"}]}}],
        "credentials": {"password_file": f"{secrets}/passwords"},
        "policy": {"rules": [{"name": "people", "require": ["password"]}]}})
    assert attempt(moat, trusting, "a", ALICE) == GOOD
    assert upstream.count == 1
