"""`watch`: files that change are taken without a signal, as a container's renewed secrets have to be."""

import os
import shutil

from harness import configuration, packets, passwords
from harness.configuration import USERS, listener
from harness.packets import V311

WATCH = "20ms"
LOGIN = packets.connect(V311, username="alice", password=USERS["alice"])
GOOD = packets.connack(V311)


def login(moat, trusting, username, password):
    with moat.client(trusting) as client:
        client.send(packets.connect(V311, client_id=f"c-{username}", username=username, password=password))
        return client.receive_packet()


class Mount:
    """A folder as Kubernetes mounts a secret: what a path leads to is swapped all at once."""

    def __init__(self, folder):
        self.folder = str(folder)
        self._count = 0
        os.mkdir(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def put(self, pair, users):
        self._count += 1
        content = self.path(f"..{self._count}")
        os.mkdir(content)
        shutil.copy(pair.certificate, os.path.join(content, "tls.crt"))
        shutil.copy(pair.key, os.path.join(content, "tls.key"))
        passwords.write(os.path.join(content, "passwords"), users)
        os.symlink(f"..{self._count}", self.path("..new"))
        os.rename(self.path("..new"), self.path("..data"))
        if self._count == 1:
            for name in ("tls.crt", "tls.key", "passwords"):
                os.symlink(f"..data/{name}", self.path(name))
        else:
            shutil.rmtree(self.path(f"..{self._count - 1}"))


def test_renewed_secret(start_moat, pki, upstream, trusting, tmp_path):
    mount = Mount(tmp_path / "secret")
    mount.put(pki.server, USERS)
    pair = type(pki.server)(mount.path("tls.crt"), mount.path("tls.key"))
    moat = start_moat(watch=WATCH, listeners=[listener(pki, pair=pair)],
                      credentials={"password_file": mount.path("passwords")})
    with moat.client(trusting) as kept:
        kept.send(LOGIN)
        assert kept.receive_packet() == GOOD
        old = kept.peer_certificate()
        mount.put(pki.server_next, {**USERS, "carol": "new"})
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
