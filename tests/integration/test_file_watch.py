"""`watch`: files that change are taken without a signal, as a container's renewed secrets have to be."""

import os

from harness import configuration, packets
from harness.configuration import USERS, listener
from harness.mount import Mount, pair_files, users_files
from harness.packets import V311

WATCH = "20ms"
LOGIN = packets.connect(V311, username="alice", password=USERS["alice"])
GOOD = packets.connack(V311)


def login(moat, trusting, username, password):
    with moat.client(trusting) as client:
        client.send(packets.connect(V311, client_id=f"c-{username}", username=username, password=password))
        return client.receive_packet()


def test_renewed_secret(start_moat, pki, upstream, trusting, tmp_path):
    mount = Mount(tmp_path / "secret")
    mount.put({**pair_files(pki.server), **users_files(USERS)})
    pair = type(pki.server)(mount.path("tls.crt"), mount.path("tls.key"))
    moat = start_moat(watch=WATCH, listeners=[listener(pki, pair=pair)],
                      credentials={"password_file": mount.path("passwords")})
    with moat.client(trusting) as kept:
        kept.send(LOGIN)
        assert kept.receive_packet() == GOOD
        old = kept.peer_certificate()
        mount.put({**pair_files(pki.server_next), **users_files({**USERS, "carol": "new"})})
        moat.wait_event("files_changed")
        moat.wait_event("reloaded")
        assert login(moat, trusting, "carol", "new") == GOOD
        with moat.client(trusting) as client:
            assert client.peer_certificate() != old
        upstream.connection(0).send(packets.PONG)
        assert kept.receive_packet() == packets.PONG
    assert len(moat.find("files_changed")) == 1


def test_mistake_is_told_once_and_mended(start_moat, pki, upstream, trusting, tmp_path):
    os.mkdir(tmp_path / "mended")
    good = configuration.moat(tmp_path / "mended", pki, upstream, watch=WATCH, users={"carol": "new"})
    moat = start_moat(watch=WATCH)
    moat.write("listeners: what\n")
    moat.wait_event("reload_refused")
    assert login(moat, trusting, "alice", USERS["alice"]) == GOOD
    moat.write(good)
    moat.wait_event("reloaded")
    assert login(moat, trusting, "carol", "new") == GOOD
    assert len(moat.find("reload_refused")) == 1


def test_never_unless_asked_for(start_moat, pki, upstream, trusting, tmp_path):
    """Turned off by the file itself, nothing is taken until the signal comes."""
    never = configuration.moat(tmp_path, pki, upstream)
    moat = start_moat(watch=WATCH)
    moat.write(never)
    moat.wait_event("reloaded")
    moat.write("listeners: what\n")
    for _ in range(20):
        assert login(moat, trusting, "alice", USERS["alice"]) == GOOD
    assert not moat.find("reload_refused")
    moat.reload(event="reload_refused")
