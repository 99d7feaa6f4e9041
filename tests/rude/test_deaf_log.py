"""Who reads the log has stopped: no session may stand still for it."""

import threading

from crowd import Crowd
from siege import size


def test_deaf_log(siege, monkeypatch):
    """The pipe to the reader is full; lines may be lost, and are counted, but nobody waits."""
    may_read = threading.Event()
    on_line = siege.moat._on_line  # pylint: disable=protected-access

    def wait_and_read(line):
        may_read.wait()
        on_line(line)
    monkeypatch.setattr(siege.moat, "_on_line", wait_and_read)
    try:
        with siege.attack():
            for part in range(size(10, 100)):
                with Crowd() as crowd:
                    crowd.arrive(siege.address(), 100, first=part * 100)
                    crowd.say(b"GET / HTTP/1.1\r\n\r\n")
                    crowd.wait_all_ended(10)
    finally:
        may_read.set()
