"""profile: small, as the configuration that OpenWrt's UCI is made into has it, with the daemon."""

import os
import re

from harness import packets
from harness.packets import V311
from harness.tls_client import TlsSettings
from test_openwrt import check, ready, router, set_password, start_gate  # noqa: F401


def test_small_profile_with_the_daemon(ready, make_upstream, start_gate):
    """What is remembered is written when the service ends, and not before."""
    upstream = make_upstream()
    ready.configure(re.sub(r"'127.0.0.1:[1-9]\d*'", f"'{upstream.text}'", ready.read("etc/config/moat")))
    password = set_password(ready)
    gate = start_gate()
    with gate.client(TlsSettings(ca=ready.path("etc/moat/tls/ca.crt"))) as client:
        client.send(packets.connect(V311, client_id="c", username="device", password=password))
        assert client.receive_packet() == packets.connack(V311)
    kept = ready.path("var/lib/moat/guard.state")
    assert not os.path.exists(kept)
    gate.stop()
    gate.has_ended = True
    assert os.path.getsize(kept) > 0


def test_small_profile_refuses_argon2(ready):
    """A Mosquitto 2.1 file: 46 MiB for each check is more than a router has."""
    ready.write("etc/moat/passwords", "device:$argon2id$v=19$m=47104,t=1,p=1$"
                "c2FsdHNhbHQ$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE\n", 0o600)
    assert ready.generate().returncode == 0
    done = check(ready.path("made"))
    said = done.stderr.decode() + done.stdout.decode()
    assert done.returncode == 78 and ("Argon2" in said or "no libargon2" in said), said
    if "no libargon2" not in said:  # the profile alone refuses it
        text = ready.read("made/moat.yaml").replace("profile: small", "profile: full")
        ready.write("made/moat.yaml", text, 0o600)
        assert check(ready.path("made")).returncode == 0
