"""Many connections at a time, none of which waits for another."""

import contextlib
import errno
import selectors
import socket
import struct
import time

from harness.client import Ended
from harness.tls_client import TlsClient
from siege import source

RESETS = (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN, errno.ECONNABORTED)


def leave_with_reset(one):
    """Closes a socket so that the other side sees a reset."""
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()


class Crowd:
    """Sockets that were opened together; used in a `with`, which closes them."""

    def __init__(self):
        self.sockets = []
        self.ended = set()  # those the gate has ended
        self.answers = {}
        self.started = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.sockets:
            one.close()

    def arrive(self, address, count, first=0):
        """`count` TCP connections, each from an address of its own. A connection that is refused
        counts as ended."""
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        for number in range(first, first + count):
            one = socket.socket(family, socket.SOCK_STREAM)
            if family == socket.AF_INET:
                one.bind((source(number), 0))
            one.settimeout(10)
            try:
                one.connect(address)
            except OSError:
                self.ended.add(one)
            one.setblocking(False)
            self.sockets.append(one)
        return self

    def adopt(self, clients):
        """TLS clients whose sockets are watched as the others are, as ciphertext."""
        for client in clients:
            client.socket.setblocking(False)
            self.sockets.append(client.socket)

    def say(self, data):
        """Each sends the same, as far as it is taken at once."""
        for one in self.sockets:
            self._send(one, data)

    def say_each(self, pieces):
        for one, data in zip(self.sockets, pieces):
            self._send(one, data)

    def _send(self, one, data):
        if one in self.ended:
            return
        try:
            one.send(data)
        except BlockingIOError:
            pass
        except OSError as error:
            if error.errno not in RESETS:
                raise
            self.ended.add(one)

    def finish(self):
        """Each half-closes."""
        for one in self.sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_WR)

    def reset(self):
        """Each leaves with a reset."""
        for one in self.sockets:
            leave_with_reset(one)

    def watch(self, seconds, until_ended=True, every=None, each=None):
        """Reads what comes for some time, or until all have been ended by the gate. `each()` is
        called every `every` seconds."""
        deadline = time.monotonic() + seconds
        turn = time.monotonic()
        with selectors.DefaultSelector() as selector:
            for one in self.sockets:
                if one not in self.ended:
                    selector.register(one, selectors.EVENT_READ)
            while time.monotonic() < deadline:
                if until_ended and len(self.ended) >= len(self.sockets):
                    break
                if each and time.monotonic() >= turn:
                    turn += every
                    each()
                for key, _ in selector.select(0.02):
                    if not self._receive(key.fileobj):
                        selector.unregister(key.fileobj)
        return len(self.ended)

    def _receive(self, one):
        try:
            data = one.recv(65536)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        if data:
            self.answers[one] = self.answers.get(one, b"") + data
            return True
        self.ended.add(one)
        return False

    def wait_all_ended(self, seconds, **drip):
        """Every one must be ended by the gate in time."""
        self.watch(seconds, **drip)
        left = len(self.sockets) - len(self.ended)
        assert left == 0, f"after {seconds:g} s {left} of {len(self.sockets)} connections still stand"


def tls_clients(siege, count, data=b"", first=0, **options):
    """`count` clients that have made their handshake and said `data`."""
    made = []
    for number in range(first, first + count):
        client = TlsClient(siege.address(), siege.trusting, source=source(number), **options)
        if data:
            client.send(data)
        made.append(client)
    return made


def answer_of(client, seconds=20):
    """All that a client is told until the gate ends the connection."""
    try:
        return client.receive_to_end(seconds)
    except (Ended, OSError):
        return b""


def client_hello(siege):
    """The first flight of an ordinary client."""
    import ssl  # pylint: disable=import-outside-toplevel
    outgoing = ssl.MemoryBIO()
    tls = siege.trusting.context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()
