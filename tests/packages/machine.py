"""A Debian of its own, with systemd as its first process, in a container without a network."""

import os
import subprocess

from harness.podman import Room
from harness.waiting import PATIENCE, wait_until

INSIDE = ("systemd", "systemd-sysv", "libuv1", "libyaml-0-2", "libargon2-1", "mosquitto", "mosquitto-clients",
          "openssl")


class Machine:
    """Started by the constructor; what it writes is gone when it stops."""

    def __init__(self, root, folder):
        self._room = Room(folder)
        self.folder = str(folder)
        self._name = f"moat-test-{os.getpid()}"
        try:
            self._room.call("run", "-d", "--name", self._name, "--network=none", "--systemd=always",
                            "--volume", f"{folder}:/shared:ro", "--rootfs", f"{root}:O", "/sbin/init")
            wait_until(lambda: self.try_sh("systemctl is-system-running")[1].strip() in ("running", "degraded"),
                       "systemd to be ready", 6 * PATIENCE)
            wait_until(lambda: self.try_sh("systemctl is-active mosquitto")[0] == 0,
                       "the broker, on 127.0.0.1:1883", 6 * PATIENCE)
        except BaseException:
            self.stop()
            raise

    def try_sh(self, text, timeout=6 * PATIENCE):
        """(status, output) of a line of shell within."""
        return self._room.try_call("exec", self._name, "sh", "-c", text, timeout=timeout)

    def sh(self, text):
        status, said = self.try_sh(text)
        assert status == 0, f"{text}: status {status}\n{said}\n{self.journal()}"
        return said

    def start(self, text):
        """A line of shell that goes on."""
        return subprocess.Popen(self._room.podman("exec", self._name, "sh", "-c", text), stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, env=self._room.environment)

    def journal(self):
        return self.try_sh("journalctl --no-pager -q -n 60 -u 'moat*'")[1]

    def write(self, path, text):
        """A file within."""
        name = os.path.join(self.folder, "given")
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
        self.sh(f"mkdir -p $(dirname {path}) && cp /shared/given {path}")

    def stop(self):
        self._room.close()
