"""Certificate revocation lists, and certificates that no authority has signed."""

import datetime
import os

from .pki import Pair, openssl, stamp


def revocation_list(authority, path, serials=(), start=None, end=None):
    """Writes the list of an authority that revokes these serial numbers (hexadecimal texts, as
    openssl shows them). Times are UTC; in force since an hour and for a day unless told."""
    now = datetime.datetime.utcnow()
    start = start or now - datetime.timedelta(hours=1)
    end = end or now + datetime.timedelta(days=1)
    folder = f"{path}.ca"
    os.makedirs(folder, exist_ok=True)
    revoked = (now - datetime.timedelta(hours=2)).strftime("%y%m%d%H%M%SZ")
    with open(f"{folder}/index.txt", "w", encoding="ascii") as file:
        for serial in serials:
            file.write(f"R\t391231235959Z\t{revoked}\t{serial}\tunknown\t/CN=somebody\n")
    with open(f"{folder}/ca.conf", "w", encoding="ascii") as file:
        file.write(f"[ca]\ndefault_ca=here\n[here]\ndatabase={folder}/index.txt\ndefault_md=sha256\n")
    openssl("ca", "-gencrl", "-config", f"{folder}/ca.conf", "-cert", authority.certificate,
            "-keyfile", authority.key, "-out", path, "-crl_lastupdate", stamp(start),
            "-crl_nextupdate", stamp(end))
    return path


def serial_of(certificate):
    text = openssl("x509", "-in", certificate, "-noout", "-serial")
    return text.decode().strip().partition("=")[2]


def join(path, *parts):
    """One file of several, as cat makes it."""
    with open(path, "wb") as whole:
        for part in parts:
            with open(part, "rb") as file:
                whole.write(file.read())
    return str(path)


def self_signed(folder, name, subject, *options):
    """A pair that vouches for itself."""
    base = f"{folder}/{name}"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", f"{base}.key", "-out", f"{base}.crt", "-subj", subject, "-days", "3", *options)
    return Pair(f"{base}.crt", f"{base}.key")


def signed_again(folder, name, pair, subject):
    """Another certificate for the same key, as its holder can make one at any time."""
    path = f"{folder}/{name}.crt"
    openssl("req", "-x509", "-new", "-key", pair.key, "-out", path, "-subj", subject, "-days", "3")
    return Pair(path, pair.key)


def key_digest(certificate):
    """SHA-256 of the public key in hexadecimal digits: a pin."""
    key = openssl("x509", "-in", certificate, "-noout", "-pubkey")
    der = openssl("pkey", "-pubin", "-outform", "DER", stdin=key)
    return openssl("dgst", "-sha256", "-r", stdin=der).decode().split()[0]
