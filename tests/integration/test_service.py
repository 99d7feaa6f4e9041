"""What a service manager passes in and hears: NOTIFY_SOCKET, WATCHDOG_USEC and sockets, as systemd does."""

import os
import signal
import socket
import subprocess

import pytest

from harness import configuration, packets, yaml
from harness import moat as moats
from harness.configuration import USERS, listener
from harness.moat import binary
from harness.packets import V311
from harness.waiting import PATIENCE


class Manager:
    """Hears what the gate tells; each datagram is a dictionary."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(PATIENCE)

    def hear(self):
        text = self.socket.recv(4096).decode()
        return dict(line.split("=", 1) for line in text.split("\n"))

    def hear_key(self, key):
        while key not in (said := self.hear()):
            pass
        return said

    def close(self):
        self.socket.close()


@pytest.fixture
def manager(tmp_path):
    made = Manager(str(tmp_path / "notify"))
    yield made
    made.close()


def login(moat, trusting, name=None):
    with moat.client(trusting, name) as client:
        client.send(packets.connect(V311, username="alice", password=USERS["alice"]))
        assert client.receive_packet() == packets.connack(V311)


def test_ready_reload_and_stop_are_told(start_moat, manager, tmp_path, trusting):
    moat = start_moat(env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
    assert manager.hear()["READY"] == "1"
    login(moat, trusting)
    moat.reload()
    said = manager.hear()
    assert said["RELOADING"] == "1" and int(said["MONOTONIC_USEC"]) > 0
    assert manager.hear()["READY"] == "1"
    moat.reload("not: [a configuration", event="reload_refused")
    assert manager.hear()["RELOADING"] == "1"
    assert manager.hear()["READY"] == "1"  # it serves on, by the old one
    moat.signal(signal.SIGTERM)
    assert manager.hear()["STOPPING"] == "1"
    assert moat.wait() == 0
    moat.has_ended = True


def test_an_abstract_socket_will_do(start_moat):
    name = f"moat-test-{os.getpid()}"
    manager = Manager("\0" + name)
    start_moat(env={"NOTIFY_SOCKET": "@" + name})
    assert manager.hear()["READY"] == "1"
    manager.close()


def test_the_watchdog_hears_of_life(start_moat, manager, tmp_path):
    start_moat(env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000"})
    for _ in range(5):
        manager.hear_key("WATCHDOG")


def test_the_watchdog_of_another_process_is_not_ours(start_moat, manager, tmp_path):
    start_moat(env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "100000",
                    "WATCHDOG_PID": "1"})
    assert manager.hear()["READY"] == "1"
    manager.socket.settimeout(1)
    with pytest.raises(TimeoutError):
        manager.hear()


def test_a_manager_that_is_not_there_is_no_reason_not_to_start(start_moat, tmp_path):
    moat = start_moat(env={"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    assert "NOTIFY_SOCKET" in moat.wait_event("no_service_manager")["msg"]


# --- sockets that were passed in ---------------------------------------------------------------


@pytest.fixture
def activate(start_moat, pki):
    """Starts Moat with one listener for each of the sockets, which are given by name."""
    def start(**sockets):
        return start_moat(sockets=sockets, listeners=[
            listener(pki, name=name, address=f"systemd:{name}") for name in sockets])
    return start


def test_passed_sockets_are_served(activate, trusting):
    with socket.create_server(("127.0.0.1", 0)) as first, \
            socket.create_server(("::1", 0), family=socket.AF_INET6) as second:
        moat = activate(first=first, second=second)
        assert moat.address("first")[1] == first.getsockname()[1]
        assert moat.address("second")[1] == second.getsockname()[1]
        for _ in range(20):  # whichever worker is first
            login(moat, trusting, "first")
            login(moat, trusting, "second")


def test_a_restart_refuses_nobody(activate, trusting):
    """The manager keeps the socket: who connects between two gates waits for the second."""
    with socket.create_server(("127.0.0.1", 0)) as kept:
        first = activate(mqtts=kept)
        login(first, trusting)
        first.signal(signal.SIGTERM)
        assert first.wait() == 0
        first.has_ended = True
        waiting = socket.create_connection(kept.getsockname())
        with waiting:
            second = activate(mqtts=kept)
            login(second, trusting)


@pytest.mark.parametrize("name", ("other", "mqtt", "mqttss"))
def test_a_socket_that_was_not_passed(tmp_path, pki, upstream, name):
    path = tmp_path / "moat.yaml"
    path.write_text(yaml.text(configuration.moat(
        tmp_path, pki, upstream, listeners=[listener(pki, address="systemd:mqtts")])))
    with socket.create_server(("127.0.0.1", 0)) as passed:
        arguments, descriptors = moats.with_sockets([binary(), "run", "-c", str(path)], {name: passed})
        done = subprocess.run(arguments, pass_fds=descriptors, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 69
    assert b"systemd has passed on no socket named mqtts" in done.stderr


def test_a_socket_that_nobody_can_connect_to(tmp_path, pki, upstream):
    path = tmp_path / "moat.yaml"
    path.write_text(yaml.text(configuration.moat(
        tmp_path, pki, upstream, listeners=[listener(pki, address="systemd:mqtts")])))
    for bad, word in ((socket.socket(socket.AF_UNIX), b"no TCP socket"), (socket.socket(), b"nobody listens")):
        with bad:
            arguments, descriptors = moats.with_sockets([binary(), "run", "-c", str(path)], {"mqtts": bad})
            done = subprocess.run(arguments, pass_fds=descriptors, capture_output=True, timeout=PATIENCE,
                                  check=False)
        assert done.returncode == 69 and word in done.stderr, done.stderr
