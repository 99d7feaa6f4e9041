"""What an operator gets wrong: each fault is told in a sentence with its place and its remedy,
all of them in one run, with the right exit status, and nothing is started."""

import os
import re
import shutil
import socket
import subprocess

import pytest

from harness import configuration, packets, yaml
from harness.configuration import USERS, listener
from harness.moat import binary
from harness.packets import V311
from harness.pki import Pair
from harness.processes import run

USAGE, NO_INPUT, UNAVAILABLE, CONFIGURATION = 64, 66, 69, 78


@pytest.fixture
def good(tmp_path, pki, upstream):
    """A configuration that works, on copies of the files it names so that a test may spoil them."""
    pair = Pair(tmp_path / "server.crt", tmp_path / "server.key")
    shutil.copy(pki.server.certificate, pair.certificate)
    shutil.copy(pki.server.key, pair.key)
    os.chmod(pair.key, 0o600)
    shutil.copy(pki.client_ca.certificate, tmp_path / "clients.crt")
    result = configuration.moat(tmp_path, pki, upstream,
                                listeners=[listener(pki, certificate="optional", pair=pair)])
    result["listeners"][0]["tls"]["client_ca"] = str(tmp_path / "clients.crt")
    return result


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


# Root reads every file, but for this capability.
AS_OTHERS_DO = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


def start(tmp_path, configuration_or_text, command="run", prefix=()):
    """Runs moat to its end, which comes at once when it refuses to start."""
    path = tmp_path / "moat.yaml"
    text = configuration_or_text
    write(path, text if isinstance(text, str) else yaml.text(text))
    try:
        done = run([*prefix, binary(), command, "-c", path], timeout=15)
    except subprocess.TimeoutExpired:
        raise AssertionError("it started") from None
    stderr = done.stderr.decode()
    assert "event=listening" not in stderr and "event=ready" not in stderr
    assert "Sanitizer" not in stderr and "runtime error" not in stderr, stderr
    done.text = stderr + done.stdout.decode()
    return done


def expect_faults(tmp_path, configuration_or_text, *wanted):
    """Both `run` and `check` refuse, and say everything that is `wanted` (expressions)."""
    for command in ("run", "check"):
        done = start(tmp_path, configuration_or_text, command)
        assert done.returncode == CONFIGURATION, f"moat {command}: {done.returncode}\n{done.text}"
        for expression in wanted:
            assert re.search(expression, done.text, re.IGNORECASE), \
                f"moat {command} does not say {expression!r}:\n{done.text}"
    return done


# --- the command line ------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", (
    ["run", "--nonsense"], ["run", "extra"], ["run", "-c"], ["nonsense"], [], ["--nonsense"],
    ["check", "--nonsense"]))
def test_wrong_options(arguments):
    done = run([binary(), *arguments])
    assert done.returncode == USAGE
    assert re.search(rb"usage: moat|see moat \w+ --help", done.stderr, re.IGNORECASE)
    assert not done.stdout


@pytest.mark.parametrize("arguments", (["--help"], ["run", "--help"], ["check", "--help"],
                                       ["passwd", "--help"], ["init", "--help"]))
def test_help(arguments):
    done = run([binary(), *arguments])
    assert done.returncode == 0
    assert done.stdout.lower().startswith(b"usage: moat")
    assert not done.stderr


def test_version():
    done = run([binary(), "--version"])
    assert done.returncode == 0
    assert re.fullmatch(rb"moat \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize("command", ("run", "check"))
def test_missing_file(tmp_path, command):
    path = tmp_path / "absent.yaml"
    done = run([binary(), command, "-c", path])
    assert done.returncode == NO_INPUT
    assert str(path).encode() in done.stderr
    assert b"moat init" in done.stderr or b"-c FILE" in done.stderr


def test_path_from_the_environment(tmp_path):
    path = tmp_path / "absent.yaml"
    done = run([binary(), "run"], env={**os.environ, "MOAT_CONFIG": str(path)})
    assert done.returncode == NO_INPUT
    assert str(path).encode() in done.stderr


# --- the file --------------------------------------------------------------------------------


def test_good_one_passes_the_check(tmp_path, good):
    write(tmp_path / "moat.yaml", yaml.text(good))
    done = run([binary(), "check", "-c", tmp_path / "moat.yaml"])
    assert done.returncode == 0, done.stderr


def test_typo(tmp_path, good):
    """The place, the line with a mark under it, and the word that was probably meant."""
    text = yaml.text(good).replace("client_certificate:", "client_certifcate:")
    number = next(i for i, line in enumerate(text.splitlines(), 1) if "client_certifcate" in line)
    column = text.splitlines()[number - 1].index("client_certifcate") + 1
    done = expect_faults(tmp_path, text, rf"moat\.yaml:{number}:{column}: error: ",
                         "did you mean \"?client_certificate")
    lines = done.text.splitlines()
    shown = next(i for i, line in enumerate(lines) if f":{number}:{column}:" in line)
    assert "client_certifcate: " in lines[shown + 1]
    assert lines[shown + 2].strip().startswith("^")
    assert lines[shown + 2].index("^") == lines[shown + 1].index("client_certifcate")


def test_every_fault_at_once(tmp_path, good):
    """Of the file, and of the files it names."""
    good["listeners"][0]["adress"] = "127.0.0.1:0"
    good["timeouts"] = {"handshake": "10 parsecs", "connect": "1000h"}
    good["limits"] = {"connections": "many", "conect_size": "1KiB"}
    good["refusal"] = "loud"
    good["nonsense"] = {"a": 1}
    done = expect_faults(tmp_path, good, "adress", "parsecs", "1000h", "many", "conect_size",
                         "loud", "nonsense")
    assert len(re.findall(r"moat\.yaml:\d+:\d+: error: ", done.text)) >= 7
    places = [tuple(map(int, found)) for found in re.findall(r"moat\.yaml:(\d+):(\d+): ", done.text)]
    assert places == sorted(places), "the faults are in the order of the file"


def test_faults_of_several_files_at_once(tmp_path, good):
    os.unlink(tmp_path / "server.key")
    write(tmp_path / "passwords", "alice:plain\n")
    write(tmp_path / "clients.crt", "")
    expect_faults(tmp_path, good, "server.key", "passwords", "clients.crt")


@pytest.mark.parametrize("text,wanted", (
    ("", "empty"),
    ("listeners: [\n", r"moat\.yaml:\d+:\d+"),
    ("- a\n- b\n", r"moat\.yaml:1:1"),
    ("a: 1\na: 2\n", "twice|duplicate|already"),
    ("listeners: &x [*x]\n", r"moat\.yaml:\d+:\d+"),
    ("a: !!binary x\n", r"moat\.yaml:\d+:\d+"),
    ("a: 1\n---\nb: 2\n", r"moat\.yaml:\d+:\d+"),
    ("\t: x\n", r"moat\.yaml:\d+:\d+"),
    ("a: \x01\n", r"moat\.yaml"),
    ("x: " + "[" * 10000, r"moat\.yaml"),
))
def test_what_is_no_configuration(tmp_path, text, wanted):
    expect_faults(tmp_path, text, wanted)


# --- what the file names ---------------------------------------------------------------------


class TestKey:
    def test_missing(self, tmp_path, good):
        os.unlink(tmp_path / "server.key")
        expect_faults(tmp_path, good, r"moat\.yaml:\d+:\d+: error:.*server\.key")

    @pytest.mark.parametrize("name", ("server.key", "passwords", "server.crt", "clients.crt"))
    def test_unreadable(self, tmp_path, good, name):
        os.chmod(tmp_path / name, 0)
        done = start(tmp_path, good, prefix=AS_OTHERS_DO)
        assert done.returncode == CONFIGURATION, done.text
        assert re.search(rf"{re.escape(name)}.*(permission|read)", done.text, re.IGNORECASE), done.text

    @pytest.mark.parametrize("mode", (0o604, 0o650, 0o660, 0o622))
    def test_open_to_others(self, tmp_path, good, mode):
        os.chmod(tmp_path / "server.key", mode)
        expect_faults(tmp_path, good, r"server\.key.*chmod")

    def test_a_folder(self, tmp_path, good):
        os.unlink(tmp_path / "server.key")
        os.mkdir(tmp_path / "server.key", 0o700)
        expect_faults(tmp_path, good, r"server\.key")

    def test_another_ones(self, tmp_path, good, pki):
        shutil.copy(pki.good.key, tmp_path / "server.key")
        expect_faults(tmp_path, good, "key.*(certificate|match|belong)")

    def test_no_key(self, tmp_path, good):
        write(tmp_path / "server.key", "this is no key\n")
        expect_faults(tmp_path, good, r"server\.key|private key")

    def test_encrypted(self, tmp_path, good, pki):
        subprocess.run(["openssl", "ec", "-in", pki.server.key, "-aes128", "-passout", "pass:x", "-out",
                        str(tmp_path / "server.key")], check=True, capture_output=True)
        expect_faults(tmp_path, good, "encrypted")


class TestCertificate:
    def test_missing(self, tmp_path, good):
        os.unlink(tmp_path / "server.crt")
        expect_faults(tmp_path, good, r"server\.crt")

    def test_no_certificate(self, tmp_path, good):
        write(tmp_path / "server.crt", "")
        expect_faults(tmp_path, good, r"server\.crt|certificate")

    def test_expired(self, tmp_path, good, pki):
        shutil.copy(pki.server_expired.certificate, tmp_path / "server.crt")
        shutil.copy(pki.server_expired.key, tmp_path / "server.key")
        expect_faults(tmp_path, good, "expired")

    def test_ends_soon(self, tmp_path, good, pki, start_moat):
        """A warning; it is served all the same."""
        import datetime
        soon = pki.server_ca.server("soon", end=datetime.datetime.utcnow() + datetime.timedelta(days=3))
        good["listeners"][0]["tls"]["certificates"] = [{"chain": soon.certificate, "key": soon.key}]
        write(tmp_path / "moat.yaml", yaml.text(good))
        done = run([binary(), "check", "-c", tmp_path / "moat.yaml"])
        assert done.returncode == 0
        assert b"warning" in done.stdout + done.stderr


class TestClientAuthority:
    def test_missing(self, tmp_path, good):
        os.unlink(tmp_path / "clients.crt")
        expect_faults(tmp_path, good, r"clients\.crt")

    @pytest.mark.parametrize("text", ("", "# nothing yet\n", "garbage\n"))
    def test_without_certificates(self, tmp_path, good, text):
        """Empty never means that everybody is trusted."""
        write(tmp_path / "clients.crt", text)
        expect_faults(tmp_path, good, r"clients\.crt|certificate")

    def test_not_written(self, tmp_path, good):
        del good["listeners"][0]["tls"]["client_ca"]
        expect_faults(tmp_path, good, "client_ca")


class TestPasswordFile:
    def test_missing(self, tmp_path, good):
        os.unlink(tmp_path / "passwords")
        expect_faults(tmp_path, good, "passwords")

    @pytest.mark.parametrize("text", ("", "# no user yet\n", "\n\n"))
    def test_without_users(self, tmp_path, good, text):
        write(tmp_path / "passwords", text)
        expect_faults(tmp_path, good, "passwords")

    @pytest.mark.parametrize("line", ("carol", "carol:", "carol:secret", ":$7$101$AAAA$AAAA",
                                      "carol:$7$101$$", "carol:$9$x$y"), ids=range(6))
    def test_broken_line(self, tmp_path, good, line):
        """The number of the line, never what stands on it: it may be a password."""
        with open(tmp_path / "passwords", "a", encoding="utf-8") as file:
            file.write(line + "\n")
        done = expect_faults(tmp_path, good, r"passwords:%d\b|line %d\b" % (len(USERS) + 1, len(USERS) + 1))
        assert "secret" not in done.text


def test_no_way_to_authenticate(tmp_path, good):
    """A rule that wants a password, and nowhere to look it up."""
    del good["credentials"]
    expect_faults(tmp_path, good, "password_file")


def test_rule_that_lets_everybody_in_must_say_so(tmp_path, good):
    good["policy"]["rules"] = [{"name": "all"}]
    expect_faults(tmp_path, good, "require")


def test_remote_upstream(tmp_path, good):
    good["upstream"]["address"] = "192.0.2.1:1883"
    expect_faults(tmp_path, good, "allow_remote_plaintext")


# --- addresses -------------------------------------------------------------------------------


def test_port_in_use(tmp_path, good):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        good["listeners"][0]["address"] = address
        done = start(tmp_path, good)
    assert done.returncode == UNAVAILABLE
    assert address in done.text and "another program listens there" in done.text


def test_port_in_use_by_moat_itself(start_moat, tmp_path, good):
    """SO_REUSEPORT must not let a second Moat take half of the first one's clients."""
    first = start_moat()
    host, port = first.address()
    good["listeners"][0]["address"] = f"{host}:{port}"
    folder = tmp_path / "second"
    folder.mkdir()
    assert start(folder, good).returncode == UNAVAILABLE
    with first.client() as client:
        client.send(packets.connect(V311, username="alice", password=USERS["alice"]))
        assert client.receive_packet() == packets.connack(V311)


def test_every_address_in_trouble_at_once(tmp_path, good, pki):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        good["listeners"] = [listener(pki, name="busy", address=address),
                             listener(pki, name="elsewhere", address="192.0.2.1:18883"),
                             listener(pki, name="fine")]
        done = start(tmp_path, good)
    assert done.returncode == UNAVAILABLE
    assert "busy" in done.text and "elsewhere" in done.text and "no such address" in done.text


@pytest.mark.parametrize("address", ("", "8883", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "[::1:8883",
                                     "127.0.0.1:-1", "unix:/tmp/x"))
def test_what_is_no_address(tmp_path, good, address):
    good["listeners"][0]["address"] = address
    expect_faults(tmp_path, good, "address")


def test_several_listeners(start_moat, pki, trusting):
    """IPv4, IPv6 and a name, each told in the log with its address."""
    listeners = [listener(pki, name="four"), listener(pki, name="name", address="localhost:0")]
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        listeners.append(listener(pki, name="six", address="[::1]:0"))
    except OSError:
        pass  # no IPv6 on this machine
    moat = start_moat(listeners=listeners)
    for section in listeners:
        with moat.client(trusting, section["name"]) as client:
            client.send(packets.connect(V311, client_id=section["name"], username="alice",
                                        password=USERS["alice"]))
            assert client.receive_packet() == packets.connack(V311)
            assert moat.wait_event("admitted", client_id=section["name"])["listener"] == section["name"]


def test_exactly_the_listeners_that_are_written(start_moat):
    """No implicit one: what the kernel says is open is what the log says."""
    moat = start_moat()
    sockets = {int(target[8:-1]) for target in moat.descriptors().values() if target.startswith("socket:")}
    ports = set()
    for name in ("tcp", "tcp6"):
        with open(f"/proc/{moat.pid}/net/{name}", encoding="ascii") as table:
            for line in list(table)[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[9]) in sockets:
                    ports.add(int(fields[1].rpartition(":")[2], 16))
    assert ports == {moat.address()[1], moat.health[1]}
