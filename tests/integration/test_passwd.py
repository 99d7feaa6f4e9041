"""moat passwd: the file it leaves, and that Mosquitto reads it as well."""

import os
import re
import shutil
import stat
import subprocess

import pytest

from harness.moat import binary
from harness.mosquitto import program
from harness.processes import Program
from harness.waiting import accepts_connections, free_port, wait_until

CHEAP = ("--iterations", "101")  # these tests are about the file, not about time


def passwd(*arguments, password=b"", **options):
    return subprocess.run([binary(), "passwd", *map(str, arguments)], input=password, timeout=60,
                          capture_output=True, check=False, **options)


def set_password(path, user, password, *options):
    result = passwd(path, user, *CHEAP, *options, password=password + b"\n")
    assert result.returncode == 0, result.stderr
    assert result.stdout == b""
    assert len(password) < 6 or password not in result.stderr  # "a" is in every sentence
    return result


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def entries(folder):
    return sorted(os.listdir(folder))


# --- the file ------------------------------------------------------------------------------------


def test_a_new_file_is_its_owners_alone(tmp_path):
    path = tmp_path / "passwords"
    result = passwd(path, "alice", *CHEAP, password=b"correct horse\n", umask=0)
    assert result.returncode == 0, result.stderr
    assert mode(path) == 0o600
    assert re.fullmatch(rb"alice:\$7\$101\$[A-Za-z0-9+/]{16}\$[A-Za-z0-9+/]{86}==\n",
                        path.read_bytes())
    assert entries(tmp_path) == ["passwords"]


def test_default_iterations(tmp_path):
    path = tmp_path / "passwords"
    assert passwd(path, "alice", password=b"pw\n").returncode == 0
    assert path.read_bytes().startswith(b"alice:$7$50000$")


def test_everything_else_stays_byte_for_byte(tmp_path):
    path = tmp_path / "passwords"
    set_password(path, "alice", b"a")
    set_password(path, "bob", b"b")
    set_password(path, "cy", b"c")
    alice, bob, cy = path.read_bytes().splitlines()
    before = b"# people\r\n\n" + alice + b"\r\n\n" + bob + b"\r\n#" + bob + b"\n\n" + cy
    path.write_bytes(before)
    path.chmod(0o640)
    inode = path.stat().st_ino

    set_password(path, "bob", b"new")
    after = path.read_bytes()
    changed = [line for line in after.split(b"\n") if line.startswith(b"bob:")][0].rstrip(b"\r")
    assert changed != bob
    assert after == before.replace(b"\n" + bob, b"\n" + changed)
    assert mode(path) == 0o640
    assert path.stat().st_ino != inode, "written in place: a reader could see half of it"

    set_password(path, "dee", b"d")
    assert path.read_bytes().startswith(after + b"\ndee:$7$101$")

    assert passwd(path, "bob", "--delete").returncode == 0
    left = path.read_bytes()
    assert changed not in left and b"#" + bob in left and alice in left and cy in left
    assert entries(tmp_path) == ["passwords"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_stays(tmp_path):
    path = tmp_path / "passwords"
    set_password(path, "alice", b"a")
    os.chown(path, 1234, 4321)
    set_password(path, "alice", b"b")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)
    assert mode(path) == 0o600


def test_a_link_is_followed_and_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    path = tmp_path / "passwords"
    path.symlink_to("real/file")
    set_password(tmp_path / "real" / "file", "alice", b"a")
    set_password(path, "bob", b"b")
    assert path.is_symlink()
    lines = (tmp_path / "real" / "file").read_bytes().splitlines()
    assert [line.split(b":")[0] for line in lines] == [b"alice", b"bob"]


def test_a_link_to_nowhere_is_refused(tmp_path):
    path = tmp_path / "passwords"
    path.symlink_to("nowhere")
    result = passwd(path, "alice", *CHEAP, password=b"a\n")
    assert result.returncode == 73, result.stderr
    assert entries(tmp_path) == ["passwords"]


@pytest.mark.parametrize("line, words", [
    (b"bob:hunter2", b"not hashed"),
    (b"bob", b"no ':'"),
    (b"bob:", b"no password hash"),
    (b":x", b"user name is empty"),
    (b"bob:$7$101$short$short", b"salt"),
    (b"\xff:x", b"UTF-8"),
])
def test_a_file_with_a_broken_line_is_never_written(tmp_path, line, words):
    path = tmp_path / "passwords"
    set_password(path, "alice", b"a")
    before = b"# one\n" + path.read_bytes() + line + b"\n"
    path.write_bytes(before)
    for arguments in (("carol", *CHEAP), ("alice", *CHEAP), ("alice", "--delete")):
        result = passwd(path, *arguments, password=b"new\n")
        assert result.returncode == 65
        assert f"{path}:3: ".encode() in result.stderr and words in result.stderr
        assert b"hunter2" not in result.stderr
        assert path.read_bytes() == before
    assert entries(tmp_path) == ["passwords"]


def test_the_broken_line_itself_can_be_mended_or_deleted(tmp_path):
    path = tmp_path / "passwords"
    path.write_bytes(b"# old\nbob:hunter2\n")
    set_password(path, "bob", b"new")
    assert path.read_bytes().startswith(b"# old\nbob:$7$101$")
    path.write_bytes(path.read_bytes() + b"cy:hunter2\n")
    assert passwd(path, "cy", "--delete").returncode == 0
    assert b"cy:" not in path.read_bytes()


def test_a_user_who_stands_twice(tmp_path):
    path = tmp_path / "passwords"
    set_password(path, "bob", b"a")
    set_password(path, "cy", b"a")
    bob, cy = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(bob + cy + bob)
    result = passwd(path, "bob", *CHEAP, password=b"b\n")
    assert result.returncode == 65 and f"{path}:3: ".encode() in result.stderr
    assert passwd(path, "bob", "--delete").returncode == 0
    assert path.read_bytes() == cy, "whoever is deleted is gone"


# --- deleting ------------------------------------------------------------------------------------


def test_deleting_what_is_not_there(tmp_path):
    path = tmp_path / "passwords"
    assert passwd(path, "bob", "--delete").returncode == 66
    assert passwd(tmp_path / "none" / "passwords", "bob", "--delete").returncode == 66
    assert entries(tmp_path) == []
    set_password(path, "alice", b"a")
    before = path.read_bytes()
    result = passwd(path, "bob", "--delete")
    assert result.returncode == 65 and b"no such user" in result.stderr
    assert path.read_bytes() == before


def test_the_last_user_stays(tmp_path):
    path = tmp_path / "passwords"
    set_password(path, "alice", b"a")
    before = path.read_bytes()
    result = passwd(path, "alice", "--delete")
    assert result.returncode == 65 and b"last user" in result.stderr
    assert path.read_bytes() == before


# --- arguments -----------------------------------------------------------------------------------


def test_help():
    result = passwd("--help")
    assert result.returncode == 0 and result.stderr == b""
    assert result.stdout.startswith(b"Usage: moat passwd FILE USER")


@pytest.mark.parametrize("arguments", [
    (), ("FILE",), ("FILE", "bob", "hunter2"), ("FILE", "bob", "--password=hunter2"),
    ("FILE", "bob", "-phunter2"), ("FILE", "bob", "--iterations"),
    ("FILE", "bob", "--iterations", "0"), ("FILE", "bob", "--iterations", "10000001"),
    ("FILE", "bob", "--iterations", "-1"),
    ("FILE", "bob", "--iterations", "1e3"), ("FILE", "bob", "--iterations", ""),
    ("FILE", "bob", "--iterations", "999999999999999999999"),
    ("FILE", "bob", "--delete", "--generate"), ("FILE", "bob", "--delete", "--iterations", "5"),
])
def test_wrong_usage(tmp_path, arguments):
    arguments = [str(tmp_path / "passwords") if one == "FILE" else one for one in arguments]
    result = passwd(*arguments, password=b"pw\n")
    assert result.returncode == 64, result.stderr
    assert result.stdout == b"" and result.stderr != b""
    assert b"hunter2" not in result.stderr
    assert entries(tmp_path) == []


@pytest.mark.parametrize("user", ["", "a:b", "a+b", "#a", "a\nb", "a\x1b[0m", "x" * 257, b"\xff"])
def test_users_that_cannot_be(tmp_path, user):
    path = str(tmp_path / "passwords").encode()
    user = user if isinstance(user, bytes) else user.encode()
    result = subprocess.run([binary().encode(), b"passwd", path, user], input=b"pw\n", timeout=60,
                            capture_output=True, check=False)
    assert result.returncode == 65, result.stderr
    assert b"\x1b" not in result.stderr
    assert entries(tmp_path) == []


@pytest.mark.parametrize("typed, words", [
    (b"", b"empty"), (b"\n", b"empty"), (b"\nsecond line\n", b"empty"),
    (b"x" * 1025 + b"\n", b"1024"),
])
def test_passwords_that_cannot_be(tmp_path, typed, words):
    result = passwd(tmp_path / "passwords", "bob", password=typed)
    assert result.returncode == 65 and words in result.stderr
    assert entries(tmp_path) == []


def test_a_file_that_cannot_be(tmp_path):
    assert passwd(tmp_path / "none" / "file", "bob", *CHEAP, password=b"p\n").returncode == 73
    assert passwd(tmp_path, "bob", *CHEAP, password=b"p\n").returncode == 66
    os.mkfifo(tmp_path / "fifo")
    assert passwd(tmp_path / "fifo", "bob", *CHEAP, password=b"p\n").returncode == 66
    assert passwd("/proc/self/none", "bob", *CHEAP, password=b"p\n").returncode == 73
    assert entries(tmp_path) == ["fifo"]


# --- a password made by the machine --------------------------------------------------------------


def test_generate(tmp_path):
    path = tmp_path / "passwords"
    made = set()
    for _ in range(5):
        result = passwd(path, "bob", "--generate", *CHEAP)
        assert result.returncode == 0, result.stderr
        assert re.fullmatch(rb"[a-z0-9]{26}\n", result.stdout)
        assert not set(result.stdout) & set(b"01lo")
        assert result.stdout.strip() not in result.stderr + path.read_bytes()
        made.add(result.stdout)
    assert len(made) == 5
    assert len(path.read_bytes().splitlines()) == 1


def test_generate_without_a_reader_says_so(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run([binary(), "passwd", str(tmp_path / "passwords"), "bob", "--generate",
                             *CHEAP], stdin=subprocess.DEVNULL, stdout=writer, timeout=60,
                            stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert result.returncode == 74 and b"cannot be printed" in result.stderr


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "passwords"
    set_password(path, "alice", b"a")
    before = path.read_bytes()
    limit = f"ulimit -f 0; trap '' XFSZ; exec '{binary()}' passwd '{path}' bob --iterations 101"
    result = subprocess.run(["bash", "-c", limit], input=b"pw\n", capture_output=True, timeout=60,
                            check=False)
    assert result.returncode in (73, 74), result.stderr
    assert path.read_bytes() == before
    assert entries(tmp_path) == ["passwords"]


# --- Mosquitto reads it, and we read Mosquitto's -------------------------------------------------


@pytest.fixture
def broker(tmp_path):
    """Starts a Mosquitto that asks for passwords of tmp_path/passwords."""
    started = []

    def start():
        port = free_port()
        lines = [f"listener {port} 127.0.0.1", "allow_anonymous false", "persistence false",
                 f"password_file {tmp_path / 'passwords'}"]
        if os.geteuid() == 0:
            lines.append("user root")
        configuration = tmp_path / "mosquitto.conf"
        configuration.write_text("\n".join(lines) + "\n", encoding="ascii")
        started.append(Program([program("mosquitto"), "-c", str(configuration)]))
        wait_until(lambda: accepts_connections(("127.0.0.1", port)), "Mosquitto to listen")
        return port

    yield start
    for one in started:
        one.kill()


def can_log_in(port, user, password):
    result = subprocess.run(["mosquitto_pub", "-p", str(port), "-u", user, "-P", password,
                             "-t", "t", "-n"], capture_output=True, timeout=30, check=False)
    return result.returncode == 0


def test_mosquitto_accepts_the_users_made_here(tmp_path, broker):
    path = tmp_path / "passwords"
    set_password(path, "alice", "pässword with spaces".encode())
    set_password(path, "bob", b"$7$:odd")
    generated = passwd(path, "cy", "--generate").stdout.decode().strip()
    set_password(path, "bob", b"changed")
    port = broker()
    assert can_log_in(port, "alice", "pässword with spaces")
    assert can_log_in(port, "bob", "changed")
    assert can_log_in(port, "cy", generated)
    assert not can_log_in(port, "bob", "$7$:odd")
    assert not can_log_in(port, "alice", "alice")
    assert not can_log_in(port, "alice", "pässword with space")


@pytest.mark.skipif(shutil.which("mosquitto_passwd") is None, reason="comes with Mosquitto")
def test_files_of_mosquitto_passwd_go_on_being_used(tmp_path, broker):
    path = tmp_path / "passwords"
    for user, kind in (("old", "sha512"), ("new", "sha512-pbkdf2")):
        path.touch()
        subprocess.run(["mosquitto_passwd", "-H", kind, "-b", str(path), user, "theirs"],
                       check=True, capture_output=True)
    before = path.read_bytes()
    set_password(path, "ours", b"ours")
    assert path.read_bytes().startswith(before)
    port = broker()
    assert can_log_in(port, "old", "theirs")
    assert can_log_in(port, "new", "theirs")
    assert can_log_in(port, "ours", "ours")


def test_two_at_once_lose_nothing(tmp_path):
    path = tmp_path / "passwords"
    running = []
    for number in range(12):
        one = subprocess.Popen([binary(), "passwd", str(path), f"user-{number}", *CHEAP],
                               stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        one.stdin.write(b"pw\n")
        one.stdin.close()
        running.append(one)
    assert [one.wait(timeout=60) for one in running] == [0] * 12
    assert len(path.read_bytes().splitlines()) == 12
