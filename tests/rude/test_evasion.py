"""A ban that an attacker cannot walk away from by taking another address of his network.

In a network namespace of its own, with a /64 on its loopback interface."""

import os
import socket
import subprocess
import sys
import textwrap

import pytest

from siege import size

# Run inside the namespace: it guesses passwords from one host of a /64, and then knocks from others.
PROGRAM = textwrap.dedent("""
    import os, subprocess, sys
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "-6", "route", "add", "local", "2001:db8::/48", "dev", "lo"], check=True)
    with open("/proc/sys/net/ipv6/ip_nonlocal_bind", "w") as file:
        file.write("1")
    sys.path[:0] = sys.argv[1:3]
    from harness import configuration, packets
    from harness.client import Ended
    from harness.moat import Moat
    from harness.pki import Pki
    from harness.tls_client import TlsClient, TlsSettings
    from harness.upstream import Upstream
    folder, count = sys.argv[3], int(sys.argv[4])
    pki, upstream = Pki(folder + "/pki"), Upstream()
    moat = Moat(folder, configuration.moat(folder, pki, upstream, limits={"failed_logins": 5},
                listeners=[configuration.listener(pki, address="[::]:0")]))
    address = ("2001:db8:0:1::1", moat.address()[1])
    settings = TlsSettings(ca=None)

    def knock(source, password):
        try:
            with TlsClient(address, settings, source=source) as client:
                client.send(packets.connect(client_id="c", username="alice", password=password))
                return client.receive_packet()
        except (Ended, OSError):
            return b""

    good, bad = packets.connack(packets.V311), packets.connack(packets.V311, 4)
    right = configuration.USERS["alice"]
    for number in range(5):
        assert knock(f"2001:db8:0:1::{number + 0x10:x}", "wrong") == bad, number
    for number in range(count):
        told = knock(f"2001:db8:0:1:{number:x}::{number * 7 + 1:x}", right)
        assert told != good, f"host {number} of the banned /64 was let in"
    assert knock("2001:db8:0:2::1", right) == good, "the neighbouring /64 is banned as well"
    print("done")
    moat.kill()
    upstream.stop()
""")


def can_unshare():
    return os.geteuid() == 0 and subprocess.run(["unshare", "-n", "true"], capture_output=True,
                                                check=False).returncode == 0


@pytest.mark.skipif(not can_unshare(), reason="a network namespace needs root")
@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6 here")
def test_other_hosts_of_a_banned_network(tmp_path):
    here = os.path.dirname(os.path.abspath(__file__))
    done = subprocess.run(
        ["unshare", "-n", sys.executable, "-c", PROGRAM, here, os.path.join(os.path.dirname(here), "integration"),
         str(tmp_path), str(size(300, 65536))], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0 and done.stdout.strip() == "done", done.stdout + done.stderr
