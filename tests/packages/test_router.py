"""The static programs for routers: their size, the unit tests, a session and what it takes, run as they are or
under qemu."""

import concurrent.futures
import glob
import os
import re
import shutil
import subprocess

import pytest

from harness import packets
from harness.configuration import USERS, listener, moat as configuration
from harness.entering import ALICE, NOBODY, attempt
from harness.moat import Moat
from harness.packets import V311
from harness.processes import run
from harness.upstream import Upstream

EMULATORS = {"x86_64": [], "aarch64": ["qemu-aarch64-static"], "armv7": ["qemu-arm-static"],
             "mipsel": ["qemu-mipsel-static"]}
MOST_BYTES = {"x86_64": 1_700_000, "aarch64": 1_600_000, "armv7": 1_200_000, "mipsel": 1_700_000}
SESSIONS = 10
MOST_KIB = 4 * 1024


@pytest.fixture(scope="module", params=EMULATORS)
def processor(request, top):
    """Its name, with the program and the unit tests built for it."""
    emulator = EMULATORS[request.param]
    if emulator and not shutil.which(emulator[0]):
        pytest.skip(f"{emulator[0]} is not installed; run deploy/install-packages cross")
    if not shutil.which("musl-gcc"):
        pytest.skip("musl is not installed; run deploy/install-packages cross")
    done = subprocess.run([os.path.join(top, "deploy/cross/build"), "--tests", request.param], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    return request.param


@pytest.fixture
def program(processor, top):
    """How it is started."""
    return [*EMULATORS[processor], os.path.join(top, "build/cross", processor, "moat")]


@pytest.fixture
def upstream():
    made = Upstream()
    yield made
    made.stop()


@pytest.fixture
def start(program, tmp_path, pki, upstream, monkeypatch):
    """Starts the gate; stops it afterwards."""
    script = tmp_path / "moat"
    script.write_text("#!/bin/sh\nexec " + " ".join(program) + ' "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("MOAT_BINARY", str(script))
    started = []

    def begin(**options):
        started.append(Moat(tmp_path, configuration(tmp_path, pki, upstream, listeners=[listener(pki)], users=USERS,
                                                    **options)))
        return started[-1]
    yield begin
    for moat in started:
        moat.stop()


def test_size(processor, program, capsys):
    size = os.path.getsize(program[-1])
    with capsys.disabled():
        print(f"\n{processor}: {size} bytes, of at most {MOST_BYTES[processor]}")
    assert size <= MOST_BYTES[processor]


def test_unit_tests(processor, top, capsys):
    programs = [path for path in sorted(glob.glob(os.path.join(top, "build/cross", processor, "build/tests/unit/test_*")))
                if os.path.isfile(path)]
    emulator = EMULATORS[processor]
    environment = {**os.environ, **({"MOAT_TEST_EMULATED": "1"} if emulator else {})}

    def call(path):
        done = subprocess.run([*emulator, path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=3600,
                              env=environment, check=False)
        return os.path.basename(path), done.stdout.decode(errors="replace")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(call, programs))
    assert len(results) == 9
    passed = 0
    for name, said in results:
        counted = re.search(r"(\d+) passed, 0 failed, \d+ skipped\s*$", said)
        assert counted, f"{name}: {said[-3000:]}"
        passed += int(counted[1])
    with capsys.disabled():
        print(f"\n{processor}: {passed} unit tests passed")
    assert passed > 900


def test_it_tells_its_version(program):
    done = run([*program, "--version"])
    assert done.returncode == 0 and done.stdout.startswith(b"moat "), done.stderr


def test_it_has_the_same_table(program, top):
    done = run([*program, "check", "--print-reference", "yaml"])
    with open(os.path.join(top, "config", "moat.yaml"), "rb") as file:
        assert done.stdout == file.read()


def test_it_lets_in_who_may_come_in(program, start, upstream, settings):
    """A whole session over TLS, and a stranger's that does not come to the broker."""
    moat = start()
    assert run([*program, "check", "-c", moat.path]).returncode == 0
    assert attempt(moat, settings, "a", ALICE) == packets.connack(V311)
    assert attempt(moat, settings, "b", NOBODY) == packets.connack(V311, 5)
    assert upstream.count == 1


def resident_kib(process):
    """What of the memory of an emulated process of 32 bits is the program's own: that lies below 4 GiB, and the
    emulator above."""
    total, is_inside = 0, False
    with open(f"/proc/{process}/smaps", encoding="utf-8", errors="replace") as file:
        for line in file:
            found = re.match(r"([0-9a-f]+)-[0-9a-f]+ ", line)
            if found:
                is_inside = int(found[1], 16) < 1 << 32
            elif is_inside and line.startswith("Rss:"):
                total += int(line.split()[1])
    return total


def test_it_takes_little_memory(processor, start, settings, capsys):
    """With the profile for routers and ten sessions, on the processor with the least of it."""
    if processor != "armv7":
        pytest.skip("the bound is one of 32 bits; on 64 it is another program")
    moat = start(profile="small")
    clients = []
    for number in range(SESSIONS):
        client = moat.client(settings)
        client.send(packets.connect(V311, client_id=f"c{number}", username="alice", password=USERS["alice"]))
        assert client.receive_packet() == packets.connack(V311)
        clients.append(client)
    resident = resident_kib(moat.process.pid)
    with capsys.disabled():
        print(f"\n{processor}: {SESSIONS} sessions, {resident} KiB resident, of at most {MOST_KIB}")
    assert 500 < resident < MOST_KIB
