"""A folder as Kubernetes mounts a secret or a configuration: what the paths lead to is swapped all at once."""

import os
import shutil

from . import passwords


class Mount:
    """`group` reads the files too, as with fsGroup; else they are their owner's alone."""

    def __init__(self, folder, group=None):
        self.folder = str(folder)
        self._group = group
        self._count = 0
        os.makedirs(self.folder, exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def put(self, files):
        """{name: bytes}"""
        self._count += 1
        content = f"..{self._count}"
        os.mkdir(self.path(content), 0o755)
        for name, data in files.items():
            path = os.path.join(self.path(content), name)
            with open(path, "wb") as file:
                file.write(data)
            os.chmod(path, 0o400 if self._group is None else 0o440)
            if self._group is not None:
                os.chown(path, -1, self._group)
        os.symlink(content, self.path("..new"))
        os.rename(self.path("..new"), self.path("..data"))
        for name in files:
            if not os.path.lexists(self.path(name)):
                os.symlink(f"..data/{name}", self.path(name))
        if self._count > 1:
            shutil.rmtree(self.path(f"..{self._count - 1}"))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def pair_files(pair):
    """As cert-manager names them."""
    return {"tls.crt": read(pair.certificate), "tls.key": read(pair.key)}


def users_files(users):
    lines = [passwords.line(user, password) for user, password in users.items()]
    return {"passwords": "".join(f"{line}\n" for line in lines).encode()}
