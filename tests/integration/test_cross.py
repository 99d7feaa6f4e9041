"""The static programs for other processors that deploy/cross/build has made, run as they are or under qemu."""

import os
import shutil

import pytest

from harness import packets
from harness.configuration import USERS, listener, moat as configuration
from harness.entering import ALICE, NOBODY, attempt
from harness.moat import Moat
from harness.packets import V311
from harness.processes import run

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EMULATORS = {"x86_64": [], "aarch64": ["qemu-aarch64-static"], "armv7": ["qemu-arm-static"],
             "mipsel": ["qemu-mipsel-static"]}


@pytest.fixture(params=EMULATORS)
def program(request):
    """How the program of one processor is started."""
    path = os.path.join(TOP, "build", "cross", request.param, "moat")
    emulator = EMULATORS[request.param]
    if not os.path.exists(path):
        pytest.skip(f"there is no build/cross/{request.param}/moat; run deploy/cross/build {request.param}")
    if emulator and not shutil.which(emulator[0]):
        pytest.skip(f"{emulator[0]} is not installed; run deploy/install-packages cross")
    return [*emulator, path]


def test_it_tells_its_version(program):
    done = run([*program, "--version"])
    assert done.returncode == 0 and done.stdout.startswith(b"moat "), done.stderr


def test_it_has_the_same_table(program):
    done = run([*program, "check", "--print-reference", "yaml"])
    with open(os.path.join(TOP, "config", "moat.yaml"), "rb") as file:
        assert done.stdout == file.read()


def test_it_lets_in_who_may_come_in(program, tmp_path, pki, upstream, trusting, monkeypatch):
    """A whole session over TLS, and a stranger's that does not come to the broker."""
    script = tmp_path / "moat"
    script.write_text("#!/bin/sh\nexec " + " ".join(program) + ' "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("MOAT_BINARY", str(script))
    moat = Moat(tmp_path, configuration(tmp_path, pki, upstream, listeners=[listener(pki)], users=USERS))
    try:
        assert run([str(script), "check", "-c", moat.path]).returncode == 0
        assert attempt(moat, trusting, "a", ALICE) == packets.connack(V311)
        assert attempt(moat, trusting, "b", NOBODY) == packets.connack(V311, 5)
        assert upstream.count == 1
    finally:
        moat.stop()
