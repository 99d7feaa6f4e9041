"""What the scanners of others say of a real Moat, held against docs/tls.md."""

import json
import os
import shutil
import xml.etree.ElementTree as ElementTree

import pytest

from harness.configuration import listener
from harness.moat import is_sanitized
from harness.page import first_cells
from harness.processes import run

PROFILES = ("iot", "modern")
SUITES = {"TLSv1.3": "Suites of TLS 1.3 (both profiles)", "TLSv1.2": "Suites of TLS 1.2 (profile iot)"}
GROUPS = "Groups for the key exchange (both profiles)"
FINDINGS = "What scanners find"
SEVERE = ("MEDIUM", "HIGH", "CRITICAL", "FATAL")


def program(name):
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed; see deploy/install-packages")
    return found


@pytest.fixture(params=PROFILES)
def scanned(request, start_moat, pki):
    """With a certificate of either kind, so that every suite of the profile can be had."""
    made = listener(pki, profile=request.param)
    made["tls"]["certificates"].append({"chain": pki.server_rsa.certificate, "key": pki.server_rsa.key})
    moat = start_moat(listeners=[made])
    moat.profile = request.param
    return moat


def iana_names():
    """openssl's name of a suite -> that of the standard."""
    text = run(["openssl", "ciphers", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]).stdout.decode()
    pairs = [line.split()[:3] for line in text.splitlines()]
    return {ours: standard for standard, _, ours in pairs}


def test_sslscan(scanned):
    """Exactly the versions, suites and groups of the page; nothing of the old attacks."""
    host, port = scanned.address()
    done = run([program("sslscan"), "--xml=-", "--sni-name=localhost", f"{host}:{port}"], timeout=120)
    found = ElementTree.fromstring(done.stdout.decode()).find("ssltest")
    assert found is not None, done.stdout + done.stderr

    versions = ["TLSv1.3"] + (["TLSv1.2"] if scanned.profile == "iot" else [])
    enabled = {one.get("version") for one in found.findall("protocol") if one.get("enabled") == "1"}
    assert enabled == {version.removeprefix("TLSv") for version in versions}

    names = iana_names()
    taken = {(one.get("sslversion"), names[one.get("cipher")]) for one in found.findall("cipher")}
    assert taken == {(version, suite) for version in versions for suite in first_cells(SUITES[version])}

    groups = {(one.get("sslversion"), one.get("name").split()[0]) for one in found.findall("group")}
    assert groups == {(version, group) for version in versions for group in first_cells(GROUPS)}

    assert found.find("renegotiation").get("supported") == "0"
    beats = [one.get("vulnerable") for one in found.findall("heartbleed")]
    assert len(beats) == len(versions) and set(beats) == {"0"}


@pytest.mark.skipif(not os.environ.get("MOAT_TEST_FULL"), reason="takes minutes; tests/run --full runs it")
def test_testssl(scanned, pki, tmp_path):
    """No finding above LOW but those that the page explains."""
    if is_sanitized():
        pytest.skip("the optimised build is the one that is scanned")
    port = scanned.address()[1]
    report = tmp_path / "testssl.json"
    run([program("testssl"), "--warnings", "off", "--color", "0", "--quiet", "--ip", "127.0.0.1",
         "--add-ca", pki.server_ca.certificate, "--jsonfile", report, f"localhost:{port}"], timeout=1800)
    findings = json.loads(report.read_text(encoding="utf-8"))
    seen = {finding["id"].split(" ")[0] for finding in findings}
    # A scan that broke off finds nothing.
    assert {"SSLv3", "TLS1_3", "heartbleed", "LUCKY13", "cert_chain_of_trust"} <= seen
    severe = {finding["id"].split(" ")[0]: finding["finding"] for finding in findings
              if finding["severity"] in SEVERE}
    assert set(severe) <= set(first_cells(FINDINGS)), severe


# --- cases of openssl s_client ----------------------------------------------------------------


def s_client(moat, *options):
    host, port = moat.address()
    return run(["openssl", "s_client", "-connect", f"{host}:{port}", *options])


REFUSED = {
    "a group that is not ours": (("-groups", "P-521"), "no elliptic curve that we accept"),
    "SHA-1 alone": (("-tls1_2", "-sigalgs", "ECDSA+SHA1:RSA+SHA1", "-cipher", "DEFAULT:@SECLEVEL=0"),
                    "cannot verify our kind of certificate"),
    "a fallback from 1.3": (("-tls1_2", "-fallback_scsv"), "INAPPROPRIATE_FALLBACK"),
    "no forward secrecy": (("-tls1_2", "-cipher", "AES128-GCM-SHA256"), "no cipher suite that we accept"),
    "nobody's key": (("-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"), "no cipher suite that we accept"),
    "a shared secret": (("-psk", "00112233", "-tls1_2", "-cipher", "PSK"), "no cipher suite that we accept"),
    "another protocol": (("-alpn", "http/1.1"), "other than mqtt"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(moat, upstream, what):
    options, words = REFUSED[what]
    done = s_client(moat, *options)
    assert done.returncode != 0 and b"alert" in done.stderr, done.stderr
    assert words in moat.wait_event("refused")["detail"]
    assert upstream.count == 0


def test_what_is_not_offered(moat):
    text = s_client(moat, "-tls1_2", "-comp", "-status").stdout
    assert b"Compression: NONE" in text
    assert b"OCSP response: no response sent" in text


def test_sslv2_hello(moat, upstream):
    """The hello of SSL 2.0, which some libraries once sent first: an alert at most comes back."""
    client = moat.plain_client()
    client.send(b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + b"\x07\x00\xc0" * 7 + b"\xaa" * 16)
    answer = client.receive_to_end(timeout=5)
    assert answer == b"" or (answer[0] == 0x15 and len(answer) == 7)
    assert moat.wait_event("refused")["reason"] == "tls_failed"
    assert upstream.count == 0
