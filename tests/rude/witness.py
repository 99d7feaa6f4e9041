#!/usr/bin/env python3
"""witness HOST PORT CA: a well-behaved device, in a process of its own.

It logs in, and then publishes and pings by turns, each time waiting for the answer. For each it
writes a line `START MILLISECONDS`, with the monotonic clock in seconds. It ends with its input,
and with a line `lost REASON` when the gate fails it.
"""

import os
import random
import select
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))

from harness import packets  # noqa: E402
from harness.configuration import USERS  # noqa: E402
from harness.tls_client import TlsClient, TlsSettings  # noqa: E402

PAUSE = 0.005
PATIENCE = 120  # how slow an answer was is for the test to judge


def exchanges():
    """Messages and the answers to them, for ever."""
    number = 0
    while True:
        number = number % 65535 + 1
        yield (packets.publish(packets.V311, "witness", b"." * random.randint(1, 200), qos=1,
                               identifier=number), packets.puback(number))
        yield packets.PING, packets.PONG


def main():
    host, port, authority = sys.argv[1:]
    client = TlsClient((host, int(port)), TlsSettings(ca=authority), timeout=PATIENCE)
    client.send(packets.connect(client_id="witness", username="alice", password=USERS["alice"]))
    answer = client.receive_packet()
    if answer != packets.connack(packets.V311):
        sys.exit(f"lost {answer.hex(' ')}")
    for message, expected in exchanges():
        start = time.monotonic()
        client.send(message)
        answer = client.receive_packet()
        if answer != expected:
            sys.exit(f"lost {answer.hex(' ')} instead of {expected.hex(' ')}")
        print(f"{start:.6f} {(time.monotonic() - start) * 1000:.3f}", flush=True)
        if select.select([sys.stdin], [], [], PAUSE)[0]:
            client.send(packets.disconnect())
            client.close()
            return


try:
    main()
except Exception as error:  # pylint: disable=broad-except  (whatever it is, it is told to the test)
    print(f"lost {type(error).__name__} {error}", flush=True)
    sys.exit(1)
