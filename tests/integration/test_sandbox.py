"""Least trust: what the running gate can no longer do."""

import os
import pwd
import re
import subprocess

import pytest

from harness import lacking, packets, passwords
from harness.moat import Moat, is_sanitized
from harness.packets import V311
from harness.premises import (GOOD, IS_ROOT, OTHER, as_another, landlock_abi, login,
                              needs_filter, needs_landlock, needs_root, status_of)
from harness.processes import run
from harness.waiting import wait_until

UNAVAILABLE, CONFIGURATION = 69, 78

# --- what it is ------------------------------------------------------------------------------


def test_every_thread_is_confined(premises, trusting):
    moat = premises.start(prefix=["setpriv", "--groups", "4,27"] if IS_ROOT else [])
    assert login(moat, trusting) == GOOD  # on a thread of the pool, which is started only now
    tasks = os.listdir(f"/proc/{moat.pid}/task")
    assert len(tasks) > 2
    for task in tasks:
        status = status_of(moat.pid, task)
        user = str(pwd.getpwnam(OTHER).pw_uid if IS_ROOT else os.geteuid())
        assert status["Uid"].split() == [user] * 4 and user != "0"
        assert len(set(status["Gid"].split())) == 1 and "0" not in status["Gid"].split()
        if IS_ROOT:
            assert status["Groups"].split() == []
            assert int(status["CapBnd"], 16) == 0
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(status[name], 16) == 0, name
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == ("0" if is_sanitized() else "2")
    with open(f"/proc/{moat.pid}/limits", encoding="ascii") as limits:
        found = re.search(r"^Max core file size +(\S+) +(\S+)", limits.read(), re.MULTILINE)
    assert found.groups() == ("0", "0")


def test_the_log_says_what_holds(premises):
    moat = premises.start()
    said = moat.wait_event("sandbox")
    events = [fields["event"] for fields in moat.find()]
    assert events.index("sandbox") < events.index("listening"), "before the first byte of a client"
    assert said["mode"] == "auto"
    assert said["user"] == (OTHER if IS_ROOT else pwd.getpwuid(os.geteuid()).pw_name)
    assert (said["capabilities"], said["no_new_privs"]) == ("none", "yes")
    assert (said["core"], said["dumpable"]) == ("no", "no")
    assert int(said["landlock"]) == max(landlock_abi(), 0)
    assert said["seccomp"] == ("no" if is_sanitized() else "yes")
    missing = {fields["part"] for fields in moat.find("sandbox_missing")}
    assert missing == ({"seccomp"} if is_sanitized() else set()) | ({"landlock"} if landlock_abi() < 1 else set())


@needs_root
def test_the_user_without_a_word_about_it(premises, trusting):
    names = {entry.pw_name for entry in pwd.getpwall()}
    moat = premises.start(user=None)
    assert moat.wait_event("sandbox")["user"] == ("moat" if "moat" in names else OTHER)
    assert login(moat, trusting) == GOOD


@needs_root
def test_a_user_that_does_not_exist(premises):
    status, text = premises.refuse(user="no-such-user")
    assert status == CONFIGURATION
    assert re.search(r"moat\.yaml:\d+:\d+: error: user: there is no user no-such-user.*useradd", text)


@as_another
def test_a_user_that_only_root_can_become(premises):
    moat = premises.start(user="root")
    assert "only root can" in moat.wait_event("sandbox_missing", part="user")["msg"]
    status, text = premises.refuse(user="root", sandbox="required")
    assert status == UNAVAILABLE and "sandbox_refused" in text


@needs_root
def test_root_that_may_not_become_anybody(premises, trusting):
    """As in a container without capabilities: what was written is done or nothing is."""
    prefix = ["setpriv", "--bounding-set", "-setuid,-setgid"]
    status, text = premises.refuse(prefix)
    assert status == UNAVAILABLE and "CAP_SETUID" in text
    os.chown(premises.path("server.key"), 0, 0)
    moat = premises.start(prefix=["setpriv", "--bounding-set", "-setuid,-setgid"], user=None)
    assert "CAP_SETUID" in moat.wait_event("sandbox_missing", part="user")["msg"]
    assert status_of(moat.pid)["CapEff"] == "0" * 16
    assert login(moat, trusting) == GOOD


# --- its memory ------------------------------------------------------------------------------

PEEK = """
import ctypes, sys
try:
    open(f"/proc/{sys.argv[1]}/mem", "rb")
    print("read")
except PermissionError:
    print("refused")
libc = ctypes.CDLL(None, use_errno=True)
print("attached" if libc.ptrace(16, int(sys.argv[1]), None, None) == 0 else "refused")
"""


def test_others_of_its_user_cannot_look_inside(premises):
    moat = premises.start()
    prefix = ["setpriv", "--reuid", OTHER, "--regid", "nogroup", "--clear-groups"] if IS_ROOT else []
    peek = [*prefix, "/usr/bin/python3", "-c", PEEK]
    assert run([*peek, moat.pid]).stdout.split() == [b"refused", b"refused"]
    # The same with a program that has not forbidden it, so that the answer means something. (Yama
    # may permit tracing to a parent alone.)
    with subprocess.Popen([*prefix, "sleep", "60"]) as plain:
        wait_until(lambda: status_of(plain.pid)["Name"] == "sleep", "the other program")
        assert run([*peek, plain.pid]).stdout.split()[0] == b"read"
        plain.kill()


def memory_of(pid):
    """Everything that can be read of a process, mapping by mapping."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, mode = line.split()[:2]
            if mode[0] != "r" or "[v" in line:
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(start)
                yield line.strip(), memory.read(end - start)
            except OSError:
                continue


def find_in_memory(pid, secrets):
    return [(secret, mapping) for mapping, content in memory_of(pid) for secret in secrets if secret in content]


@needs_root
@pytest.mark.skipif(is_sanitized(), reason="a sanitizer keeps what was freed")
def test_no_password_and_no_key_file_is_left_in_memory(premises, trusting):
    """The numbers of the private key itself are there, of course: it signs with them."""
    password = "swordfish-8251-needle"
    made = premises.configuration()
    passwords.write(premises.path("passwords"), {"alice": password})
    premises.hand_over("passwords")
    moat = Moat(premises.folder, made)
    premises.started.append(moat)
    with open(premises.pair.key, "rb") as file:
        lines = [line for line in file.read().splitlines() if not line.startswith(b"-----")]
    pieces = [line[at:at + 16] for line in lines for at in range(0, len(line) - 15, 4)]
    assert len(pieces) >= 24
    moat.reload()  # the key is read a second time
    with moat.client(trusting) as client:
        client.send(packets.connect(V311, client_id="needle-client", username="alice", password=password))
        assert client.receive_packet() == GOOD
        with moat.client(trusting) as other:
            other.send(packets.connect(V311, client_id="x", username="alice", password=password + "-wrong"))
            assert other.receive_packet() == packets.connack(V311, 4)
        assert find_in_memory(moat.pid, [b"needle-client"]), "the search finds what is there"
        found = find_in_memory(moat.pid, [password.encode(), *pieces])
        assert not found, found


# --- where the kernel has less, and where less is wanted --------------------------------------

LACKING = {"landlock": lacking.LANDLOCK_CREATE_RULESET, "seccomp": lacking.seccomp_number()}


@needs_filter
@pytest.mark.parametrize("part", LACKING)
def test_auto_takes_what_there_is(premises, trusting, part):
    moat = premises.start(prefix=lacking.command(LACKING[part]))
    fault = moat.wait_event("sandbox_missing", part=part)
    assert fault["level"] == "warning" and "use " in fault["msg"]
    assert len(moat.find("sandbox_missing")) == 1
    said = moat.wait_event("sandbox")
    assert said["landlock"] == "0" if part == "landlock" else said["seccomp"] == "no"
    assert login(moat, trusting) == GOOD
    moat.reload()


@needs_filter
@pytest.mark.parametrize("part", LACKING)
def test_required_does_not_start_without(premises, part):
    status, text = premises.refuse(lacking.command(LACKING[part]), sandbox="required")
    assert status == UNAVAILABLE
    assert f"part={part}" in text and "use " in text and "event=sandbox_refused" in text


@needs_root
def test_required_does_not_start_as_root(premises):
    status, text = premises.refuse(sandbox="required", user="root")
    assert status == UNAVAILABLE
    assert "part=user" in text and "event=sandbox_refused" in text


@needs_filter
@needs_landlock
def test_required_starts_where_everything_is_there(premises, trusting):
    moat = premises.start(sandbox="required")
    assert not moat.find("sandbox_missing")
    assert login(moat, trusting) == GOOD


def test_off(premises, trusting):
    """The user is changed all the same: that is no hindrance to finding faults."""
    moat = premises.start(sandbox="off")
    status = status_of(moat.pid)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("0", "0")
    assert status["Uid"].split()[0] != "0"
    assert moat.wait_event("sandbox")["mode"] == "off"
    assert login(moat, trusting) == GOOD


def test_the_sandbox_does_not_change_on_a_reload(premises):
    moat = premises.start()
    after = moat.mark()
    moat.reload(premises.configuration(sandbox="off"), event="reload_refused")
    assert "restart moat" in moat.wait_event("configuration_fault", after)["msg"]
