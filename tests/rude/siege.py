"""What every attack is measured by.

A well-behaved session publishes and pings through the gate, first in quiet and then during the
attack. What a stranger does may not slow it by more than a factor, may not end it, and may not
leave memory or descriptors behind.
"""

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import threading
import time

from harness import configuration, packets
from harness.moat import is_sanitized
from harness.waiting import PATIENCE, wait_until

IS_FULL = os.environ.get("MOAT_TEST_FULL", "") not in ("", "0")

QUIET_ANSWERS = 40
ATTACK_ANSWERS = 25  # an attack lasts until the witness has had so many answers, at least
SLOWDOWN = 5
# Below this a quiet round trip is noise of two shared cores and not of the gate.
FLOOR_MS = 5.0
# No single answer may take so long, whatever the median says: a worker that stands still.
WORST_MS = 4000.0
# Free memory that the allocator keeps in pages it shares with memory in use.
RESIDENT_SLACK = 8 << 20


def size(normal, full):
    """How many of something: a few in the normal run, all of them in the full one."""
    return full if IS_FULL else normal


def source(number):
    """One of 16 million loopback addresses for attackers; the witness has another."""
    number += 256
    return f"127.{number >> 16 & 63 | 64}.{number >> 8 & 255}.{number & 255 or 1}"


# The attackers get past the door, so that it is what stands behind it that is tried.
NO_LIMITS = {"trusted": ["127.0.0.0/8"], "connect_rate": 0, "connect_rate_per_identity": 0}


def gate_options(pki, **options):
    """A configuration in which what a test does not set is out of the way."""
    options.setdefault("timeouts", {"handshake": "1s", "connect": "1s", "drain": "0s"})
    options.setdefault("listeners", [configuration.listener(pki, certificate="optional")])
    options.setdefault("log", {"level": "info", "refusals": 0})
    options["limits"] = {**NO_LIMITS, **options.get("limits", {})}
    return options


class Witness:
    """The process of witness.py, and what it has measured so far."""

    def __init__(self, address, authority):
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "witness.py")
        self.times = []  # (start, milliseconds)
        self.lost = None
        self.process = subprocess.Popen(
            [sys.executable, program, address[0], str(address[1]), authority], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            words = line.split()
            try:
                self.times.append((float(words[0]), float(words[1])))
            except (ValueError, IndexError):
                self.lost = f"{self.lost or ''}{line}"

    def between(self, start, end):
        return [taken for begun, taken in list(self.times) if start <= begun <= end]

    def check(self):
        assert self.lost is None and self.process.poll() is None, f"the good session was lost: {self.lost}"

    def wait_answers(self, start, count, timeout=PATIENCE * 3):
        """Waits until `count` exchanges were begun after `start` and answered."""
        def are_there():
            self.check()
            return len(self.between(start, float("inf"))) >= count
        wait_until(are_there, f"{count} answers to the good session", timeout)

    def stop(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.process.stdout.close()


class Siege:
    def __init__(self, moat, broker, trusting, pki, folder, options):
        self.moat, self.broker, self.trusting, self.pki, self.folder = moat, broker, trusting, pki, folder
        self.options = options
        self.witness = None
        self.quiet_ms = None
        self.descriptors = None

    def warm_up(self):
        """Every worker serves somebody once: what it then opens for good is no leak of the attack."""
        for number in range(40):
            with socket.create_connection(self.moat.address(), source_address=(source(number), 0)):
                pass
        self.moat.wait_idle()

    def begin(self):
        self.warm_up()
        self.witness = Witness(self.moat.address(), self.pki.server_ca.certificate)
        start = time.monotonic()
        self.witness.wait_answers(start, QUIET_ANSWERS)
        self.quiet_ms = statistics.median(self.witness.between(start, time.monotonic()))
        self.descriptors = sorted(self.moat.descriptors().values())

    def end(self):
        """The witness leaves. It must still have been there."""
        try:
            if self.moat.is_running():
                self.witness.check()
        finally:
            self.witness.stop()

    # Attacks ---------------------------------------------------------------------------------

    @contextlib.contextmanager
    def attack(self, allowed_growth=0, is_resident_checked=True):
        """What stands in the block is the attack. Growth is what memory may differ by afterwards,
        in bytes, beside the allocator's slack."""
        before = self.moat.resident_bytes()
        start = time.monotonic()
        yield
        self.witness.wait_answers(start, ATTACK_ANSWERS)
        self.check_times(start, time.monotonic())
        self.check_left_nothing()
        if is_resident_checked and not is_sanitized():
            limit = before + RESIDENT_SLACK + allowed_growth
            with self.telling(lambda: f"memory is {self.moat.resident_bytes() >> 10} KiB"):
                wait_until(lambda: self.moat.resident_bytes() <= limit, f"memory to return to {before >> 10} KiB")

    @staticmethod
    @contextlib.contextmanager
    def telling(what):
        """Adds to a failure how things stand then."""
        try:
            yield
        except AssertionError as failure:
            raise AssertionError(f"{failure}; {what()}") from None

    def check_times(self, start, end):
        times = self.witness.between(start, end)
        median, worst = statistics.median(times), max(times)
        told = (f"round trips: quiet {self.quiet_ms:.2f} ms, during the attack {median:.2f} ms in the "
                f"median, {worst:.0f} ms at worst, {len(times)} in {end - start:.1f} s")
        print(told)
        if not is_sanitized():
            assert median <= SLOWDOWN * max(self.quiet_ms, FLOOR_MS), told
            assert worst <= WORST_MS, told

    def check_left_nothing(self):
        """Every descriptor that came has gone."""
        with self.telling(lambda: f"they are {sorted(self.moat.descriptors().values())}"):
            wait_until(lambda: len(self.moat.descriptors()) == len(self.descriptors),
                       f"the descriptors to be as before: {self.descriptors}", PATIENCE * 2)
        self.witness.check()
        assert self.moat.is_running()

    # What attacks need -----------------------------------------------------------------------

    def address(self):
        return self.moat.address()

    def settings(self, to=None, **options):
        """The configuration of the gate, with changes."""
        return configuration.moat(self.folder, self.pki, to or self.broker,
                                  **gate_options(self.pki, **{**self.options, **options}))

    def redirect(self, to, **upstream):
        """Newcomers are led to another broker, while the good session stays with its own."""
        text = getattr(to, "text", to)
        self.moat.reload(self.settings(upstream={"address": text, **upstream}))

    def newcomer(self, **login):
        """An honest client that comes now: it must be let in."""
        login = login or {"username": "bob", "password": configuration.USERS["bob"]}
        with self.moat.client(self.trusting) as client:
            client.send(packets.connect(client_id="newcomer", **login))
            assert client.receive_packet() == packets.connack(packets.V311)
