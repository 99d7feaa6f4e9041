"""What TLS is spoken, and what becomes of those who speak something else."""

import datetime
import ssl
import subprocess
import time

import pytest

from harness import packets
from harness.client import ALERT, FINISHED, NOTIFIED
from harness.configuration import USERS, listener
from harness.packets import V5, V311
from harness.processes import run
from harness.tls_client import TLS12, TLS13, TLS_NAMES, TLS_VERSIONS, TlsSettings

LOGIN = {"username": "alice", "password": USERS["alice"]}
WEAK = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
each_version = pytest.mark.parametrize("version", TLS_VERSIONS, ids=TLS_NAMES.get)


def s_client(moat, *options, stdin=b"", timeout=15):
    host, port = moat.address()
    return run(["openssl", "s_client", "-connect", f"{host}:{port}", *options], stdin, timeout)


def refused_reason(moat, after=0):
    return moat.wait_event("refused", after)


# --- versions and suites ---------------------------------------------------------------------


@pytest.mark.parametrize("option,name", (("-tls1", "TLS 1.0"), ("-tls1_1", "TLS 1.1")))
def test_old_versions(moat, upstream, option, name):
    done = s_client(moat, option, "-cipher", WEAK)
    assert done.returncode != 0
    assert b"alert protocol version" in done.stderr
    line = refused_reason(moat)
    assert line["reason"] == "tls_failed" and name in line["detail"]
    assert upstream.count == 0


def test_minimum_version(start_moat, pki):
    moat = start_moat(listeners=[listener(pki, minimum_version="1.3")])
    with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
        moat.client(TlsSettings(version=TLS12))
    assert "1.2" in refused_reason(moat)["detail"]
    assert moat.client(TlsSettings(version=TLS13)).version() == "1.3"


GOOD_SUITES = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
               "ECDHE-ECDSA-CHACHA20-POLY1305")
BAD_SUITES = ("ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "AES128-GCM-SHA256", "AES128-SHA",
              "DHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-CCM8", "ECDHE-ECDSA-NULL-SHA")


@pytest.mark.parametrize("suite", GOOD_SUITES)
def test_suites_that_are_taken(moat, suite):
    assert moat.client(TlsSettings(version=TLS12, ciphers=suite)).cipher() == suite


@pytest.mark.parametrize("suite", BAD_SUITES)
def test_suites_that_are_not(moat, suite):
    """Without authenticated encryption or without forward secrecy."""
    with pytest.raises(ssl.SSLError, match="ALERT_HANDSHAKE_FAILURE"):
        moat.client(TlsSettings(version=TLS12, ciphers=f"{suite}:@SECLEVEL=0"))
    assert refused_reason(moat)["detail"] == "the client offers no cipher suite that we accept"


def test_rsa_certificate(start_moat, pki):
    moat = start_moat(listeners=[listener(pki, pair=pki.server_rsa)])
    for suite in ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305"):
        settings = TlsSettings(pki.server_ca.certificate, version=TLS12, ciphers=suite)
        assert moat.client(settings).cipher() == suite
    for suite in ("AES128-GCM-SHA256", "AES256-SHA", "DHE-RSA-AES128-GCM-SHA256"):
        with pytest.raises(ssl.SSLError):
            moat.client(TlsSettings(version=TLS12, ciphers=f"{suite}:@SECLEVEL=0"))


def test_no_compression_and_no_heartbeat(moat):
    text = s_client(moat, "-tls1_2").stdout
    assert b"Compression: NONE" in text
    assert b"Secure Renegotiation IS supported" in text
    assert b"Extended master secret: yes" in text


# --- ALPN ------------------------------------------------------------------------------------


@each_version
def test_alpn(moat, version):
    assert moat.client(TlsSettings(version=version, alpn=["mqtt"])).tls.selected_alpn_protocol() == "mqtt"
    several = TlsSettings(version=version, alpn=["http/1.1", "mqtt"])
    assert moat.client(several).tls.selected_alpn_protocol() == "mqtt"
    assert moat.client(TlsSettings(version=version)).tls.selected_alpn_protocol() is None
    with pytest.raises(ssl.SSLError, match="alert no application protocol"):
        moat.client(TlsSettings(version=version, alpn=["h2", "http/1.1"]))
    assert "ALPN" in refused_reason(moat)["detail"]


# --- what must be off ------------------------------------------------------------------------


def test_no_renegotiation(moat):
    """A client of TLS 1.2 that asks for it does not get it, and its session ends."""
    host, port = moat.address()
    client = subprocess.Popen(["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_2"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        seen = b""
        while b"Extended master secret" not in seen:
            seen += client.stdout.read1(4096)
        client.stdin.write(b"R\n")  # s_client's command: renegotiate
        client.stdin.flush()
        output, _ = client.communicate(timeout=15)
        assert b"RENEGOTIATING" in output
        assert b"no renegotiation" in output or b"unexpected message" in output or b"alert" in output
    finally:
        client.kill()
        client.wait()


def test_no_early_data(moat, upstream, tmp_path):
    """A CONNECT in early data could be sent again by somebody else."""
    session = tmp_path / "session"
    early = tmp_path / "early"
    early.write_bytes(packets.connect(V311, **LOGIN))
    done = s_client(moat, "-tls1_3", "-sess_out", session, "-ign_eof",
                    stdin=packets.connect(V311, username="alice", password="wrong"))
    assert session.exists(), done.stderr
    shown = run(["openssl", "sess_id", "-in", session, "-noout", "-text"]).stdout
    assert b"Max Early Data: 0" in shown or b"Early Data" not in shown
    known = upstream.count
    text = s_client(moat, "-tls1_3", "-sess_in", session, "-early_data", early).stdout
    assert b"Early data was accepted" not in text
    assert upstream.count == known


# --- resumption ------------------------------------------------------------------------------

DEVICES = {"rules": [{"name": "devices", "require": ["certificate"]}]}


def first_visit(moat, settings, **fields):
    with moat.client(settings) as client:
        client.send(packets.connect(V5, **fields))
        assert client.receive_packet() == packets.connack(V5)
        assert not client.is_resumed()
        return client.ticket()


@each_version
def test_tickets_resume(start_moat, pki, version):
    """Without the costly signature, but with the certificate's identity still known."""
    moat = start_moat(listeners=[listener(pki, certificate="required")], **DEVICES)
    ticket = first_visit(moat, TlsSettings(pki.server_ca.certificate, pki.good, version))
    with moat.client(TlsSettings.resuming(ticket)) as client:
        client.send(packets.connect(V5, client_id="again", username="sensor-1"))
        assert client.receive_packet() == packets.connack(V5)
        assert client.is_resumed()
    line = moat.wait_event("admitted", client_id="again")
    assert (line["resumed"], line["certificate"]) == ("yes", "sensor-1")
    assert line["fingerprint"].replace(":", "").lower() == pki.good.fingerprint()


@each_version
def test_no_tickets(start_moat, pki, version):
    moat = start_moat(listeners=[listener(pki, certificate="required", tickets=False)], **DEVICES)
    ticket = first_visit(moat, TlsSettings(pki.server_ca.certificate, pki.good, version))
    with moat.client(TlsSettings.resuming(ticket)) as client:
        client.send(packets.connect(V5))
        assert client.receive_packet() == packets.connack(V5)
        assert not client.is_resumed()


@each_version
def test_certificate_expires_between(start_moat, pki, upstream, version):
    """A ticket does not outlive the certificate it stands for."""
    end = datetime.datetime.utcnow() + datetime.timedelta(seconds=4)
    pair = pki.client_ca.client(f"short-{TLS_NAMES[version]}", subject="/CN=sensor-1", end=end)
    moat = start_moat(listeners=[listener(pki, certificate="required")], **DEVICES)
    ticket = first_visit(moat, TlsSettings(pki.server_ca.certificate, pair, version))
    known = upstream.count
    # The one wait for a moment of the clock: the certificate's last second has to pass.
    time.sleep(max(0, (end - datetime.datetime.utcnow()).total_seconds()) + 1.1)
    try:
        with moat.client(TlsSettings.resuming(ticket)) as client:
            client.send(packets.connect(V5))
            assert client.receive_to_end() == b""
            assert client.alert == "SSLV3_ALERT_CERTIFICATE_EXPIRED"
    except ssl.SSLError as error:
        assert error.reason == "SSLV3_ALERT_CERTIFICATE_EXPIRED"
    assert upstream.count == known


@each_version
@pytest.mark.parametrize("first,second", (("one", "two"), ("plain", "one"), ("one", "plain")))
def test_ticket_of_another_listener(start_moat, pki, version, first, second):
    """A ticket is good where it was given, not at a listener that trusts others."""
    strangers = listener(pki, name="two", certificate="required")
    strangers["tls"]["client_ca"] = pki.stranger_ca.certificate
    moat = start_moat(listeners=[listener(pki, name="one", certificate="required"), strangers,
                                 listener(pki, name="plain")],
                      rules=[{"name": "all", "require": "none"}])
    with moat.client(TlsSettings(pki.server_ca.certificate, pki.good, version), first) as client:
        client.send(packets.connect(V5))
        assert client.receive_packet() == packets.connack(V5)
        ticket = client.ticket()
    try:
        with moat.client(TlsSettings.resuming(ticket), second) as client:
            assert not client.is_resumed()
            client.send(packets.connect(V5, client_id="another"))
            answer = client.receive_to_end() if second == "two" else client.receive_packet()
            assert answer == (b"" if second == "two" else packets.connack(V5))
    except ssl.SSLError as error:
        assert second == "two" and error.reason == "TLSV1_ALERT_UNKNOWN_CA"


# --- what is not TLS -------------------------------------------------------------------------


def is_silence_or_alert(data):
    """Nothing at all, or one TLS alert record."""
    return data == b"" or (data[:2] == b"\x15\x03" and len(data) == 7)


@pytest.mark.parametrize("data,words", (
    (packets.connect(V311, **LOGIN), "plaintext MQTT on the TLS port"),
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "plaintext HTTP on the TLS port"),
    (b"\x00" * 100, "does not speak TLS"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak TLS"),
), ids=("MQTT", "HTTP", "zeros", "SSH"))
def test_plaintext_on_the_tls_port(moat, upstream, data, words):
    client = moat.plain_client()
    client.send(data)
    assert is_silence_or_alert(client.receive_to_end(timeout=5))
    line = refused_reason(moat)
    assert line["reason"] == "tls_failed" and words in line["detail"]
    assert LOGIN["password"] not in moat.text()
    assert upstream.count == 0


def test_broken_record(moat):
    client = moat.plain_client()
    client.send(b"\x16\x03\x01\x00\x05hello")
    assert is_silence_or_alert(client.receive_to_end(timeout=5))


def test_http_over_tls(moat, upstream):
    """Another protocol's client learns nothing here: not a byte comes back."""
    with moat.client() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.receive_to_end() == b""
        assert client.ended == NOTIFIED
    assert upstream.count == 0


def test_client_that_does_not_trust_us(moat, pki):
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        moat.client(TlsSettings(pki.stranger_ca.certificate))
    assert refused_reason(moat)["detail"] == "the client does not trust our CA"


def test_forged_record(moat, trusting, upstream):
    """A byte changed on the way ends the session, and nothing of that record is passed on."""
    with moat.client(trusting) as client:
        connect = packets.connect(V311, **LOGIN)
        client.send(connect)
        assert client.receive_packet() == packets.connack(V311)
        record = bytearray(client.record(packets.PING))
        record[-1] ^= 1
        client.send_raw(record)
        assert client.receive_to_end() == b""
        assert (client.ended, client.alert) == (ALERT, "SSLV3_ALERT_BAD_RECORD_MAC")
    assert upstream.connection(0).wait_finished() == connect


# --- time ------------------------------------------------------------------------------------


def test_handshake_that_takes_too_long(start_moat):
    """Absolute: bytes that trickle in do not extend it."""
    moat = start_moat(timeouts={"handshake": "500ms"})
    client = moat.plain_client()
    started = time.monotonic()
    try:
        for byte in b"\x16\x03\x01\x02\x00" + b"\x01\x00\x01\xfc\x03\x03" + b"\0" * 100:
            client.send(bytes([byte]))
            if client.receive_available(0.05) or client.ended != "open":
                break
    except OSError:
        pass
    client.receive_to_end(timeout=5)
    assert client.ended != "open"
    assert time.monotonic() - started < 3
    assert refused_reason(moat)["reason"] == "handshake_timeout"


def test_connect_that_takes_too_long(start_moat, trusting, upstream):
    moat = start_moat(timeouts={"connect": "500ms"})
    silent, trickling = moat.client(trusting), moat.client(trusting)
    started = time.monotonic()
    connect = packets.connect(V311, **LOGIN)
    for at in range(len(connect) - 1):
        trickling.send(connect[at:at + 1])
        if trickling.receive_available(0.05) or trickling.ended != "open":
            break
    for client in (trickling, silent):
        assert client.receive_to_end(timeout=5) == b""
        assert client.ended in (NOTIFIED, FINISHED)
    assert time.monotonic() - started < 4
    assert refused_reason(moat)["reason"] == "connect_timeout"
    assert upstream.count == 0
