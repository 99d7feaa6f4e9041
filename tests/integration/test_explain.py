"""`moat explain` says what the running gate does: the same verdict, rule, reason and bytes."""

import os
import pty
import random
import ssl
import subprocess

import pytest

from harness import packets
from harness.client import ALERT, NOTIFIED
from harness.configuration import USERS, listener
from harness.moat import binary
from harness.packets import V5, VERSION_NAMES, VERSIONS, Will
from harness.processes import run
from harness.tls_client import TlsSettings
from harness.upstream import Upstream

CASES = 150
REFUSED = 1

LISTENERS = {"plain": "none", "asking": "optional", "strict": "required"}

RULES = [
    {"name": "blocked", "match": {"client_id": "blocked-*"}, "action": "deny"},
    {"name": "elsewhere", "match": {"address": ["192.0.2.0/24", "2001:db8::/32"]}, "require": "none"},
    {"name": "sensors", "match": {"certificate": "sensor-*", "issuer": "CN=Test Client CA"},
     "require": ["certificate"],
     "bind": {"client_id": ["${certificate}", "${certificate}-*"], "username": "${certificate}"}},
    {"name": "old", "match": {"protocol": "3.1", "listener": "plain"}, "require": ["password"],
     "limits": {"client_id_length": "8B"}},
    {"name": "both", "match": {"username": "bob"}, "require": ["certificate", "password"]},
    {"name": "careful", "match": {"client_id": "careful-*"}, "require": "none",
     "limits": {"keep_alive": "60s", "will_topics": "w/careful-1/#", "will_qos": 0}},
    {"name": "watched", "match": {"client_id": "watched-*"}, "require": ["password"],
     "mode": "observe"},
    {"name": "here", "match": {"address": "127.0.0.0/8", "listener": ["plain", "asking"], "sni": "local*"},
     "require": {"any": ["certificate", "password"]}},
]


@pytest.fixture(scope="module")
def broker():
    made = Upstream()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def gate(pki, broker, tmp_path_factory):
    from conftest import Starter
    starter = Starter(pki)
    # Who owns an identifier is what only the running gate knows.
    yield starter(tmp_path_factory.mktemp("explain"), broker, rules=RULES, guard={"client_id": "off"},
                  listeners=[listener(pki, name, mode) for name, mode in LISTENERS.items()])
    starter.stop()


def explain(config, *arguments):
    done = run([binary(), "explain", "-c", config, *arguments])
    assert not done.stderr, done.stderr.decode()
    return done.returncode, done.stdout.decode()


def field(text, name):
    """What stands behind a word at the beginning of a line, or None."""
    found = [line[len(name):].strip() for line in text.splitlines() if line.startswith(name + " ")]
    return found[0] if found else None


# --- clients, made up ------------------------------------------------------------------------


class Client:
    """One client in three forms: options of the command, a CONNECT, TLS settings."""

    def __init__(self, chance, pki):
        def pick(usual, odd=()):
            """Mostly what is usual: a client with five oddities only shows the first."""
            return chance.choice(odd if odd and chance.random() < 0.15 else usual)

        self.version = pick(VERSIONS)
        self.listener = pick(["plain", "asking", "asking"], ["strict"])
        self.pair = pick([None, pki.good], [pki.other, pki.wrong_ca, pki.two_names, pki.expired,
                                            pki.server_usage])
        self.client_id = pick(["c", "sensor-1", "sensor-1-a", "careful-1", "watched-1"],
                              ["", "sensor-12", "blocked-1", "of more than 23 bytes, it is", "a#", "+",
                               "x" * 256, "x" * 257])
        self.username = pick([None, "alice"], ["bob", "sensor-1", "sensor-2", "nobody", "", "al#"])
        self.password = pick(["right"], ["none", "wrong"])
        if self.username is None and (self.version != V5 or chance.random() < 0.9):
            self.password = "none"
        self.keep_alive = pick([60], [0, 61, 65535])
        self.clean = pick([True], [False])
        self.will = pick([None], [Will("w/careful-1/x", ""), Will("w/other", "", qos=1),
                                  Will("$SYS/x", ""), Will("w/careful-1/y", "", retain=True)])

    def right_password(self):
        return USERS.get(self.username, "no such user")

    def options(self):
        yield from ("--protocol", VERSION_NAMES[self.version], "--listener", self.listener)
        yield from ("--client-id", self.client_id, "--address", "127.0.0.1")
        if self.pair:
            yield from ("--certificate", self.pair.certificate)
        if self.username is not None:
            yield from ("--username", self.username)
        yield from ("--password", self.password, "--keep-alive", f"{self.keep_alive}s")
        yield from ("--clean", "true" if self.clean else "false", "--sni", "localhost")
        if self.will:
            yield from ("--will-topic", self.will.topic, "--will-qos", str(self.will.qos))
            yield from ("--will-retain", "true" if self.will.retain else "false")

    def connect(self):
        password = {"none": None, "right": self.right_password(), "wrong": "wrong"}[self.password]
        return packets.connect(self.version, self.client_id, self.username, password,
                               self.keep_alive, self.clean, self.will)


def what_the_gate_does(gate, pki, client):
    """("alert", None), ("allow", None) or ("deny", the bytes)."""
    settings = TlsSettings(pki.server_ca.certificate, client.pair)
    try:
        connection = gate.client(settings, client.listener)
    except ssl.SSLError:
        return "alert", None
    with connection:
        connection.send(client.connect())
        data = connection.receive_to_end() if not is_admitted(connection) else None
        if connection.ended == ALERT:
            return "alert", None
        if data is None:
            return "allow", None
        assert connection.ended == NOTIFIED
        return "deny", data


def is_admitted(connection):
    """Whether the upstream's CONNACK came, which stays open behind it."""
    try:
        first = connection.receive(4)
    except Exception:  # it ended: what came is still in `received`
        return False
    connection.received[:0] = first
    return first[3] == 0


def expected_line(gate, mark, verdict):
    """The log line of the decision on the one client that came since `mark`."""
    return gate.wait_event("refused" if verdict != "allow" else "admitted", after=mark)


def assert_same(gate, pki, client):
    code, text = explain(gate.path, *client.options())
    mark = gate.mark()
    verdict, data = what_the_gate_does(gate, pki, client)
    line = expected_line(gate, mark, verdict)
    told = field(text, "verdict").split()
    answer = field(text, "answer")
    assert code == (0 if verdict == "allow" else REFUSED), text
    assert (told[3] if "rule" in told else None) == line.get("rule"), text
    if verdict == "alert":
        assert answer.startswith("a TLS alert"), text
        assert line["detail"] in text
    elif verdict == "deny":
        assert answer == (data.hex(" ") or "none, the connection is closed"), text
        assert field(text, "reason").split(":")[0] == line["reason"], text
    else:
        assert answer == "the broker's", text
        observed = [entry["reason"] for entry in gate.find("observed", after=mark)]
        assert told[0] == ("observe" if observed else "allow"), text
        assert [field(text, "reason").split(":")[0]] == observed if observed else not field(text, "reason")
    return verdict, line.get("reason", told[0])


def test_sample(gate, pki, seed):
    chance = random.Random(seed)
    seen = set()
    for _ in range(CASES):
        seen.add(assert_same(gate, pki, Client(chance, pki)))
    assert {verdict for verdict, _ in seen} == {"allow", "deny", "alert"}
    assert len(seen) > 8, f"a sample that shows little: {seen}"


# --- what it says of certificates ------------------------------------------------------------


@pytest.mark.parametrize("which,words", [
    ("good", "certificate          sensor-1\n    issuer               CN=Test Client CA\n"),
    ("two_names", "certificate          none: the certificate has several common names\n"),
    ("no_name", "certificate          none: the certificate has no common name\n"),
    ("nul_name", "certificate          none: the certificate's common name "),
    ("expired", "reason  tls_failed: the client's certificate, or one of its issuers, has expired\n"),
    ("future", "reason  tls_failed: the client's certificate is not valid yet; check the clocks\n"),
    ("wrong_ca", "reason  tls_failed: the client's certificate is not from a CA that this listener trusts\n"),
    ("server_usage", "reason  tls_failed: the client's certificate is not made for client authentication\n"),
])
def test_certificates(gate, pki, which, words):
    pair = getattr(pki, which)
    code, text = explain(gate.path, "--client-id", "sensor-1", "--listener", "asking",
                         "--certificate", pair.certificate)
    assert words in text
    assert code == (0 if which == "good" else REFUSED)


def test_certificate_that_is_not_asked_for(gate, pki):
    _, text = explain(gate.path, "--client-id", "c", "--listener", "plain",
                      "--certificate", pki.good.certificate)
    assert "none: listener plain asks for none, so the client does not show it\n" in text


def test_certificate_and_host_name(gate, pki):
    """What the handshake tells is more than the certificate."""
    code, text = explain(gate.path, "--client-id", "c", "--listener", "asking", "--address", "127.0.0.1",
                         "--certificate", pki.two_names.certificate, "--sni", "localhost", "--username", "alice")
    assert code == 0 and "<- localhost" in text and "by rule here" in text


def test_unknown_user(gate):
    code, text = explain(gate.path, "--client-id", "c", "--username", "mallory",
                         "--address", "127.0.0.1", "--sni", "localhost")
    assert code == REFUSED
    assert field(text, "reason").endswith("the password file has no such user, so no password is right")


# --- manners ---------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments,code,words", [
    (["--client-id"], 64, "--client-id: a value is missing"),
    (["--client-id", "c", "--adress", "::1"], 64, "--adress: no such option"),
    (["--client-id", "c", "sensor"], 64, "sensor: not expected"),
    ([], 64, "name a client with --client-id ID"),
    (["--client-id", "c", "--address", "localhost"], 64, "--address: not an address"),
    (["--client-id", "c", "--protocol", "4"], 64, '--protocol: "4" is not known'),
    (["--client-id", "c", "--will-qos", "1"], 64, "--will-qos: there is no will"),
    (["--client-id", "c", "--issuer", "CN=a"], 64, "--issuer: an issuer belongs to"),
    (["--client-id", "c", "--listener", "nowhere"], 65, 'no listener named "nowhere"'),
    (["--client-id", "c", "--listener", "asking", "--certificate", "/nowhere"], 66, "cannot open /nowhere"),
    (["--client-id", "c", "--listener", "asking", "--certificate", "/etc/hostname"], 65, "no sound certificate"),
])
def test_what_cannot_be_asked(gate, arguments, code, words):
    done = run([binary(), "explain", "-c", gate.path, *arguments])
    assert (done.returncode, done.stdout) == (code, b"")
    assert words in done.stderr.decode()


def test_a_password_is_never_repeated(gate):
    done = run([binary(), "explain", "-c", gate.path, "--client-id", "c", "--password", "geheim"])
    assert done.returncode == 64
    assert b"never the password itself" in done.stderr and b"geheim" not in done.stderr + done.stdout


def test_configurations(gate, tmp_path):
    (tmp_path / "moat.yaml").write_text("colour: blue\n")
    done = run([binary(), "explain", "-c", tmp_path / "moat.yaml", "--client-id", "c"])
    assert done.returncode == 78 and b'unknown key "colour"' in done.stderr
    done = run([binary(), "explain", "-c", tmp_path / "absent.yaml", "--client-id", "c"])
    assert done.returncode == 66 and b"cannot read" in done.stderr
    done = run([binary(), "explain", "--client-id", "c", "--address", "127.0.0.1"],
               env={"MOAT_CONFIG": gate.path})
    assert done.returncode == REFUSED and b"rule 8, here" in done.stdout


def test_help():
    done = run([binary(), "explain", "--help"])
    assert done.returncode == 0 and not done.stderr
    for option in ("--client-id", "--username", "--certificate", "--address", "--listener", "--sni",
                   "--protocol", "--will-topic"):
        assert option in done.stdout.decode()
    assert "Exit codes: 0 " in done.stdout.decode()
    assert "explain" in run([binary(), "--help"]).stdout.decode()


def on_a_terminal(gate, **environment):
    """The output on a terminal of our own."""
    ours, its = pty.openpty()
    done = subprocess.run([binary(), "explain", "-c", gate.path, "--client-id", "c"], stdout=its,
                          env=environment, timeout=30, check=False)
    os.close(its)
    with os.fdopen(ours, "rb") as terminal:
        return done.returncode, terminal.read1(65536)


def test_colour(gate):
    code, output = on_a_terminal(gate, TERM="xterm")
    assert code == REFUSED and b"\x1b[1mverdict" in output
    code, output = on_a_terminal(gate, TERM="xterm", NO_COLOR="1")
    assert code == REFUSED and b"verdict" in output and b"\x1b" not in output
    _, text = explain(gate.path, "--client-id", "c")
    assert "\x1b" not in text, "a pipe is no terminal"
