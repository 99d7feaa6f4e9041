"""One short life of the daemon with the shim loaded, and what it came to."""

import contextlib
import os
import signal
import ssl
import time

from harness import configuration, packets
from harness.client import Ended
from harness.configuration import USERS, listener
from harness.moat import Moat, binary
from harness.tls_client import TlsClient, TlsSettings
from harness.waiting import PATIENCE, wait_until

SHIM = os.path.join(os.path.dirname(binary()), "tests", "fault", "fault_shim.so")
# What a client may meet when the gate fails it.
FAILURES = (Ended, ssl.SSLError, ConnectionError, AssertionError)
GOOD = packets.connack(packets.V311)
BY_CERTIFICATE = {"name": "devices", "match": {"certificate": "*"}, "require": ["certificate"]}
START_PATIENCE = 30
# After a failed write the gate still reads what the client says, for half a minute: on a connection
# that is really broken there is no client to wait for it. Here there is, and it leaves sooner.
WRITE_PATIENCE = 2


class Fault:
    """Which call fails: the `at`-th of a class, and with `every` each so many after it."""

    def __init__(self, kind=None, at=0, error=0, every=0):
        self.kind, self.at, self.error, self.every = kind, at, error, every

    def environment(self):
        if self.kind is None:
            return {}
        return {"FAULT_CLASS": self.kind, "FAULT_AT": str(self.at), "FAULT_EVERY": str(self.every),
                "FAULT_ERRNO": str(self.error)}

    def __str__(self):
        name = errno_name(self.error)
        return f"{self.kind} {self.at}{f' and every {self.every}' if self.every else ''} ({name})"


def errno_name(number):
    import errno  # pylint: disable=import-outside-toplevel
    return errno.errorcode.get(number, str(number))


class Life:
    """Starts, serves three kinds of clients, reloads, serves a good one, and stops."""

    def __init__(self, folder, pki, upstream, fault):
        self.pki, self.upstream, self.fault = pki, upstream, fault
        self.report_path = os.path.join(str(folder), "report")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.report_path)
        settings = configuration.moat(
            folder, pki, upstream, workers=1,
            sandbox="off",  # the shim writes its report at the end
            admin={"health": "off"},  # one listening socket, by which it is found
            listeners=[listener(pki, certificate="optional")],
            rules=[BY_CERTIFICATE, configuration.PASSWORD_RULE],
            timeouts={"handshake": "5s", "connect": "5s", "drain": "1s"})
        environment = {"LD_PRELOAD": SHIM, "FAULT_REPORT": self.report_path, **fault.environment()}
        self.moat = Moat(folder, settings, is_awaited=False, env=environment)
        self.status = None
        self.is_pool_missing = False
        self.descriptors = None

    # The steps -------------------------------------------------------------------------------

    def is_up(self):
        """Waits until it serves or has ended. A log line may have been what failed, so what is
        believed is the listening socket."""
        def is_decided():
            return not self.moat.is_running() or self.moat.find("listening") \
                or len(self.listening()) > 0
        wait_until(is_decided, "the daemon to start or to end", START_PATIENCE)
        if not self.moat.is_running():
            return False
        ports = wait_until(lambda: self.listening() or not self.moat.is_running(),
                           "the daemon to listen", START_PATIENCE)
        if not self.moat.is_running() or ports is True:
            return False
        self.moat.addresses["mqtts"] = ("127.0.0.1", ports[0])
        return True

    def listening(self):
        """The ports on which the daemon listens, as the kernel knows them."""
        try:
            own = {target[8:-1] for target in self.moat.descriptors().values()
                   if target.startswith("socket:")}
            with open(f"/proc/{self.moat.pid}/net/tcp", encoding="ascii") as table:
                rows = [line.split() for line in table][1:]
        except OSError:
            return []  # it has just ended
        return [int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A" and row[9] in own]

    def visit(self, pair=None, publishes=True, **login):
        """A client that comes, publishes if it was let in, and leaves; its CONNACK."""
        settings = TlsSettings(ca=self.pki.server_ca.certificate, pair=pair)
        patience = WRITE_PATIENCE if self.fault.kind == "write" else PATIENCE
        client = TlsClient(self.moat.address(), settings, timeout=patience)
        try:
            client.send(packets.connect(client_id=login.get("username", "device"), **login))
            answer = client.receive_packet()
            if answer == GOOD and publishes:
                known = self.upstream.count
                client.send(packets.publish(packets.V311, "t", b"x" * 3000))
                self.upstream.connection(known - 1)
            return answer
        finally:
            client.close()

    def attempt(self, **client):
        """The same where any failure will do, except to be left hanging."""
        try:
            return self.visit(**client)
        except FAILURES:
            return None
        except TimeoutError:
            if self.fault.kind != "write":
                raise
            return None

    def serve(self):
        self.attempt(username="alice", password=USERS["alice"])
        self.attempt(pair=self.pki.good)
        self.attempt(username="alice", password="wrong")
        self.reload()
        self.attempt(username="alice", password=USERS["alice"])

    def reload(self):
        """The order to reload; its answer may be a line that could not be written."""
        if self.moat.is_running():
            after = self.moat.mark()
            self.moat.signal(signal.SIGHUP)
            with contextlib.suppress(AssertionError):
                wait_until(lambda: self.moat.find("reloaded", after) or self.moat.find("reload_refused", after)
                           or not self.moat.is_running(), "an answer to SIGHUP", 1.5)

    def prove_good(self):
        """One failed call may still hit this one; after it the gate must be whole again."""
        answers = []
        for _ in range(3):
            answers.append(self.attempt(username="bob", password=USERS["bob"]))
            if answers[-1] == GOOD:
                return
            time.sleep(0.05)
        raise AssertionError(f"no good client is served any more: {answers}")

    def settle(self, expected):
        """Waits until the descriptors are those of a clean life; returns how many there are."""
        def count():
            return len(self.moat.descriptors())
        with contextlib.suppress(AssertionError):
            wait_until(lambda: count() == expected if expected else self.moat.find("ended", username="bob"),
                       "the descriptors to be as they were", 5)
        self.descriptors = count()

    def stop(self):
        """SIGTERM, and the shim's report."""
        self.moat.signal(signal.SIGTERM)
        self.status = self.moat.wait()
        return self.report()

    def report(self):
        with open(self.report_path, encoding="ascii") as file:
            return {name: int(number) for name, number in (line.split() for line in file)}

    def end(self):
        self.moat.kill()
