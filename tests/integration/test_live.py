"""Live revocation: a reload judges those who are in, ends those who may no longer be, and leaves all others alone."""

import datetime

import pytest

from harness import configuration, packets, passwords
from harness.configuration import USERS, listener
from harness.packets import V5, V311
from harness.revocation import revocation_list, serial_of
from harness.tls_client import TlsSettings

ALICE = {"username": "alice", "password": USERS["alice"]}
BOB = {"username": "bob", "password": USERS["bob"]}
GONE = packets.packet(14, b"\x87")


@pytest.fixture
def settings_of(pki, upstream, tmp_path):
    return lambda **changes: configuration.moat(tmp_path, pki, upstream, **changes)


class Live:
    """A client that is in, and whether it notices anything."""

    def __init__(self, moat, upstream, settings=None, version=V5, **login):
        known = upstream.count
        self.client = moat.client(settings)
        self.version = version
        self.client.send(packets.connect(version, **login))
        assert self.client.receive_packet() == packets.connack(version)
        self.upstream = upstream.connection(known)

    def stays(self):
        """Its stream is unbroken in both directions."""
        before = len(self.upstream.received)
        self.client.send(packets.PING)
        self.upstream.wait_received(before + len(packets.PING))
        self.upstream.send(packets.PONG)
        assert self.client.receive_packet() == packets.PONG

    def is_ended(self, moat, reason, detail=None):
        """It is told so, in 5.0 with 0x87, and the log names the cause."""
        said = self.client.receive_to_end()
        assert said == (GONE if self.version == V5 else b"")
        self.upstream.wait_finished()
        line = moat.wait_event("ended", reason=reason)
        if detail is not None:
            assert detail in line["detail"]


@pytest.mark.parametrize("version", (V311, V5))
def test_removed_user(moat, upstream, trusting, tmp_path, version):
    alice = Live(moat, upstream, trusting, version, **ALICE)
    bob = Live(moat, upstream, trusting, version, client_id="b", **BOB)
    path = tmp_path / "passwords"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if not line.startswith("alice:")) + "\n")
    moat.reload()
    alice.is_ended(moat, "no_longer_permitted", "removed")
    bob.stays()


def test_changed_password(moat, upstream, trusting, tmp_path):
    """Only the user whose line has changed. (A line made anew is another hash of the same password.)"""
    path = tmp_path / "passwords"
    alice = Live(moat, upstream, trusting, **ALICE)
    bob = Live(moat, upstream, trusting, client_id="b", **BOB)
    lines = path.read_text().splitlines()
    changed = [passwords.line("alice", "other") if line.startswith("alice:") else line for line in lines]
    path.write_text("\n".join(changed) + "\n")
    moat.reload()
    alice.is_ended(moat, "no_longer_permitted", "password has changed")
    bob.stays()


def test_changed_rule(moat, upstream, trusting, settings_of, tmp_path):
    alice = Live(moat, upstream, trusting, **ALICE)
    bob = Live(moat, upstream, trusting, client_id="b", **BOB)
    lines = (tmp_path / "passwords").read_text()
    settings = settings_of(rules=[{"name": "others", "match": {"username": "bob"}, "require": ["password"]}])
    (tmp_path / "passwords").write_text(lines)
    moat.reload(settings)
    alice.is_ended(moat, "no_longer_permitted", "no rule matches")
    bob.stays()


def test_nothing_changed(moat, upstream, trusting):
    live = [Live(moat, upstream, trusting, client_id="c%d" % i, **ALICE) for i in range(5)]
    for _ in range(3):
        moat.reload()
    for one in live:
        one.stays()
    assert moat.find("ended") == []


CERTIFICATE_RULE = [{"name": "devices", "require": ["certificate"]}]


@pytest.fixture
def guarded(start_moat, pki, upstream):
    """Certificates required, nobody has a password."""
    return start_moat(listeners=[listener(pki, certificate="required")], rules=CERTIFICATE_RULE)


def test_changed_ca(guarded, upstream, pki, settings_of):
    device = Live(guarded, upstream, TlsSettings(pki.server_ca.certificate, pki.good))
    guarded.reload(settings_of(rules=CERTIFICATE_RULE,
                               listeners=[listener(pki, certificate="required")]))
    device.stays()
    other = listener(pki, certificate="required")
    other["tls"]["client_ca"] = pki.stranger_ca.certificate
    guarded.reload(settings_of(rules=CERTIFICATE_RULE, listeners=[other]))
    device.is_ended(guarded, "no_longer_permitted", "not from a CA")


def test_certificate_is_asked_for_from_now_on(moat, upstream, trusting, pki, settings_of, tmp_path):
    alice = Live(moat, upstream, trusting, **ALICE)
    lines = (tmp_path / "passwords").read_text()
    settings = settings_of(listeners=[listener(pki, certificate="required")])
    (tmp_path / "passwords").write_text(lines)
    moat.reload(settings)
    alice.is_ended(moat, "no_longer_permitted", "presents no certificate")


def devices_of(pki, count):
    """Certificates of one authority that differ in nothing but their serial numbers, which are returned too."""
    first = serial_of(pki.good.certificate)
    for number in range(count):
        serial = f"{first[:-6]}{number:06X}"
        pair = pki.client_ca.rewrite(pki.good, f"device-{number}", bytes.fromhex(first), bytes.fromhex(serial))
        yield pair, serial


def test_one_of_two_hundred(start_moat, pki, upstream, settings_of, tmp_path):
    """Exactly the one that was revoked. The others are in the middle of a packet in both directions."""
    devices = list(devices_of(pki, 200))
    crl = tmp_path / "crl"
    revocation_list(pki.client_ca, crl, [])
    keys = {"listeners": [listener(pki, certificate="required", client_crl=str(crl))], "rules": CERTIFICATE_RULE,
            "workers": 1}
    moat = start_moat(**keys)
    live = [Live(moat, upstream, TlsSettings(pki.server_ca.certificate, pair), client_id="c%d" % number)
            for number, (pair, _) in enumerate(devices)]
    unlucky = live.pop(3)  # one of the last that are looked at
    up = packets.publish(V5, "up", bytes(range(256)) * 8, qos=1)
    down = packets.publish(V5, "down", bytes(range(255, -1, -1)) * 8)
    sent = [len(one.upstream.received) for one in live]
    for number, one in enumerate(live):
        one.client.send(up[:7 * number + 1])
        one.upstream.send(down[:7 * number + 1])
        one.upstream.wait_received(sent[number] + 7 * number + 1)
    revocation_list(pki.client_ca, crl, [devices[3][1]])
    moat.reload(settings_of(**keys))
    unlucky.is_ended(moat, "no_longer_permitted", "has been revoked")
    for number, one in enumerate(live):
        one.client.send(up[7 * number + 1:])
        one.upstream.send(down[7 * number + 1:])
    for number, one in enumerate(live):
        assert one.upstream.wait_received(sent[number] + len(up))[sent[number]:] == up
        assert one.client.receive_packet() == down
        one.stays()
    assert len(moat.find("ended")) == 1


@pytest.mark.parametrize("choice", ("end", "keep"))
def test_certificate_expires_while_connected(start_moat, pki, upstream, choice):
    now = datetime.datetime.utcnow()
    brief = pki.client_ca.client("brief-%s" % choice, start=now - datetime.timedelta(days=1),
                                 end=now + datetime.timedelta(seconds=4))
    rules = [dict(CERTIFICATE_RULE[0], certificate_expiry=choice)]
    moat = start_moat(listeners=[listener(pki, certificate="required")], rules=rules)
    device = Live(moat, upstream, TlsSettings(pki.server_ca.certificate, brief))
    if choice == "end":
        moat.wait_event("ended", timeout=25, reason="certificate_expired")
        device.is_ended(moat, "certificate_expired")
    else:
        with pytest.raises(AssertionError):
            moat.wait_event("ended", timeout=15)
        device.stays()
