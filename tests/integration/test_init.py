"""moat init: what it makes, and that it never changes what is there."""

import os
import re
import socket
import stat
import subprocess

import pytest

from harness.moat import binary

FILES = {
    "moat.yaml": 0o644,
    "passwords": 0o600,
    "tls/ca.crt": 0o644,
    "tls/ca.key": 0o600,
    "tls/server.crt": 0o644,
    "tls/server.key": 0o600,
}


def init(*arguments, cwd=None, **options):
    return subprocess.run([binary(), "init", *map(str, arguments)], cwd=cwd, timeout=60,
                          capture_output=True, text=True, check=False, **options)


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True,
                          check=True, timeout=60).stdout


def tree(folder):
    """Every path below `folder` with its content; None for a folder."""
    found = {}
    for root, folders, files in os.walk(folder):
        for name in folders:
            found[os.path.relpath(os.path.join(root, name), folder)] = None
        for name in files:
            path = os.path.join(root, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.fixture
def made(tmp_path):
    """A folder made with everything left as it comes."""
    result = init(tmp_path / "moat", umask=0o022)
    assert result.returncode == 0, result.stderr
    return tmp_path / "moat", result


def certificate_text(folder, name):
    return openssl("x509", "-in", folder / "tls" / name, "-noout", "-text")


def test_makes_its_files_and_no_others(made):
    folder, _ = made
    assert set(tree(folder)) == set(FILES) | {"tls"}
    assert {name: mode(folder / name) for name in FILES} == FILES
    assert mode(folder) == 0o700
    assert mode(folder / "tls") == 0o700
    assert os.listdir(folder.parent) == ["moat"]


def test_password_alone_is_on_standard_output(made):
    folder, result = made
    assert re.fullmatch(r"[a-km-np-z2-9]{26}\n", result.stdout)
    password = result.stdout.strip()
    assert password not in result.stderr
    assert not any(password.encode() in (content or b"") for content in tree(folder).values())


def test_two_runs_share_no_secret(tmp_path):
    first, second = init(tmp_path / "a"), init(tmp_path / "b")
    assert first.stdout != second.stdout
    for name in set(FILES) - {"moat.yaml"}:
        assert (tmp_path / "a" / name).read_bytes() != (tmp_path / "b" / name).read_bytes()


def test_chain_verifies_strictly(made):
    folder, _ = made
    openssl("verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "localhost",
            "-CAfile", folder / "tls/ca.crt", folder / "tls/server.crt")
    with pytest.raises(subprocess.CalledProcessError):
        openssl("verify", "-purpose", "sslclient",
                "-CAfile", folder / "tls/ca.crt", folder / "tls/server.crt")


def test_keys_are_the_certificates_and_of_p256(made):
    folder, _ = made
    for pair in ("ca", "server"):
        public = openssl("x509", "-in", folder / f"tls/{pair}.crt", "-noout", "-pubkey")
        assert public == openssl("pkey", "-in", folder / f"tls/{pair}.key", "-pubout")
        assert "prime256v1" in certificate_text(folder, f"{pair}.crt")


def test_ca_is_a_ca_of_end_certificates_only(made):
    text = certificate_text(made[0], "ca.crt")
    assert re.search(r"Basic Constraints: critical\s+CA:TRUE, pathlen:0\n", text)
    assert re.search(r"Key Usage: critical\s+Certificate Sign, CRL Sign\n", text)


def test_server_certificate_is_for_this_host(made):
    text = certificate_text(made[0], "server.crt")
    assert re.search(r"Extended Key Usage: \s+TLS Web Server Authentication\n", text)
    names = re.search(r"Subject Alternative Name: \n\s+(.*)\n", text).group(1).split(", ")
    assert {"DNS:localhost", "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1"} <= set(names)
    if re.fullmatch(r"[a-zA-Z0-9-]+", socket.gethostname()):
        assert f"DNS:{socket.gethostname()}" in names


def test_configuration_is_accepted(made):
    folder, _ = made
    result = subprocess.run([binary(), "check", "-c", folder / "moat.yaml"], timeout=60,
                            capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_names_and_addresses_of_ones_own(tmp_path):
    result = init("--name", "gate.example", tmp_path / "moat", "--name=192.0.2.77",
                  "--name", "2001:db8::77", "--listen", "198.51.100.9:8884")
    assert result.returncode == 0, result.stderr
    text = certificate_text(tmp_path / "moat", "server.crt")
    for name in ("DNS:gate.example", "IP Address:192.0.2.77", "IP Address:2001:DB8:0:0:0:0:0:77",
                 "IP Address:198.51.100.9"):
        assert name in text
    assert 'address: "198.51.100.9:8884"' in (tmp_path / "moat/moat.yaml").read_text()


def test_user_and_upstream_are_taken(tmp_path):
    result = init(tmp_path / "moat", "--user", "pump 7", "--upstream", "unix:/run/my broker.sock")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "moat/passwords").read_text().startswith("pump 7:$7$")
    assert 'address: "unix:/run/my broker.sock"' in (tmp_path / "moat/moat.yaml").read_text()


@pytest.mark.parametrize("arguments", [
    ("--name", ""),
    ("--name", "a b"),
    ("--name", "a_b"),
    ("--name", "x\nnsCertType = client"),
    ("--name", "*.example"),
    ("--name", "300.1.2.3"),
    ("--name", "fe80::1%lo"),
    ("--name", "b\u00fccher.example"),
    ("--name", "a" * 64),
    ("--name", ".".join(["a" * 49] * 5) + ".abcde"),
    ("--user", ""),
    ("--user", "a:b"),
    ("--user", "a\nb"),
    ("--user", "a" * 257),
    ("--user", "+"),
    ("--listen", "8883"),
    ("--listen", "unix:/run/moat.sock"),
    ("--listen", "0.0.0.0:65536"),
    ("--listen", 'a":1'),
    ("--upstream", "192.0.2.1:1883"),
    ("--upstream", "127.0.0.1:0"),
    ("--upstream", 'unix:/a"\n  allow_remote_plaintext: true'),
    ("--upstream", "unix:/" + "a" * 107),
    ("--listen",),
    ("--color",),
    ("-x",),
    ("another-folder",),
])
def test_odd_arguments_are_refused_in_one_line(tmp_path, arguments):
    result = init(tmp_path / "moat", *arguments)
    assert result.returncode == 64, result.stderr
    assert re.fullmatch(r"moat init: [^\n]+\n", result.stderr)
    assert result.stdout == ""
    assert tree(tmp_path) == {}


def test_longest_name_is_taken(tmp_path):
    name = ".".join(["a" * 49] * 5) + ".abc"
    assert len(name) == 253
    assert init(tmp_path / "moat", "--name", name).returncode == 0
    assert f"DNS:{name}" in certificate_text(tmp_path / "moat", "server.crt")


def test_no_folder_and_empty_folder_are_usage_errors(tmp_path):
    assert init().returncode == 64
    assert init("").returncode == 64


def test_help_goes_to_standard_output():
    result = init("--help")
    assert result.returncode == 0
    assert result.stdout.startswith("Usage: moat init DIR")


@pytest.mark.parametrize("there", [*FILES, "stranger", ".hidden"])
def test_anything_there_is_left_alone(tmp_path, there):
    path = tmp_path / "moat" / there
    path.parent.mkdir(parents=True)
    path.write_text("precious")
    before = tree(tmp_path)
    result = init(tmp_path / "moat")
    assert result.returncode == 73
    assert "is not empty" in result.stderr and there.split("/", maxsplit=1)[0] in result.stderr
    assert result.stdout == ""
    assert tree(tmp_path) == before


def test_second_run_changes_nothing(made):
    folder, _ = made
    before = tree(folder.parent)
    assert init(folder).returncode == 73
    assert tree(folder.parent) == before


def test_a_file_in_the_way_is_left_alone(tmp_path):
    (tmp_path / "moat").write_text("precious")
    result = init(tmp_path / "moat")
    assert result.returncode == 73
    assert tree(tmp_path) == {"moat": b"precious"}


def test_a_link_that_leads_nowhere_is_left_alone(tmp_path):
    (tmp_path / "moat").symlink_to("elsewhere")
    assert init(tmp_path / "moat").returncode == 73
    assert os.listdir(tmp_path) == ["moat"]
    assert os.readlink(tmp_path / "moat") == "elsewhere"


def test_an_empty_folder_is_used_as_it_is(tmp_path):
    folder = tmp_path / "moat"
    folder.mkdir(mode=0o750)
    number = folder.stat().st_ino
    result = init(folder)
    assert result.returncode == 0, result.stderr
    assert (folder.stat().st_ino, mode(folder)) == (number, 0o750)
    assert set(tree(folder)) == set(FILES) | {"tls"}


def test_the_folder_one_stands_in_may_be_used(tmp_path):
    assert init(".", cwd=tmp_path).returncode == 0
    assert set(tree(tmp_path)) == set(FILES) | {"tls"}


def test_a_slash_at_the_end_does_no_harm(tmp_path):
    assert init(f"{tmp_path}/moat//").returncode == 0
    assert set(tree(tmp_path / "moat")) == set(FILES) | {"tls"}
    assert os.listdir(tmp_path) == ["moat"]


def test_a_missing_parent_is_said_with_the_remedy(tmp_path):
    result = init(tmp_path / "not" / "there")
    assert result.returncode == 73
    assert "make the folder it shall stand in first" in result.stderr
    assert tree(tmp_path) == {}


def test_a_folder_that_cannot_be_written(tmp_path):
    """Not even root may create files below /proc."""
    result = init("/proc/moat")
    assert result.returncode == 73
    assert re.fullmatch(r"moat init: cannot make /proc/moat: [^\n]+\n", result.stderr)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else(tmp_path):
    tmp_path.chmod(0o500)
    result = init(tmp_path / "moat")
    tmp_path.chmod(0o700)
    assert result.returncode == 73
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize("size", [0, 100, 600])
def test_a_full_disk_leaves_nothing(tmp_path, is_there, size):
    """A limit on the size of files fails the writing of the first, or of a later one."""
    if is_there:
        (tmp_path / "moat").mkdir()
    before = tree(tmp_path)
    result = subprocess.run(
        ["prlimit", f"--fsize={size}", "env", "--ignore-signal=XFSZ",
         binary(), "init", tmp_path / "moat"],
        capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 73, result.stderr
    assert "nothing was changed" in result.stderr
    assert tree(tmp_path) == before


def test_a_password_that_cannot_be_shown_is_an_error(tmp_path):
    with open("/dev/full", "wb") as full:
        result = subprocess.run([binary(), "init", tmp_path / "moat"], stdout=full,
                                stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert result.returncode == 74
    assert "moat passwd" in result.stderr
