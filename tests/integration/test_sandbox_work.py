"""The gate does its work in the sandbox: reloads, upstreams, the state file."""

import os
import pwd
import re
import shutil
import socket

import pytest

from harness import packets, passwords
from harness.configuration import listener
from harness.moat import Moat, binary
from harness.packets import V311
from harness.premises import GOOD, IS_ROOT, OTHER, login, needs_landlock, needs_root
from harness.processes import run
from harness.upstream import Upstream


# --- its work goes on ------------------------------------------------------------------------


def test_reload_reads_what_was_put_in_place_of_the_old(premises, trusting, pki):
    moat = premises.start()
    assert login(moat, trusting) == GOOD
    passwords.write(premises.path("new"), {"carol": "x"})
    shutil.copy(pki.server_next.key, premises.path("new.key"))
    shutil.copy(pki.server_next.certificate, premises.path("new.crt"))
    premises.hand_over("new", "new.key")
    os.rename(premises.path("new"), premises.path("passwords"))
    os.rename(premises.path("new.key"), premises.path("server.key"))
    os.rename(premises.path("new.crt"), premises.path("server.crt"))
    moat.reload()
    assert login(moat, trusting, "carol", "x") == GOOD
    assert login(moat, trusting) == packets.connack(V311, 4)
    for _ in range(20):
        moat.reload()


@needs_root
def test_reload_of_what_its_user_cannot_read(premises, trusting):
    moat = premises.start()
    user = pwd.getpwnam(OTHER).pw_uid
    for name in ("server.key", "passwords"):
        os.chown(premises.path(name), 0, 0)
        after = moat.mark()
        moat.reload(event="reload_refused")
        fault = moat.wait_event("configuration_fault", after)
        assert premises.path(name) in fault["msg"] and f"chown {user}" in fault["msg"]
        assert fault["line"] != "0"
        assert login(moat, trusting) == GOOD, "the old configuration stays"
        premises.hand_over(name)
        moat.reload()


@needs_root
def test_what_a_reload_could_not_read_is_told_at_the_start(premises):
    made = premises.configuration()
    os.chown(premises.path("server.key"), 0, 0)
    moat = Moat(premises.folder, made)
    premises.started.append(moat)
    assert re.search(rf"warning: .*server\.key cannot be read by the user {OTHER}", moat.text())
    done = run([binary(), "check", "-c", moat.path])
    assert done.returncode == 0
    assert re.search(rb"warning: .*chown nobody .*server\.key", done.stderr)
    assert re.search(rb"^sandbox on this machine: landlock .*; seccomp is ", done.stdout, re.MULTILINE)


@needs_landlock
def test_reload_to_another_port_or_folder(premises, trusting, make_premises):
    """Neither is possible any more, and the reload says so instead of failing later."""
    moat = premises.start()
    elsewhere = make_premises()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        changed = premises.configuration()
        changed["upstream"]["address"] = f"127.0.0.1:{other.getsockname()[1]}"
        changed["listeners"][0]["tls"]["certificates"][0]["chain"] = elsewhere.pair.certificate
        after = moat.mark()
        moat.reload(changed, event="reload_refused")
    texts = [fields["msg"] for fields in moat.find("configuration_fault", after)]
    assert any("upstream.address" in text and "restart moat" in text for text in texts), texts
    assert any("certificates[0].chain" in text and "restart moat" in text for text in texts), texts
    assert login(moat, trusting) == GOOD
    changed = premises.configuration()
    changed["upstream"]["address"] = f"localhost:{premises.upstream.address[1]}"
    after = moat.mark()
    moat.reload(changed, event="reload_refused")
    assert "look up names" in moat.wait_event("configuration_fault", after)["msg"]


def test_reload_to_another_port_without_the_sandbox(premises, trusting, make_upstream):
    moat = premises.start(sandbox="off")
    other = make_upstream()
    changed = premises.configuration(sandbox="off")
    changed["upstream"]["address"] = other.text
    moat.reload(changed)
    assert login(moat, trusting) == GOOD
    assert other.count == 1


def test_upstream_by_name(premises, trusting):
    moat = premises.start(upstream={"address": f"localhost:{premises.upstream.address[1]}"})
    for _ in range(8):
        assert login(moat, trusting) == GOOD
    moat.reload()
    assert login(moat, trusting) == GOOD


def test_upstream_on_a_unix_socket(premises, trusting):
    upstream = Upstream(premises.path("broker.sock"))
    try:
        os.chmod(premises.path("broker.sock"), 0o777)
        moat = premises.start(upstream={"address": upstream.text})
        assert login(moat, trusting) == GOOD
        assert upstream.count == 1
    finally:
        upstream.stop()


def test_listeners_by_name(premises, trusting):
    """Their names are looked up before, so this needs nothing of the sandbox."""
    moat = Moat(premises.folder, {**premises.configuration(),
                                  "listeners": [listener(premises.pki, address="localhost:0",
                                                         pair=premises.pair)]})
    premises.started.append(moat)
    assert login(moat, trusting) == GOOD


def stop(moat):
    moat.stop()
    moat.has_ended = True


@pytest.mark.parametrize("is_left_by_root", (False, True))
def test_the_state_file_is_written(premises, trusting, is_left_by_root):
    """Its folder is made if it is missing, and what root left there belongs to the user."""
    if is_left_by_root:
        if not IS_ROOT:
            pytest.skip("only root can leave a file of its own")
        os.mkdir(premises.path("state"), 0o700)
        os.chown(premises.path("server.key"), 0, 0)
        premises.hand_over = lambda *names: None
        before = premises.start(user="root", guard={"state_file": "state/guard"})
        assert login(before, trusting) == GOOD
        stop(before)
        del premises.hand_over
        premises.hand_over("state")
        assert os.stat(premises.path("state/guard")).st_uid == 0
    elif not IS_ROOT:
        os.mkdir(premises.path("state"), 0o700)
    moat = premises.start(guard={"state_file": "state/guard"})
    assert len(moat.find("state_restored")) == is_left_by_root
    assert login(moat, trusting) == GOOD
    stop(moat)
    assert not moat.find("state_unwritable"), moat.text()
    status = os.stat(premises.path("state/guard"))
    assert status.st_mode & 0o777 == 0o600
    assert status.st_uid == (pwd.getpwnam(OTHER).pw_uid if IS_ROOT else os.geteuid())
    again = premises.start(guard={"state_file": "state/guard"})
    assert "of 1 client" in again.wait_event("state_restored")["msg"]


@needs_root
def test_links_in_the_state_folder_are_left_alone(premises, tmp_path):
    """Whoever is let into the folder must not be given root's files by a start."""
    os.mkdir(premises.path("state"), 0o700)
    premises.hand_over("state")
    secret = premises.path("roots")
    for link in (os.symlink, os.link):
        with open(secret, "w", encoding="ascii") as file:
            file.write("root's\n")
        link(secret, premises.path("state/guard"))
        moat = premises.start(guard={"state_file": "state/guard"})
        stop(moat)
        assert os.stat(secret).st_uid == 0, link
        with open(secret, encoding="ascii") as file:
            assert file.read() == "root's\n"
        for name in os.listdir(premises.path("state")):
            os.unlink(os.path.join(premises.path("state"), name))
