"""Mosquitto and the gate in one network, as compose.yaml has them."""

import contextlib
import os

import pytest
from harness.mount import Mount, pair_files, users_files
from images import BROKER, HEALTHY, NAME, SMALL, USER
from pods import ACCEPTED, DEVICES, USERS, Gate

SESSIONS = 500
MOST_KIB = 32 * 1024
# All clients of the test have the address of the bridge: more of them than from one address are let in.
CONFIGURATION = """
listeners:
  - name: mqtts
    address: "[::]:8883"
    tls:
      certificates:
        - chain: /secrets/tls.crt
          key: /secrets/tls.key
upstream:
  address: 127.0.0.1:1883
credentials:
  password_file: /secrets/passwords
policy:
  rules:
    - name: people
      require: [password]
limits:
  trusted: [10.88.0.0/16]
"""
RENEWED = {**USERS, "carol": "new"}


def peak_kib(container):
    with open(f"/proc/{container.pid()}/status", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("VmHWM")).split()[1])


@pytest.fixture(scope="module")
def pod(images, pki, settings, top):
    """(container of the gate, Gate, Mount of its secrets)"""
    room = images.room
    mount = Mount(os.path.join(images.folder, "pod-secrets"), group=USER)
    mount.put({**pair_files(pki.server), **users_files(USERS)})
    settled = os.path.join(images.folder, "pod-configuration")
    os.mkdir(settled)
    with open(os.path.join(settled, "moat.yaml"), "w", encoding="utf-8") as file:
        file.write(CONFIGURATION)
    room.call("pod", "create", "--name=pod", "-p", "8883:8883")
    broker = images.start(BROKER, "--pod=pod", "-v",
                          f"{top}/deploy/container/mosquitto.conf:/etc/mosquitto-behind-moat.conf:ro",
                          command=("mosquitto", "-c", "/etc/mosquitto-behind-moat.conf"))
    broker.wait_line("running")
    gate = images.start(NAME, "--pod=pod", *SMALL, "-v", f"{settled}:/etc/moat:ro",
                        "-v", f"{mount.folder}:/secrets:ro", "-e", "MOAT_WATCH=200ms")
    gate.wait_line("event=ready")
    yield gate, Gate(room, ("127.0.0.1", 8883), settings), mount
    room.call("pod", "rm", "-f", "-t", "0", "pod")


def test_pod_passes_messages_and_refuses_strangers(pod, images):
    container, gate, _ = pod
    assert gate.passes_messages("greeting")
    gate.refuses_strangers()
    assert images.room.try_call("healthcheck", "run", container.name)[0] == HEALTHY
    inside = images.room.call("inspect", "-f", "{{.NetworkSettings.IPAddress}}",
                              images.room.call("pod", "inspect", "-f", "{{.InfraContainerID}}", "pod").strip()).strip()
    assert gate.is_open((inside, 8883))
    assert not gate.is_open((inside, 1883)) and not gate.is_open(("127.0.0.1", 1883)), "the broker is for moat alone"


def test_pod_holds_many_sessions_and_a_renewed_secret(pod, pki):
    """Within 32 MiB, kernel's memory included; a new certificate and a new user end no session."""
    container, gate, mount = pod
    with contextlib.ExitStack() as stack:
        sessions = []
        for number in range(SESSIONS):
            client, answer = gate.enter(f"session-{number}", f"device-{number % DEVICES}")
            stack.callback(client.close)
            assert answer == ACCEPTED, number
            sessions.append(client)
        peak = peak_kib(container)
        print(f"{SESSIONS} sessions: {peak} KiB at most, of {MOST_KIB}")
        assert peak < MOST_KIB
        before = sessions[0].peer_certificate()
        mount.put({**pair_files(pki.server_next), **users_files(RENEWED)})
        container.wait_line("event=reloaded")
        client, answer = gate.enter("newcomer", "carol", RENEWED["carol"])
        with contextlib.closing(client):
            assert answer == ACCEPTED and client.peer_certificate() != before
        for client in sessions:
            client.send(b"\xc0\x00")
        for client in sessions:
            assert client.receive_packet() == b"\xd0\x00"
        assert peak_kib(container) < MOST_KIB
