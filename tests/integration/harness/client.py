"""A client that sends and receives exact bytes over TCP or a unix socket."""

import contextlib
import socket
import struct
import time

from .packets import split_packet
from .waiting import PATIENCE

# How a connection ended, as the client saw it.
OPEN, NOTIFIED, FINISHED, RESET, ALERT = "open", "close_notify", "FIN", "reset", "alert"


class Ended(Exception):
    """The other side ended the connection before what was awaited came."""


class TcpClient:
    """`address` is (host, port) or a path; `source` the address to come from, all of 127.0.0.0/8 are
    ours. Also the base of the TLS client."""

    def __init__(self, address, timeout=PATIENCE, receive_buffer=None, source=None):
        self.timeout = timeout
        self.received = bytearray()  # everything that arrived and was not taken yet
        self.ended = OPEN
        self.alert = None
        family = socket.AF_UNIX if isinstance(address, str) else (
            socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect(address)
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Sending ---------------------------------------------------------------------------------

    def send(self, data):
        self.socket.settimeout(self.timeout)
        self.socket.sendall(data)

    def send_each(self, pieces):
        """One send (over TLS: one record) for each piece."""
        for piece in pieces:
            self.send(piece)

    def finish_sending(self):
        """Half-close: nothing more will be sent, answers are still read."""
        self.socket.shutdown(socket.SHUT_WR)

    # Receiving -------------------------------------------------------------------------------

    def _receive_some(self, deadline):
        """Appends what comes next to self.received, or sets self.ended. Raises TimeoutError."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"nothing more came; so far: {bytes(self.received[:64]).hex(' ')}")
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(262144)
        except ConnectionResetError:
            self.ended = RESET
            return
        self._take(data)

    def _take(self, data):
        if data:
            self.received += data
        else:
            self.ended = FINISHED

    def receive(self, count, timeout=None):
        """Exactly `count` bytes. Raises Ended when the connection ends first."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while len(self.received) < count:
            self._go_on(deadline)
        data = bytes(self.received[:count])
        del self.received[:count]
        return data

    def receive_packet(self, timeout=None):
        """One whole MQTT packet."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while True:
            packet, rest = split_packet(self.received)
            if packet is not None:
                self.received[:] = rest
                return packet
            self._go_on(deadline)

    def _go_on(self, deadline):
        if self.ended != OPEN:
            raise Ended(f"{self.ended} {self.alert or ''} after {bytes(self.received).hex(' ')!r}")
        self._receive_some(deadline)

    def receive_to_end(self, timeout=None):
        """Everything until the other side ends the connection."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while self.ended == OPEN:
            self._receive_some(deadline)
        data = bytes(self.received)
        self.received.clear()
        return data

    def receive_available(self, seconds):
        """What arrives within a time; for asserting that nothing does."""
        deadline = time.monotonic() + seconds
        with contextlib.suppress(TimeoutError):
            while self.ended == OPEN:
                self._receive_some(deadline)
        data = bytes(self.received)
        self.received.clear()
        return data

    # Leaving ---------------------------------------------------------------------------------

    def close(self):
        self.socket.close()

    def abort(self):
        """Leaves with a reset, as a device does that lost its power and came back."""
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
