"""What a TLS ticket is worth when keys are shared, and what it is not worth."""

import os

import pytest

from harness import configuration, packets
from harness.configuration import listener
from harness.packets import V5
from harness.revocation import revocation_list, serial_of
from harness.tls_client import TLS_NAMES, TLS_VERSIONS, TlsSettings
from test_identity import DEVICES, GOOD, NUMBERS, visit

each_version = pytest.mark.parametrize("version", TLS_VERSIONS, ids=TLS_NAMES.get)
KEYS = ("0123456789abcdef" * 4, "fedcba9876543210" * 4)


@pytest.fixture
def key_file(tmp_path):
    """Writes keys that several listeners or Moats share."""
    path = tmp_path / "ticket.keys"

    def write(*keys, mode=0o600):
        path.write_text("".join(f"{key}\n" for key in keys), encoding="ascii")
        os.chmod(path, mode)
        return str(path)

    write(KEYS[0])
    write.path = str(path)
    return write


def is_resumed(moat, ticket, name=None, **settings):
    """Whether a ticket spares the handshake; the client is let in either way."""
    with moat.client(TlsSettings.resuming(ticket, **settings), name) as client:
        client.send(packets.connect(V5, client_id=f"c{next(NUMBERS)}"))
        assert client.receive_packet() == GOOD, moat.text()
        return client.is_resumed()


@each_version
def test_two_moats_with_one_file(start_moat, pki, tmp_path, key_file, version):
    """A ticket of one resumes at the other; with another key in front it still does."""
    moats = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        moats.append(start_moat(folder=tmp_path / name, rules=DEVICES, listeners=[
            listener(pki, certificate="required", ticket_key_file=key_file.path)]))
    settings = TlsSettings(pki.server_ca.certificate, pki.good, version)
    answer, ticket = visit(moats[0], settings)
    assert answer == GOOD and is_resumed(moats[1], ticket)
    key_file(KEYS[1], KEYS[0])
    moats[1].reload()
    assert is_resumed(moats[1], ticket)
    key_file(KEYS[1])
    moats[1].reload()
    assert not is_resumed(moats[1], ticket)


@each_version
def test_without_a_file_a_reload_ends_tickets(start_moat, pki, version):
    moat = start_moat(listeners=[listener(pki, certificate="required")], rules=DEVICES)
    _, ticket = visit(moat, TlsSettings(pki.server_ca.certificate, pki.good, version))
    assert is_resumed(moat, ticket)
    moat.reload()
    assert not is_resumed(moat, ticket)


@each_version
def test_listeners_that_share_a_file(start_moat, pki, key_file, version):
    """CVE-2025-23419, CVE-2025-23048: the ticket of one listener opens nothing at another."""
    shared = {"ticket_key_file": key_file.path}
    strangers = listener(pki, name="strangers", certificate="required", **shared)
    strangers["tls"]["client_ca"] = pki.stranger_ca.certificate
    moat = start_moat(rules=[{"name": "all", "require": "none"}], listeners=[
        listener(pki, name="plain", **shared),
        listener(pki, name="optional", certificate="optional", **shared),
        listener(pki, name="required", certificate="required", **shared),
        listener(pki, name="twin", certificate="required", **shared), strangers])
    names = ("plain", "optional", "required", "twin")
    for first in names:
        _, ticket = visit(moat, TlsSettings(pki.server_ca.certificate, pki.good, version), first)
        for second in names:
            assert is_resumed(moat, ticket, second) == (first == second), (first, second)
        assert visit(moat, TlsSettings.resuming(ticket), "strangers")[0] == "TLSV1_ALERT_UNKNOWN_CA"
        assert not is_resumed(moat, ticket, first, server_name="gate.example")


@each_version
def test_revoked_since(start_moat, pki, upstream, tmp_path, key_file, version):
    """CVE-2025-68121, CVE-2022-21654: the ticket still opens, and what it says is judged anew."""
    crl = revocation_list(pki.client_ca, tmp_path / "crl")
    options = {"rules": DEVICES, "listeners": [listener(
        pki, certificate="required", client_crl=str(crl), ticket_key_file=key_file.path)]}
    moat = start_moat(**options)
    _, ticket = visit(moat, TlsSettings(pki.server_ca.certificate, pki.good, version))
    assert is_resumed(moat, ticket)
    known = upstream.count
    revocation_list(pki.client_ca, tmp_path / "crl", [serial_of(pki.good.certificate)])
    moat.reload()
    after = moat.mark()
    assert visit(moat, TlsSettings.resuming(ticket))[0] == "SSLV3_ALERT_CERTIFICATE_REVOKED"
    assert "has been revoked" in moat.wait_event("refused", after)["detail"]
    assert upstream.count == known


CHANGES = {
    "the authority": lambda pki, tls: tls.update(client_ca=pki.stranger_ca.certificate),
    "the revocation list of another authority alone": lambda pki, tls: tls.update(
        client_crl=str(revocation_list(pki.stranger_ca, os.path.dirname(tls["ticket_key_file"]) + "/crl"))),
}


@each_version
@pytest.mark.parametrize("what", CHANGES)
def test_trust_that_changed_since(start_moat, pki, upstream, tmp_path, key_file, version, what):
    options = {"rules": DEVICES, "listeners": [listener(
        pki, certificate="required", ticket_key_file=key_file.path)]}
    moat = start_moat(**options)
    _, ticket = visit(moat, TlsSettings(pki.server_ca.certificate, pki.good, version))
    CHANGES[what](pki, options["listeners"][0]["tls"])
    moat.reload(configuration.moat(tmp_path, pki, upstream, **options))
    assert visit(moat, TlsSettings.resuming(ticket))[0] in ("TLSV1_ALERT_UNKNOWN_CA",
                                                            "SSLV3_ALERT_CERTIFICATE_UNKNOWN")


@each_version
def test_rules_that_changed_since(start_moat, pki, upstream, tmp_path, key_file, version):
    options = {"rules": DEVICES, "listeners": [listener(
        pki, certificate="required", ticket_key_file=key_file.path)]}
    moat = start_moat(**options)
    _, ticket = visit(moat, TlsSettings(pki.server_ca.certificate, pki.good, version))
    changed = configuration.moat(tmp_path, pki, upstream, **options)
    changed["policy"]["rules"] = [{**DEVICES[0], "match": {"certificate": "sensor-2"}}]
    moat.reload(changed)
    assert visit(moat, TlsSettings.resuming(ticket))[0] == packets.connack(V5, 0x87)
    changed["policy"]["rules"] = DEVICES
    changed["identity"] = {"certificate": "san_dns"}
    moat.reload(changed)
    assert visit(moat, TlsSettings.resuming(ticket))[0] == packets.connack(V5, 0x87)
    changed["identity"] = {"certificate": "cn"}
    moat.reload(changed)
    assert is_resumed(moat, ticket)


@each_version
def test_ticket_of_another_certificate(start_moat, pki, version):
    """CVE-2016-5419: with the ticket of one and the certificate of another, the client is the one
    whose ticket it is, or goes through a handshake of its own."""
    moat = start_moat(listeners=[listener(pki, certificate="required")], rules=DEVICES)
    _, ticket = visit(moat, TlsSettings(pki.server_ca.certificate, pki.good, version))
    after = moat.mark()
    was_resumed = is_resumed(moat, ticket, pair=pki.other)
    line = moat.wait_event("admitted", after)
    assert line["certificate"] == ("sensor-1" if was_resumed else "sensor-2")


def test_key_file_that_others_can_read(start_moat, pki, upstream, tmp_path, key_file):
    key_file(KEYS[0], mode=0o644)
    moat = start_moat(listeners=[listener(pki)])
    moat.reload(configuration.moat(tmp_path, pki, upstream, listeners=[
        listener(pki, ticket_key_file=key_file.path)]), event="reload_refused")
    assert "ticket.keys is open to others" in moat.text()
    assert KEYS[0] not in moat.text()
