"""Images of the gate, and containers of them."""

import os
import shutil
import subprocess

from harness.waiting import PATIENCE, wait_until

NAME = "localhost/moat:0.1.0"
BROKER = "docker.io/library/eclipse-mosquitto:2"
USER = 65532
# What the Dockerfile, the compose file and the manifests take their images to be.
BASES = ("docker.io/library/debian:bookworm-slim", "docker.io/library/busybox:musl", BROKER)
SMALL = ("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--memory=32m", "--pids-limit=32")
EMULATORS = {"x86_64": None, "aarch64": "qemu-aarch64-static", "armv7": "qemu-arm-static"}
HEALTHY = 0


class Images:
    def __init__(self, room, root, top, folder):
        self.room = room
        self.top = top
        self.folder = str(folder)
        self.dockerfile = os.path.join(top, "deploy/container/Dockerfile")
        done = subprocess.run([os.path.join(top, "deploy/cross/build"), *EMULATORS], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:]
        print(done.stdout)
        room.import_root(root, *BASES)
        self.pack("x86_64", NAME)
        self.version = room.call("run", "--rm", "--network=none", NAME, "--version").split()[1]

    def pack(self, processor, name, *options):
        """An image of the program that deploy/cross/build made."""
        assert os.path.exists(os.path.join(self.top, "build/cross", processor, "moat"))
        self.room.build(self.top, "-f", self.dockerfile, "-t", name, "--build-arg", "PROGRAM=built", *options)
        return name

    def start(self, image, *options, command=()):
        return Container(self.room, self.room.call("run", "-d", *options, image, *command).split()[-1])

    def secrets(self, name):
        """A folder as `moat init` makes it in the image, for the user of the image; and the password."""
        folder = os.path.join(self.folder, name)
        os.mkdir(folder)
        os.chown(folder, USER, USER)
        said = self.room.call("run", "--rm", "--network=none", "-v", f"{folder}:/etc/moat", NAME, "init", "/etc/moat",
                              "--name", "localhost")
        return folder, said.split()[-1]


class Container:
    def __init__(self, room, name):
        self._room = room
        self.name = name

    def log(self):
        return self._room.call("logs", self.name)

    def wait_line(self, text):
        """The first line of the log with the text."""
        def found():
            return next((line for line in self.log().split("\n") if text in line), None)
        try:
            return wait_until(found, f"a line with {text}", 3 * PATIENCE)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; the log:\n{self.log()}") from None

    def sh(self, *command):
        return self._room.call("exec", self.name, *command)

    def wait(self):
        """The status with which it ends."""
        return int(self._room.call("wait", self.name).split()[-1])

    def pid(self):
        return int(self._room.call("inspect", "-f", "{{.State.Pid}}", self.name))

    def remove(self):
        self._room.call("rm", "-f", "-t", "0", self.name)


def missing():
    """Why no image can be built here, or nothing."""
    for name in ("buildah", "netavark", "catatonit"):
        if not shutil.which(name) and not os.path.exists(f"/usr/lib/podman/{name}"):
            return f"{name} is not installed; see deploy/install-packages"
    return None
