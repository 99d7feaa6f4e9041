"""The Kubernetes manifest, run by podman."""

import base64
import contextlib
import os

import pytest
import yaml

import manifests
from harness.mount import Mount, pair_files, users_files
from harness.waiting import wait_until
from images import NAME, Container
from pods import ACCEPTED, USERS, Gate


def secret(name, files):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
            "data": {key: base64.b64encode(data).decode() for key, data in files.items()}}


@pytest.fixture(scope="module")
def played(images, pki, settings, top):
    """The manifest, run by podman: (container of the gate, Gate, Mount of its certificate)."""
    room = images.room
    tls, users = pair_files(pki.server), users_files(USERS)
    documents = [document for document in manifests.build(os.path.join(top, "deploy/kubernetes/base"))
                 if document["kind"] in ("ConfigMap", "Deployment")]
    for container in manifests.containers(manifests.pods(documents)[0]):
        container["image"] = NAME if container["name"] == "moat" else container["image"]
    path = os.path.join(images.folder, "pod.yaml")
    with open(path, "w", encoding="utf-8") as file:
        yaml.safe_dump_all([secret("moat-tls", tls), secret("moat-passwords", users), *documents], file)
    room.call("play", "kube", "--start=false", path)
    # podman 4.3 writes secrets as base64, and readable by all. The kubelet decodes them, gives them to the
    # group of fsGroup, and swaps them by their links.
    mounts = {}
    for name, files in (("moat-tls", tls), ("moat-passwords", users)):
        folder = room.call("volume", "inspect", "-f", "{{.Mountpoint}}", name).strip()
        for file in files:
            os.unlink(os.path.join(folder, file))
        mounts[name] = Mount(folder, group=manifests.pods(documents)[0]["securityContext"]["fsGroup"])
        mounts[name].put(files)
    room.call("pod", "start", "broker-pod-0")
    container = Container(room, "broker-pod-0-moat")
    container.wait_line("event=ready")
    # podman publishes what Kubernetes only names.
    yield container, Gate(room, ("127.0.0.1", 8883), settings), mounts["moat-tls"]
    room.call("play", "kube", "--down", path)


def test_kubernetes_manifest_runs(played):
    container, gate, _ = played
    assert gate.passes_messages("greeting")
    gate.refuses_strangers()
    assert container.sh("/moat", "healthcheck") == "ok\n"
    assert container.sh("/moat", "healthcheck", "--ready") == "moat_ready 1\n"


def test_kubernetes_secret_is_renewed(played, pki):
    """Nobody tells the gate; it looks."""
    container, gate, mount = played
    session, answer = gate.enter("kept")
    with contextlib.closing(session):
        assert answer == ACCEPTED
        before = session.peer_certificate()
        mount.put(pair_files(pki.server_next))

        def is_renewed():
            with contextlib.closing(gate.client()) as client:
                return client.peer_certificate() != before
        wait_until(is_renewed, "the renewed certificate", 180)
        session.send(b"\xc0\x00")
        assert session.receive_packet() == b"\xd0\x00"
    assert "event=reloaded" in container.log()
