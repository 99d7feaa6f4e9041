"""Keys and certificates for a test run, made with the openssl program.

One certificate authority for the server, one for clients, and one that nobody trusts. The
odd certificates (two common names, a NUL inside one, a wrong extended key usage) are those
that have fooled other programs.
"""

import base64
import datetime
import os
import shutil
import subprocess

CA_CONFIGURATION = """
[ca]
default_ca = here
[here]
dir = {folder}
database = {folder}/index.txt
new_certs_dir = {folder}
serial = {folder}/serial
certificate = {folder}/ca.crt
private_key = {folder}/ca.key
default_md = sha256
policy = anything
unique_subject = no
rand_serial = yes
[anything]
commonName = optional
organizationName = optional
"""

SERVER_EXTENSIONS = ("basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth\n"
                     "subjectAltName=DNS:localhost,DNS:gate.example,IP:127.0.0.1,IP:::1\n")
CLIENT_EXTENSIONS = ("basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage={usage}\n")


def openssl(*arguments, stdin=b""):
    done = subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True,
                          timeout=60, check=False)
    if done.returncode != 0:
        raise AssertionError(f"openssl {' '.join(map(str, arguments))}:\n{done.stderr.decode()}")
    return done.stdout


def stamp(moment):
    return moment.strftime("%Y%m%d%H%M%SZ")


class Pair:
    """A certificate and its key, as files in PEM."""

    def __init__(self, certificate, key):
        self.certificate = str(certificate)
        self.key = str(key)

    def fingerprint(self):
        """SHA-256 of the certificate in lower-case hexadecimal digits."""
        text = openssl("x509", "-in", self.certificate, "-noout", "-fingerprint", "-sha256")
        return text.decode().strip().partition("=")[2].replace(":", "").lower()


def moved(pair, folder):
    """The pair, in another folder."""
    return Pair(shutil.move(pair.certificate, folder), shutil.move(pair.key, folder))


class Authority:
    """A certificate authority in a folder of its own."""

    def __init__(self, folder, name, days=100):
        self.folder = str(folder)
        os.makedirs(self.folder)
        self.certificate = f"{self.folder}/ca.crt"
        self.key = f"{self.folder}/ca.key"
        self._configuration = f"{self.folder}/ca.conf"
        with open(self._configuration, "w", encoding="ascii") as file:
            file.write(CA_CONFIGURATION.format(folder=self.folder))
        open(f"{self.folder}/index.txt", "w", encoding="ascii").close()
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.key, "-out", self.certificate, "-subj", f"/CN={name}", "-days", days,
                "-addext", "basicConstraints=critical,CA:TRUE",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, file_name, subject, extensions, start=None, end=None, key_type="ec"):
        """A new pair. `subject` in openssl's form, for instance /CN=sensor-1. Times are UTC."""
        now = datetime.datetime.utcnow()
        start = start or now - datetime.timedelta(hours=1)
        end = end or now + datetime.timedelta(days=90)
        base = f"{self.folder}/{file_name}"
        kind = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"]}[key_type]
        openssl("req", "-new", "-newkey", *kind, "-nodes", "-multivalue-rdn", "-utf8",
                "-keyout", f"{base}.key", "-out", f"{base}.csr", "-subj", subject)
        with open(f"{base}.ext", "w", encoding="ascii") as file:
            file.write(extensions)
        openssl("ca", "-batch", "-notext", "-config", self._configuration, "-preserveDN", "-utf8",
                "-in", f"{base}.csr", "-out", f"{base}.crt", "-extfile", f"{base}.ext",
                "-startdate", stamp(start), "-enddate", stamp(end))
        os.chmod(f"{base}.key", 0o600)
        return Pair(f"{base}.crt", f"{base}.key")

    def client(self, name, usage="clientAuth", subject=None, **times):
        return self.issue(name, subject or f"/CN={name}", CLIENT_EXTENSIONS.format(usage=usage), **times)

    def server(self, name, **options):
        return self.issue(name, "/CN=localhost", SERVER_EXTENSIONS, **options)

    def rewrite(self, pair, file_name, old, new):
        """A copy of a certificate in which the bytes `old` of its signed part became `new`
        (of the same length), signed again. Makes names that openssl's options cannot express."""
        assert len(old) == len(new)
        der = openssl("x509", "-in", pair.certificate, "-outform", "DER")
        body, _ = der_value(der)
        signed, rest = der_split(body)
        algorithm, _ = der_split(rest)
        assert old in signed
        signed = signed.replace(old, new)
        signature = openssl("dgst", "-sha256", "-sign", self.key, stdin=signed)
        whole = der_wrap(0x30, signed + algorithm + der_wrap(0x03, b"\0" + signature))
        path = f"{self.folder}/{file_name}.crt"
        with open(path, "w", encoding="ascii") as file:
            text = base64.encodebytes(whole).decode().replace("\n", "")
            lines = [text[i:i + 64] for i in range(0, len(text), 64)]
            file.write("\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""]))
        return Pair(path, pair.key)


def der_value(data):
    """The content of the first element and what follows it."""
    size, at = data[1], 2
    if size & 0x80:
        count = size & 0x7F
        size, at = int.from_bytes(data[2:2 + count], "big"), 2 + count
    return data[at:at + size], data[at + size:]


def der_split(data):
    """The first element whole, and what follows it."""
    _, rest = der_value(data)
    return data[:len(data) - len(rest)], rest


def der_wrap(tag, content):
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


class Pki:
    """Every certificate the suites use."""

    def __init__(self, folder):
        now = datetime.datetime.utcnow()
        day = datetime.timedelta(days=1)
        self.folder = str(folder)
        self.server_ca = Authority(f"{folder}/server-ca", "Test Server CA")
        self.client_ca = Authority(f"{folder}/client-ca", "Test Client CA")
        self.stranger_ca = Authority(f"{folder}/stranger-ca", "Test Stranger CA")

        # In the folder that all others are beneath: a Moat that starts with this one may
        # turn to any of them on a reload.
        self.server = moved(self.server_ca.server("server"), self.folder)
        self.server_next = self.server_ca.server("server-next")
        self.server_rsa = self.server_ca.server("server-rsa", key_type="rsa")
        self.server_expired = self.server_ca.server("server-expired", start=now - 9 * day, end=now - day)

        issue = self.client_ca.client
        self.good = issue("sensor-1")
        self.other = issue("sensor-2")
        self.expired = issue("expired", subject="/CN=sensor-1", start=now - 9 * day, end=now - day)
        self.future = issue("future", subject="/CN=sensor-1", start=now + day, end=now + 9 * day)
        self.wrong_ca = self.stranger_ca.client("sensor-1")
        self.two_names = issue("two-names", subject="/CN=sensor-1/CN=admin")
        self.no_name = issue("no-name", subject="/O=Nobody")
        self.server_usage = issue("server-usage", subject="/CN=sensor-1", usage="serverAuth")
        placeholder = issue("placeholder", subject="/CN=sensor-1Xadmin")
        self.nul_name = self.client_ca.rewrite(placeholder, "nul-name", b"sensor-1Xadmin",
                                               b"sensor-1\0admin")
