"""A gate with a folder of its own, and the user that it becomes there. For tests of the sandbox."""

import ctypes
import os
import pwd
import shutil
import tempfile

import pytest

from . import configuration, lacking, packets
from .configuration import USERS, listener
from .moat import Moat, is_sanitized
from .packets import V311
from .pki import Pair

IS_ROOT = os.geteuid() == 0
OTHER = "nobody"
GOOD = packets.connack(V311)

needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root can become another user or read its memory")
as_another = pytest.mark.skipif(IS_ROOT, reason="is about a start without root")
needs_filter = pytest.mark.skipif(is_sanitized(), reason="a build with a sanitizer has no seccomp filter")


def landlock_abi():
    return ctypes.CDLL(None).syscall(lacking.LANDLOCK_CREATE_RULESET, None, 0, 1)


needs_landlock = pytest.mark.skipif(landlock_abi() < 4, reason="this kernel's Landlock does not rule ports")


class Premises:
    """A folder with everything a gate needs, which the user that it becomes can read."""

    def __init__(self, pki, upstream):
        self.folder = tempfile.mkdtemp(prefix="moat-sandbox-")
        os.chmod(self.folder, 0o755)
        self.pki, self.upstream = pki, upstream
        self.pair = Pair(self.path("server.crt"), self.path("server.key"))
        shutil.copy(pki.server.certificate, self.pair.certificate)
        shutil.copy(pki.server.key, self.pair.key)
        self.started = []

    def path(self, name):
        return os.path.join(self.folder, name)

    def hand_over(self, *names):
        """To the user that the gate becomes."""
        for name in names or ("server.key", "passwords"):
            if IS_ROOT:
                os.chown(self.path(name), pwd.getpwnam(OTHER).pw_uid, -1)

    def configuration(self, **sections):
        options = {"user": OTHER if IS_ROOT else None, "sandbox": None, **sections}
        made = configuration.moat(self.folder, self.pki, self.upstream,
                                  listeners=[listener(self.pki, pair=self.pair)], **options)
        self.hand_over()
        return made

    def start(self, is_awaited=True, prefix=(), **sections):
        moat = Moat(self.folder, self.configuration(**sections), is_awaited, prefix=prefix)
        self.started.append(moat)
        return moat

    def refuse(self, prefix=(), **sections):
        """Starts a gate that does not start. Its exit status and what it said."""
        moat = self.start(is_awaited=False, prefix=prefix, **sections)
        status = moat.wait()
        moat.has_ended = True
        assert not moat.find("listening"), moat.text()
        return status, moat.text()

    def stop(self):
        try:
            for moat in self.started:
                moat.stop()
        finally:
            for moat in self.started:
                moat.kill()
            shutil.rmtree(self.folder)


def login(moat, trusting, username="alice", password=USERS["alice"]):
    with moat.client(trusting) as client:
        client.send(packets.connect(V311, client_id=f"c-{username}", username=username, password=password))
        return client.receive_packet()


def status_of(pid, task=None):
    path = f"/proc/{pid}/task/{task}/status" if task else f"/proc/{pid}/status"
    with open(path, encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
