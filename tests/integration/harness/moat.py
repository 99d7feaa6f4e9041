"""Starts Moat with a configuration, follows its log, and ends it as a service manager does."""

import os
import signal

from . import logs, yaml
from .client import TcpClient
from .processes import Program
from .tls_client import TlsClient, TlsSettings
from .waiting import PATIENCE, wait_until


# Its name for a configuration without a file.
ENVIRONMENT = "@environment"


def binary():
    path = os.environ.get("MOAT_BINARY")
    if not path:
        raise AssertionError("MOAT_BINARY does not say which program to test; use tests/run")
    return path


def with_sockets(arguments, sockets):
    """How a service manager runs a program with sockets, which are given by name: they stand from
    descriptor 3 on. Returns the arguments and the descriptors that must be passed on."""
    descriptors = [one.fileno() for one in sockets.values()]
    # First out of the way of each other, then to their places.
    moves = " ".join(f"{100 + at}<&{number}" for at, number in enumerate(descriptors))
    places = " ".join(f"{3 + at}<&{100 + at} {100 + at}<&-" for at in range(len(descriptors)))
    script = f'exec {moves}; exec {places}; ' \
             f'LISTEN_PID=$$ LISTEN_FDS={len(sockets)} LISTEN_FDNAMES={":".join(sockets)} exec "$0" "$@"'
    return ["bash", "-c", script, *arguments], descriptors


class Moat(Program):
    """`configuration` is a dictionary as in moat.yaml, or the text of the file, or ENVIRONMENT where
    `env` holds the variables that are enough; `sockets` are passed to it by name. `prefix` is a program
    that runs another, with its arguments."""

    def __init__(self, folder, configuration, is_awaited=True, env=None, prefix=(), sockets=None):
        self.path = os.path.join(str(folder), "moat.yaml")
        self.events = []
        self.addresses = {}
        self.health = None  # where admin.http listens
        self.clients = []
        self.has_ended = False  # set by a test that ended it and looked at how
        if configuration == ENVIRONMENT:
            self.path = ENVIRONMENT
        else:
            self.write(configuration)
        arguments, descriptors = [binary(), "run", "-c", self.path], []
        if sockets:
            arguments, descriptors = with_sockets(arguments, sockets)
        super().__init__([*prefix, *arguments], env={**os.environ, **(env or {})}, on_line=self._on_line,
                         pass_fds=descriptors)
        if is_awaited:
            self.wait_ready()

    def write(self, configuration):
        """Replaces the configuration file; a running Moat reads it at SIGHUP."""
        content = configuration if isinstance(configuration, str) else yaml.text(configuration)
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write(content)
        os.rename(self.path + ".new", self.path)

    # The log ---------------------------------------------------------------------------------

    def _on_line(self, line):
        fields = logs.parse(line)
        if fields:
            self.events.append(fields)

    def find(self, event=None, after=0, **wanted):
        """The log lines so far, from number `after` on, whose fields are as wanted."""
        with self.changed:
            self._take()
            events = self.events[after:]
        if event:
            wanted["event"] = event
        return [fields for fields in events
                if all(fields.get(key) == str(value) for key, value in wanted.items())]

    def mark(self):
        """The number of log lines so far, to be given as `after`."""
        with self.changed:
            self._take()
            return len(self.events)

    def wait_event(self, event, after=0, timeout=PATIENCE, **wanted):
        """The first such line, waiting for it."""
        def is_there():
            return self.find(event, after, **wanted)
        with self.changed:
            if not self.changed.wait_for(lambda: is_there() or not self.is_running(), timeout) \
                    or not is_there():
                tail = "\n".join(self.lines[-20:])
                raise AssertionError(f"no line event={event} {wanted} came; the last lines:\n{tail}")
            return is_there()[0]

    def wait_ready(self):
        self.wait_event("ready")
        for fields in self.find("listening"):
            host, _, port = fields["address"].rpartition(":")
            self.addresses[fields["listener"]] = (host.strip("[]"), int(port))
        for fields in self.find("health_at"):
            host, _, port = fields["address"].rpartition(":")
            self.health = (host.strip("[]"), int(port))
        self.idle_sockets = self.socket_count()

    # Reloading -------------------------------------------------------------------------------

    def reload(self, configuration=None, event="reloaded"):
        """SIGHUP, after writing a new file if one is given. Returns the line that answers it."""
        if configuration is not None:
            self.write(configuration)
        after = self.mark()
        self.signal(signal.SIGHUP)
        return self.wait_event(event, after)

    # Clients ---------------------------------------------------------------------------------

    def address(self, listener=None):
        return self.addresses[listener or next(iter(self.addresses))]

    def client(self, settings=None, listener=None, **options):
        """A TLS client, connected; closed with Moat at the latest."""
        made = TlsClient(self.address(listener), settings or TlsSettings(), **options)
        self.clients.append(made)
        return made

    def plain_client(self, listener=None, **options):
        made = TcpClient(self.address(listener), **options)
        self.clients.append(made)
        return made

    # The end ---------------------------------------------------------------------------------

    def wait_idle(self):
        """Waits until no session is left, as the descriptors show."""
        wait_until(lambda: self.socket_count() <= self.idle_sockets,
                   f"Moat to have {self.idle_sockets} sockets again: {self.descriptors()}")

    def stop(self):
        """Ends every client, then Moat with SIGTERM. A session that leaves a descriptor behind,
        a status other than 0 and any report of a sanitizer are failures."""
        try:
            if self.has_ended:
                return
            if not self.is_running():
                raise AssertionError(f"Moat ended by itself with {self.wait()}:\n{self.text()}")
            for client in self.clients:
                client.close()
            self.wait_idle()
            self.signal(signal.SIGTERM)
            status = self.wait()
            assert status == 0, f"status {status} after SIGTERM:\n{self.text()}"
        finally:
            for client in self.clients:
                client.close()
            self.kill()
            reports = self.sanitizer_reports()
            assert not reports, f"a sanitizer reports:\n{self.text()}"

def is_sanitized():
    """True for a build whose memory use says nothing about that of the real one."""
    with open(binary(), "rb") as file:
        content = file.read()
    return b"__asan_init" in content or b"__tsan_init" in content
