"""Broken files on reload, a full descriptor table, and a clock that jumps: those inside stay."""

import contextlib
import os
import random
import resource
import signal
import threading
import time

import pytest

from crowd import Crowd, tls_clients
from harness import packets, passwords
from harness.configuration import USERS
from harness.moat import is_sanitized
from harness.waiting import wait_until
from siege import size

LOGIN = {"username": "bob", "password": USERS["bob"]}
GOOD = packets.connack(packets.V311)


@contextlib.contextmanager
def guests(siege, count=20):
    """Sessions that must all be there at the end, as a PINGRESP to each shows."""
    made = []
    for number in range(count):
        client = tls_clients(siege, 1, packets.connect(client_id=f"guest-{number}", **LOGIN), first=number)[0]
        assert client.receive_packet() == GOOD
        made.append(client)
    yield made
    for client in made:
        client.send(packets.PING)
        assert client.receive_packet() == packets.PONG
        client.close()


def load(siege, stop, failures):
    """People who come and go all the time, and must always be let in."""
    number = 0
    try:
        while not stop.is_set():
            number += 1
            client = tls_clients(siege, 1, packets.connect(client_id="load", **LOGIN))[0]
            assert client.receive_packet() == GOOD
            client.close()
    except Exception as error:  # pylint: disable=broad-except  (raised again by the test)
        failures.append(error)


@contextlib.contextmanager
def under_load(siege):
    stop, failures = threading.Event(), []
    runner = threading.Thread(target=load, args=(siege, stop, failures))
    runner.start()
    try:
        yield
    finally:
        stop.set()
        runner.join()
    assert not failures, failures


def broken_texts(good, source_of_numbers):
    """Texts each of which is wrong for certain, whatever the random numbers are."""
    needed = good.index("require")  # without what stands until here a configuration is not one
    lines = good.splitlines()
    while True:
        yield good[:source_of_numbers.randrange(needed)]
        at = source_of_numbers.randrange(len(lines))
        yield "\n".join([*lines[:at], "unheard_of: 1", *lines[at:]]) + "\n"
        yield good.replace("require:", "require: &a", 1)
        at = source_of_numbers.randrange(len(good))
        yield good[:at] + "\0" + good[at:]
        yield good.encode()[:needed].decode() + "\t- : [{" + good[needed:]
        yield good + good
        yield "# nothing\n"
        yield "[" * 2000


def test_broken_configurations(siege, seed):
    source_of_numbers = random.Random(seed)
    with open(siege.moat.path, encoding="utf-8") as file:
        good = file.read()
    texts = broken_texts(good, source_of_numbers)
    with siege.attack(), guests(siege), under_load(siege):
        for _ in range(size(80, 2000)):
            siege.moat.reload(next(texts), event="reload_refused")
    siege.moat.reload(good)
    siege.newcomer()


def broken_files(siege, file_name):
    """What a file may have become: the path is made anew each time, and the old one put back."""
    with open(file_name, "rb") as file:
        good = file.read()
    mode = os.stat(file_name).st_mode & 0o777

    def put(data):
        with open(file_name, "wb") as file:
            file.write(data)
        os.chmod(file_name, mode)

    def refused():
        siege.moat.reload(event="reload_refused")

    for data in (b"", good[:len(good) * 3 // 4], good[:-30] + b"\xff" * 30, os.urandom(3000), b"-----BEGIN",
                 b"#\n" * 100):
        put(data)
        refused()
    os.unlink(file_name)
    refused()
    os.mkdir(file_name)
    refused()
    os.rmdir(file_name)
    os.symlink(file_name, file_name)
    refused()
    os.unlink(file_name)
    put(good)


def test_broken_files(siege):
    """Of every file that the configuration names."""
    pair = siege.pki.server_ca.server("reloaded")
    listener = siege.options.get("listeners") or siege.settings()["listeners"]
    listener[0]["tls"]["certificates"][0].update(chain=pair.certificate, key=pair.key)
    siege.moat.reload(siege.settings(listeners=listener))
    with siege.attack(), guests(siege), under_load(siege):
        for name in (pair.certificate, pair.key, str(siege.folder / "passwords")):
            broken_files(siege, name)
        other = siege.pki.server_next
        listener[0]["tls"]["certificates"][0].update(key=other.key)  # not this certificate's
        siege.moat.reload(siege.settings(listeners=listener), event="reload_refused")
        listener[0]["tls"]["certificates"][0].update(key=pair.key)
        siege.moat.reload(siege.settings(listeners=listener))
    siege.newcomer()


def test_reloads_without_end(siege):
    """SIGHUP as often as the kernel delivers it, the password file being rewritten all the while."""
    with siege.attack(), guests(siege), under_load(siege):
        for number in range(size(300, 5000)):
            if number % 10 == 0:
                new = str(siege.folder / "passwords.new")
                with open(str(siege.folder / "passwords"), encoding="utf-8") as file:
                    content = [line for line in file if not line.startswith("extra")]
                with open(new, "w", encoding="utf-8") as file:
                    file.writelines([*content, passwords.line(f"extra-{number}", "x") + "\n"])
                os.chmod(new, 0o600)
                os.rename(new, str(siege.folder / "passwords"))
            siege.moat.signal(signal.SIGHUP)
        siege.moat.reload()


# --- descriptors -------------------------------------------------------------------------------


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_no_descriptor_left(siege):
    """Strangers at the door and none free: no spinning, nobody inside notices, a reload still does
    its work and opens no door, and when there are descriptors again everybody gets in who may."""
    pid = siege.moat.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    with siege.attack(), guests(siege, 5):
        used = max(siege.moat.descriptors()) + 1
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, limits[1]))
        with Crowd() as crowd:
            crowd.arrive(siege.address(), 200)
            start, before = time.monotonic(), cpu_seconds(pid)
            crowd.watch(2, until_ended=False)
            spent = (cpu_seconds(pid) - before) / (time.monotonic() - start)
            if not is_sanitized():
                assert spent < 0.5, f"{spent:.0%} of a processor while nobody could come in"
            siege.moat.reload()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        anonymous = tls_clients(siege, 1, packets.connect(client_id="anonymous"))[0]
        assert anonymous.receive_packet() == packets.connack(packets.V311, 5)
        anonymous.close()
        siege.newcomer()


# --- the clock ---------------------------------------------------------------------------------

def faketime():
    """The library, wherever Debian has put it for this machine."""
    for folder in sorted(os.listdir("/usr/lib")):
        path = f"/usr/lib/{folder}/faketime/libfaketimeMT.so.1"
        if os.path.exists(path):
            return path
    return None


@pytest.mark.skipif(is_sanitized(), reason="the sanitizers want to be the first library")
def test_clock_jumps(make_siege, mosquitto, tmp_path):
    """Ten years forth and back: timers do not notice, nobody is dropped, the log says the new time."""
    library = faketime()
    assert library, "libfaketime is missing; see deploy/install-packages"
    stamp = tmp_path / "stamp"
    stamp.write_text("+0d\n")
    siege = make_siege(mosquitto, env={
        "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(stamp), "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"})
    year = time.gmtime().tm_year

    def jump(to, expected_year):
        new = tmp_path / "stamp.new"
        new.write_text(to + "\n")
        os.rename(new, stamp)
        after = siege.moat.mark()
        with Crowd() as crowd:
            crowd.arrive(siege.address(), 20)
            crowd.wait_all_ended(10)  # the deadline for the handshake is 1 s
        line = siege.moat.wait_event("refused", after, reason="handshake_timeout")
        assert line["time"].startswith(str(expected_year))
        assert 900 < int(line["duration_ms"]) < 5000
        siege.newcomer()

    with siege.attack(), guests(siege):
        for _ in range(size(2, 20)):
            jump("+3650d", year + 10)
            jump("-3650d", year - 10)
            jump("+0d", year)
    wait_until(lambda: siege.moat.find("ended"), "the guests to have left")
