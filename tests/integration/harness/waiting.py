"""Waiting for conditions. No test sleeps for a fixed time where it can wait for a fact."""

import os
import socket
import time

# The sanitizer build on a busy machine with two cores is slow; a correct run never waits this long.
PATIENCE = float(os.environ.get("MOAT_TEST_PATIENCE", "20"))


def wait_until(condition, what, timeout=PATIENCE):
    """Returns the first true value of `condition()`; fails with `what` when none came in time."""
    deadline = time.monotonic() + timeout
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s in vain: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def free_port(family=socket.AF_INET, address="127.0.0.1"):
    """A port nobody listens on now. Used only where a program cannot choose one itself."""
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, 0))
        return probe.getsockname()[1]


def accepts_connections(address):
    """True when somebody listens on (host, port)."""
    try:
        with socket.create_connection(address, timeout=1):
            return True
    except OSError:
        return False
