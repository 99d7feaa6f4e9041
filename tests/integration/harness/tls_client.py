"""A TLS client under a test's full control.

TLS runs in memory buffers, so a test decides which bytes leave in which TCP segment and
record, sees how the other side ended (close_notify, FIN, reset, alert), and can leave
without a word itself.
"""

import contextlib
import socket
import ssl
import time
import warnings

from .client import ALERT, FINISHED, NOTIFIED, OPEN, RESET, TcpClient

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
TLS_VERSIONS = (TLS12, TLS13)
TLS_NAMES = {TLS12: "1.2", TLS13: "1.3"}


class Ticket:
    """A TLS session to resume, with the context Python's ssl wants it to be used with."""

    def __init__(self, session, context):
        self.session = session
        self.context = context


class TlsSettings:
    """What a client offers. `ca` None: the server's certificate is not looked at."""

    def __init__(self, ca=None, pair=None, version=None, server_name="localhost", alpn=None,
                 ciphers=None):
        self.server_name = server_name
        self.session = None
        self.context = context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Otherwise Python takes the end of the TCP connection for a close_notify.
        context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0x80)
        if ca:
            context.load_verify_locations(ca)
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if version:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # old versions are offered on purpose
                context.minimum_version = context.maximum_version = version
        if alpn:
            context.set_alpn_protocols(alpn)
        if ciphers:
            context.set_ciphers(ciphers)
        if pair:
            context.load_cert_chain(pair.certificate, pair.key)

    @classmethod
    def resuming(cls, ticket, server_name="localhost", pair=None):
        """The settings of the connection that gave the ticket; with `pair`, another certificate."""
        settings = cls.__new__(cls)
        settings.server_name, settings.session, settings.context = \
            server_name, ticket.session, ticket.context
        if pair:
            settings.context.load_cert_chain(pair.certificate, pair.key)
        return settings


class TlsClient(TcpClient):
    def __init__(self, address, settings, **options):
        super().__init__(address, **options)
        self.settings = settings
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = settings.context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=settings.server_name,
            session=settings.session)
        try:
            self._handshake(time.monotonic() + self.timeout)
        except BaseException:
            self.socket.close()
            raise

    def _flush(self):
        data = self._outgoing.read()
        if data:
            self.socket.settimeout(self.timeout)
            self.socket.sendall(data)

    def _handshake(self, deadline):
        while True:
            try:
                self.tls.do_handshake()
                self._flush()
                return
            except ssl.SSLWantReadError:
                self._flush()
                self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
                data = self.socket.recv(65536)
                if data:
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    self._flush()  # our own alert
                raise

    def send(self, data):
        view = memoryview(data)
        while view.nbytes:
            view = view[self.tls.write(view[:16384]):]
            if self._outgoing.pending > 65536:
                self._flush()
        self._flush()

    def record(self, data):
        """The TLS record for `data`, to be sent by hand with send_raw()."""
        self.tls.write(data)
        return self._outgoing.read()

    def send_raw(self, data):
        self.socket.settimeout(self.timeout)
        self.socket.sendall(data)

    def _take(self, data):
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        try:
            while self.ended == OPEN:
                clear = self.tls.read(65536)
                if clear:
                    self.received += clear
                else:
                    self.ended = NOTIFIED
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLZeroReturnError:
            self.ended = NOTIFIED
        except ssl.SSLEOFError:
            self.ended = FINISHED
        except ssl.SSLError as error:
            self.ended, self.alert = ALERT, error.reason

    def wait_socket_end(self, timeout=None):
        """After close_notify: waits for the end of the TCP connection. Returns FIN or reset."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while True:
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                if not self.socket.recv(65536):
                    return FINISHED
            except ConnectionResetError:
                return RESET

    def _close_notify(self):
        with contextlib.suppress(ssl.SSLError):
            self.tls.unwrap()
        self._flush()

    def finish_sending(self):
        self._close_notify()
        super().finish_sending()

    def notify_only(self):
        """close_notify, but the TCP connection stays as it is."""
        self._close_notify()

    def close(self):
        with contextlib.suppress(OSError, ssl.SSLError, ValueError):
            self._close_notify()
        super().close()

    # What was agreed -------------------------------------------------------------------------

    def version(self):
        return {"TLSv1.2": "1.2", "TLSv1.3": "1.3"}.get(self.tls.version())

    def cipher(self):
        return self.tls.cipher()[0]

    def is_resumed(self):
        return self.tls.session_reused

    def peer_certificate(self):
        return self.tls.getpeercert(binary_form=True)

    def ticket(self):
        """The session to resume; with TLS 1.3 only after something was received."""
        return Ticket(self.tls.session, self.settings.context)
