"""A recording upstream: it keeps every byte it receives and answers as a test tells it.

It stands where the broker would, so tests can say what a broker must see, and, as often,
that it saw nothing at all.
"""

import contextlib
import os
import socket
import struct
import threading

from . import packets
from .waiting import PATIENCE, wait_until


class UpstreamConnection:
    def __init__(self, accepted):
        self.socket = accepted
        # A time-out of Python's would also hold for the thread that reads; the kernel's does not.
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(PATIENCE), 0))
        self.is_answered = False
        self.received = bytearray()
        self.is_finished = False  # the peer will send nothing more
        self.was_reset = False
        self.changed = threading.Condition()
        self._may_read = threading.Event()
        self._may_read.set()

    # Run by the upstream's threads -----------------------------------------------------------

    def read_all(self, on_bytes):
        while True:
            self._may_read.wait()
            try:
                data = self.socket.recv(262144)
            except OSError:
                data, self.was_reset = b"", True
            with self.changed:
                self.received += data
                self.is_finished = not data
                self.changed.notify_all()
            if not data:
                return
            on_bytes(self)

    # For tests -------------------------------------------------------------------------------

    def pause(self):
        """Stops reading: what the peer sends stays in the kernel's buffers."""
        self._may_read.clear()

    def resume(self):
        self._may_read.set()

    def send(self, data):
        self.socket.sendall(data)

    def _wait(self, condition, what, timeout):
        with self.changed:
            if not self.changed.wait_for(condition, timeout):
                raise AssertionError(f"upstream waited {timeout:g} s in vain for {what}; it has "
                                     f"{len(self.received)} bytes: {bytes(self.received[:64]).hex(' ')}")

    def wait_received(self, count, timeout=PATIENCE):
        """The bytes received, once there are at least `count`."""
        self._wait(lambda: len(self.received) >= count, f"{count} bytes", timeout)
        return bytes(self.received)

    def wait_for(self, expected, timeout=PATIENCE):
        """Waits until exactly `expected` was received, and says where it differs."""
        self._wait(lambda: len(self.received) >= len(expected) or self.is_finished,
                   f"{len(expected)} bytes", timeout)
        assert bytes(self.received) == expected

    def wait_finished(self, timeout=PATIENCE):
        """Everything received, once the peer has ended its side."""
        self._wait(lambda: self.is_finished, "the end of the connection", timeout)
        return bytes(self.received)

    def finish_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self._may_read.set()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def abort(self):
        """Leaves with a reset."""
        self._may_read.set()
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.socket.shutdown(socket.SHUT_RD)
        self.socket.close()


def accept_connect(connection):
    """Answers a CONNECT with a success in the version it names, once it is there whole."""
    if connection.is_answered:
        return
    first, _ = packets.split_packet(connection.received)
    if first is None:
        return
    connection.is_answered = True
    connection.send(packets.connack(packets.connect_version(first)))


def stay_silent(_connection):
    """Answers nothing by itself; the test does."""


class Upstream:
    """Listens on (host, port) or, given a path, on a unix socket. Like a broker it closes a
    connection that its peer has ended, unless a test sets `stays_open`."""

    def __init__(self, address=("127.0.0.1", 0), on_bytes=accept_connect):
        self.connections = []
        self.stays_open = False
        self._on_bytes = on_bytes
        self._address = address
        self._changed = threading.Condition()
        self._listener = None
        self.start()

    def start(self):
        """Listens; also again, on the same address, after stop()."""
        address = self._address
        if isinstance(address, str):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(address)
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        else:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            self._listener = socket.socket(family, socket.SOCK_STREAM)
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(address)
        self._listener.listen(512)
        self._address = self._listener.getsockname()
        if not isinstance(self._address, str):
            self._address = self._address[:2]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            connection = UpstreamConnection(accepted)
            with self._changed:
                self.connections.append(connection)
                self._changed.notify_all()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.read_all(self._on_bytes)
        if not self.stays_open:
            connection.close()

    @property
    def address(self):
        """As Python's socket takes it."""
        return self._address

    @property
    def text(self):
        """As Moat's configuration takes it."""
        if isinstance(self._address, str):
            return f"unix:{self._address}"
        host, port = self._address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def count(self):
        """How many connections were ever accepted."""
        with self._changed:
            return len(self.connections)

    def connection(self, number=-1, timeout=PATIENCE):
        """A connection by its number, waiting for it; -1 is the last one there is."""
        wanted = number + 1 if number >= 0 else 1
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.connections) >= wanted, timeout):
                raise AssertionError(f"no connection {number} reached the upstream")
            return self.connections[number]

    def next_connection(self, known, timeout=PATIENCE):
        """The first connection after the `known` ones (a former .count)."""
        return self.connection(known, timeout)

    def stop(self):
        """Ends listening and every connection."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self.connections):
            connection.close()

    def wait_all_finished(self):
        wait_until(lambda: all(connection.is_finished for connection in list(self.connections)),
                   "the upstream's connections to be ended")
