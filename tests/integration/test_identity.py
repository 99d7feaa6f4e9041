"""Who a client is by its certificate, and what takes that away again."""

import datetime
import itertools
import ssl

import pytest

from harness import packets
from harness.configuration import listener
from harness.packets import V5
from harness.pki import CLIENT_EXTENSIONS, Authority
from harness.revocation import (join, key_digest, revocation_list, self_signed, serial_of,
                                signed_again)
from harness.tls_client import TLS12, TLS13, TLS_NAMES, TLS_VERSIONS, TlsSettings

NUMBERS = itertools.count()
DAY = datetime.timedelta(days=1)
DEVICES = [{"name": "devices", "require": ["certificate"]}]
GOOD = packets.connack(V5)
each_version = pytest.mark.parametrize("version", TLS_VERSIONS, ids=TLS_NAMES.get)


@pytest.fixture
def make(start_moat, pki):
    """Moat with one listener that requires a certificate; keys of its tls are given by name."""
    def start(identity="cn", rules=None, **tls):
        return start_moat(listeners=[listener(pki, certificate="required", **tls)],
                          rules=rules or DEVICES, identity={"certificate": identity})
    return start


def visit(moat, settings, name=None, **fields):
    """Sends CONNECT; the answer, or the reason of the alert that came instead."""
    try:
        with moat.client(settings, name) as client:
            client.send(packets.connect(V5, **fields))
            answer = client.receive_packet()
            return answer, client.ticket()
    except ssl.SSLError as error:
        return error.reason, None
    except Exception:
        if client.alert:
            return client.alert, None
        raise


def admitted(moat, settings, **fields):
    """The log line of a client that comes in, under a client identifier that nobody else has."""
    after = moat.mark()
    answer, _ = visit(moat, settings, **{"client_id": f"c{next(NUMBERS)}", **fields})
    assert answer == GOOD, moat.text()
    return moat.wait_event("admitted", after)


def refused(moat, settings, alert, words):
    after = moat.mark()
    answer, _ = visit(moat, settings)
    assert answer == alert
    line = moat.wait_event("refused", after)
    assert line["reason"] == "tls_failed" and words in line["detail"]


# --- kinds of names --------------------------------------------------------------------------

NAMES = {"san_dns": "DNS:sensor.example", "san_uri": "URI:urn:dev:sensor", "san_email": "email:s@example"}


@pytest.mark.parametrize("kind", ("cn", "subject", "san_dns", "san_uri", "san_email", "serial",
                                  "sha256", "spki"))
def test_each_kind(make, pki, kind, tmp_path):
    extensions = CLIENT_EXTENSIONS.format(usage="clientAuth") + f"subjectAltName={','.join(NAMES.values())}\n"
    pair = pki.client_ca.issue(f"kind-{kind}", "/O=Example/CN=sensor-1", extensions)
    expected = {
        "cn": "sensor-1", "subject": "CN=sensor-1,O=Example", "san_dns": "sensor.example",
        "san_uri": "urn:dev:sensor", "san_email": "s@example",
        "serial": serial_of(pair.certificate).lower(), "sha256": pair.fingerprint(),
        "spki": key_digest(pair.certificate)}[kind]
    moat = make(identity=kind)
    line = admitted(moat, TlsSettings(pair=pair), username=expected)
    assert line["certificate"] == expected
    assert line["issuer_key"] == key_digest(pki.client_ca.certificate)
    assert "certificate_fault" not in line
    # Any other name of the same certificate is not proven by it.
    assert visit(moat, TlsSettings(pair=pair), username="sensor")[0] != GOOD


@pytest.mark.parametrize("given", NAMES)
@pytest.mark.parametrize("wanted", NAMES)
def test_types_are_never_mixed(make, pki, given, wanted):
    """CVE-2022-21656: an address taken for a DNS name."""
    extensions = CLIENT_EXTENSIONS.format(usage="clientAuth") + f"subjectAltName={NAMES[given]}\n"
    pair = pki.client_ca.issue(f"type-{given}-{wanted}", "/CN=sensor-1", extensions)
    answer, _ = visit(make(identity=wanted), TlsSettings(pair=pair))
    assert answer == (GOOD if given == wanted else packets.connack(V5, 0x87))


@pytest.mark.parametrize("usage,is_good", (("clientAuth", True), ("serverAuth,clientAuth", True),
                                           ("serverAuth", False), ("emailProtection", False),
                                           ("anyExtendedKeyUsage", False)))
def test_extended_key_usage(make, pki, usage, is_good):
    """CVE-2022-21657: an e-mail certificate accepted as a client's."""
    pair = pki.client_ca.client(f"usage-{usage}", usage=usage, subject="/CN=sensor-1")
    moat = make()
    if is_good:
        admitted(moat, TlsSettings(pair=pair))
    else:
        refused(moat, TlsSettings(pair=pair), "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
                "not made for client authentication")


def test_no_extended_key_usage(make, pki):
    pair = pki.client_ca.issue("no-usage", "/CN=sensor-1", "basicConstraints=CA:FALSE\n")
    admitted(make(), TlsSettings(pair=pair))


# --- issuers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("order", (1, -1))
def test_two_authorities_of_one_name(make, tmp_path, order):
    """Both are trusted; the log tells by its key which of the two has signed, and neither client
    can take what the other owns."""
    authorities = [Authority(tmp_path / name, "Twin") for name in ("first", "second")]
    both = join(tmp_path / "both.crt", *[one.certificate for one in authorities][::order])
    moat = make(client_ca=both)
    keys = set()
    for authority in authorities:
        settings = TlsSettings(pair=authority.client("sensor-1"))
        line = admitted(moat, settings)
        assert (line["certificate"], line["issuer"]) == ("sensor-1", "CN=Twin")
        assert line["issuer_key"] == key_digest(authority.certificate)
        answer, _ = visit(moat, settings, client_id="owned")
        assert answer == (GOOD if not keys else packets.connack(V5, 0x85))
        keys.add(line["issuer_key"])
    assert len(keys) == 2


# --- revocation ------------------------------------------------------------------------------


@pytest.mark.parametrize("others", (0, 999, 100000))
def test_revoked(make, pki, tmp_path, others):
    """CVE-2008-2420: a search in the list that misses."""
    serials = [f"{0x10 ** 11 + number:X}" for number in range(others)]
    serials.insert(others // 2, serial_of(pki.good.certificate))
    crl = revocation_list(pki.client_ca, tmp_path / "crl", serials)
    moat = make(client_crl=str(crl))
    refused(moat, TlsSettings(pair=pki.good), "SSLV3_ALERT_CERTIFICATE_REVOKED", "has been revoked")
    admitted(moat, TlsSettings(pair=pki.other))


def test_list_of_another_authority(make, pki, tmp_path):
    crl = revocation_list(pki.stranger_ca, tmp_path / "crl")
    refused(make(client_crl=str(crl)), TlsSettings(pair=pki.good), "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
            "client_crl has no CRL")


def test_expired_list(make, pki, tmp_path):
    now = datetime.datetime.utcnow()
    crl = revocation_list(pki.client_ca, tmp_path / "crl", [serial_of(pki.good.certificate)],
                          now - 2 * DAY, now - DAY)
    moat = make(client_crl=str(crl))
    refused(moat, TlsSettings(pair=pki.other), "SSLV3_ALERT_CERTIFICATE_UNKNOWN", "has expired")
    assert "has expired, so clients of this CA are refused" in moat.text()


def test_expired_list_with_a_warning(make, pki, tmp_path):
    now = datetime.datetime.utcnow()
    crl = revocation_list(pki.client_ca, tmp_path / "crl", [serial_of(pki.good.certificate)],
                          now - 2 * DAY, now - DAY)
    moat = make(client_crl=str(crl), crl_expired="warn")
    assert admitted(moat, TlsSettings(pair=pki.other))["crl"] == "expired"
    refused(moat, TlsSettings(pair=pki.good), "SSLV3_ALERT_CERTIFICATE_REVOKED", "has been revoked")


def test_several_lists_in_one_file(make, pki, tmp_path):
    crl = join(tmp_path / "both", revocation_list(pki.stranger_ca, tmp_path / "one"),
               revocation_list(pki.client_ca, tmp_path / "two", [serial_of(pki.good.certificate)]))
    both = join(tmp_path / "both.crt", pki.client_ca.certificate, pki.stranger_ca.certificate)
    moat = make(client_crl=crl, client_ca=both)
    refused(moat, TlsSettings(pair=pki.good), "SSLV3_ALERT_CERTIFICATE_REVOKED", "has been revoked")
    admitted(moat, TlsSettings(pair=pki.other))
    admitted(moat, TlsSettings(pair=pki.wrong_ca))


# --- pins ------------------------------------------------------------------------------------


def test_pinned_device(make, pki, tmp_path):
    device = self_signed(tmp_path, "pump", "/CN=pump")
    pin = key_digest(device.certificate)
    rules = [{"name": "pump", "match": {"certificate": pin}, "require": ["certificate"]}]
    moat = make(client_ca=pki.client_ca.certificate, spki_pins=[pin], rules=rules)
    line = admitted(moat, TlsSettings(pair=device), username=pin)
    assert (line["certificate"], line["pinned"]) == (pin, "yes")
    assert "issuer" not in line
    refused(moat, TlsSettings(pair=self_signed(tmp_path, "other", "/CN=pump")),
            "TLSV1_ALERT_UNKNOWN_CA", "not from a CA that this listener trusts")


def test_pinned_device_claims_names(make, pki, tmp_path):
    """Whoever holds the key writes what he likes into another certificate; it counts for nothing."""
    device = self_signed(tmp_path, "pump", "/CN=pump")
    pin = key_digest(device.certificate)
    moat = make(spki_pins=[pin], rules=[{"name": "admins", "match": {"certificate": "admin"},
                                         "require": ["certificate"]}])
    claiming = signed_again(tmp_path, "claiming", device, "/CN=admin")
    assert visit(moat, TlsSettings(pair=claiming))[0] == packets.connack(V5, 0x87)
    assert visit(moat, TlsSettings(pair=claiming), username="admin")[0] == packets.connack(V5, 0x87)


# --- certificates of ours --------------------------------------------------------------------


@pytest.fixture
def several(start_moat, pki):
    extensions = ("basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth\n"
                  "subjectAltName=DNS:{}\n")
    issue = pki.server_ca.issue
    pairs = {"ec": pki.server, "rsa": pki.server_rsa,
             "exact": issue("exact", "/CN=x", extensions.format("a.devices.example")),
             "wild": issue("wild", "/CN=x", extensions.format("*.devices.example"))}
    made = listener(pki)
    made["tls"]["certificates"] = [{"chain": pairs[name].certificate, "key": pairs[name].key}
                                   for name in ("ec", "rsa", "wild", "exact")]
    moat = start_moat(listeners=[made])
    moat.pairs = pairs
    return moat


def shown(moat, **settings):
    client = moat.client(TlsSettings(**settings))
    der = client.peer_certificate()
    return next(name for name, pair in moat.pairs.items()
                if ssl.PEM_cert_to_DER_cert(open(pair.certificate, encoding="ascii").read()
                                            .partition("-----BEGIN")[2].join(("-----BEGIN", ""))) == der)


@each_version
def test_certificate_by_name(several, version):
    for name, expected in (("localhost", "ec"), ("gate.example", "ec"), ("a.devices.example", "exact"),
                           ("b.devices.example", "wild"), ("A.Devices.Example", "exact"),
                           ("b.a.devices.example", "ec"), ("stranger.example", "ec"), (None, "ec")):
        assert shown(several, server_name=name, version=version) == expected, name


def test_certificate_for_a_client_that_knows_only_rsa(several, pki):
    assert shown(several, version=TLS12, ciphers="ECDHE-RSA-AES128-GCM-SHA256",
                 ca=pki.server_ca.certificate) == "rsa"
    assert shown(several, version=TLS12, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256") == "ec"


def test_profile_modern(start_moat, pki):
    moat = start_moat(listeners=[listener(pki, profile="modern")])
    with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
        moat.client(TlsSettings(version=TLS12))
    assert moat.client(TlsSettings(version=TLS13)).version() == "1.3"
