"""Programs a test starts: their output is collected, and they are gone when the test is."""

import contextlib
import os
import select
import signal
import subprocess
import threading

from .waiting import PATIENCE, wait_until

SANITIZER_MARKS = ("AddressSanitizer", "LeakSanitizer", "UndefinedBehaviorSanitizer",
                   "ThreadSanitizer", "runtime error:")


class Program:
    """A running program whose standard error is read line by line by a thread of its own,
    so that it can never block on a full pipe."""

    def __init__(self, arguments, cwd=None, env=None, on_line=None, pass_fds=()):
        self.arguments = [str(argument) for argument in arguments]
        self.lines = []
        self._rest = b""  # of a line that is still being written
        self._is_complete = False
        self.changed = threading.Condition()
        self._on_line = on_line
        self.process = subprocess.Popen(
            self.arguments, cwd=cwd, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=pass_fds)
        self._output = self._poller()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _take(self):
        """All that has been written by now, without waiting for more; `changed` is held. So a test
        that asks for the lines gets those that were written before it asked."""
        while not self._is_complete and self._output.poll(0):
            chunk = os.read(self.process.stderr.fileno(), 65536)
            self._is_complete = not chunk
            *whole, self._rest = (self._rest + (chunk or b"\n" * bool(self._rest))).split(b"\n")
            for raw in whole:
                line = raw.decode("utf-8", "backslashreplace")
                self.lines.append(line)
                if self._on_line:
                    self._on_line(line)
            self.changed.notify_all()

    def _poller(self):
        """select() knows no descriptor above 1023; and each thread needs one of its own."""
        output = select.poll()
        output.register(self.process.stderr, select.POLLIN)
        return output

    def _read(self):
        output = self._poller()
        while not self._is_complete:
            output.poll()
            with self.changed:
                self._take()
        # Who waits for a line must learn that none will come any more.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE)
        with self.changed:
            self.changed.notify_all()

    @property
    def pid(self):
        return self.process.pid

    def is_running(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def text(self):
        """Everything written to standard error so far."""
        with self.changed:
            self._take()
            return "\n".join(self.lines)

    def wait(self, timeout=PATIENCE):
        """The exit status, once the program has ended and its last line was read."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.arguments[0]} still runs after {timeout:g} s\n"
                                 f"{self.text()}") from None
        self._reader.join(timeout)
        return status

    def kill(self):
        """Ends the program whatever state it is in, a stopped one included."""
        if self.is_running():
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.process.stderr.close()

    def sanitizer_reports(self):
        with self.changed:
            return [line for line in self.lines if any(mark in line for mark in SANITIZER_MARKS)]

    # What /proc knows of it -----------------------------------------------------------------

    def descriptors(self):
        """What its descriptors point to, by number; nothing where only root may know."""
        found = {}
        folder = f"/proc/{self.pid}/fd"
        try:
            names = os.listdir(folder)
        except PermissionError:
            names = []  # it is not dumpable
        for name in names:
            try:
                found[int(name)] = os.readlink(f"{folder}/{name}")
            except OSError:
                continue  # closed between the two calls
        return found

    def socket_count(self):
        return sum(target.startswith("socket:") for target in self.descriptors().values())

    def processor_seconds(self):
        """Time on a processor so far, of all its threads."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def wait_stopped(self):
        """Waits until SIGSTOP has taken effect."""
        def state():
            with open(f"/proc/{self.pid}/stat", encoding="ascii") as stat:
                return stat.read().rpartition(")")[2].split()[0] in "tT"
        wait_until(state, "the program to be stopped")


def run(arguments, stdin=b"", timeout=PATIENCE, env=None, cwd=None):
    """Runs a program to its end. Returns subprocess.CompletedProcess with bytes."""
    return subprocess.run([str(argument) for argument in arguments], input=stdin,
                          capture_output=True, timeout=timeout, env=env, cwd=cwd, check=False)
