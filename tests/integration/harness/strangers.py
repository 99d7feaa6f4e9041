"""Clients of several addresses, and who of them gets as far as TLS."""

import contextlib
import ctypes
import os
import ssl
import subprocess
import threading

import pytest

from . import packets
from .client import Ended
from .packets import V311

# Addresses of this machine that are as good as any other's.
HERE, THERE, ELSEWHERE = "127.0.0.21", "127.0.0.22", "127.0.0.23"

# The product's own limits, for loopback as for everybody; what is meant is then added.
STRICT = {"trusted": None, "connect_rate_per_identity": None, "failed_logins": None}

WRONG = {"username": "alice", "password": "wrong"}


def call(moat, trusting, source, listener=None):
    """A TLS client, or None if it was closed before TLS."""
    try:
        return moat.client(trusting, listener, source=source)
    except ConnectionError:
        return None
    except ssl.SSLError as error:  # the other way to see the end
        if error.reason != "UNEXPECTED_EOF_WHILE_READING":
            raise
        return None


def is_served(moat, trusting, source):
    client = call(moat, trusting, source)
    if client:
        client.close()
    return client is not None


def ask(moat, trusting, source, login, version=V311, client_id="x"):
    """What a CONNECT is answered; the client leaves at once."""
    client = call(moat, trusting, source)
    assert client, f"{source} was closed before TLS"
    with client:
        client.send(packets.connect(version, client_id=client_id, **login))
        return client.receive_packet()


def fail(moat, trusting, source, count, login=None):
    for _ in range(count):
        ask(moat, trusting, source, login or WRONG)


def breach(moat, trusting, source, login, client_id="x", version=V311):
    """Gets in and sends a second CONNECT, which ends it."""
    connect = packets.connect(version, client_id=client_id, **login)
    with call(moat, trusting, source) as client:
        client.send(connect)
        assert client.receive_packet() == packets.connack(version)
        after = moat.mark()
        client.send(connect)
        with contextlib.suppress(Ended, OSError):
            client.receive_to_end()
        moat.wait_event("ended", after, reason="second_connect")


def in_a_network_of_its_own(addresses, work):
    """Calls work() on a thread whose network, and that of programs it starts, has nothing but these IPv6
    addresses. Skips the test where that is not allowed."""
    outcome = []

    def run():
        try:
            if ctypes.CDLL(None, use_errno=True).unshare(0x40000000) != 0:  # CLONE_NEWNET
                outcome.append(pytest.skip.Exception(os.strerror(ctypes.get_errno())))
                return
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            for address in addresses:
                subprocess.run(["ip", "-6", "address", "add", f"{address}/128", "dev", "lo", "nodad"],
                               check=True)
            work()
        except BaseException as error:  # pylint: disable=broad-except
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if outcome:
        raise outcome[0]
