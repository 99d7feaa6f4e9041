"""A Debian of its own, with systemd as its first process, in a container without a network.

podman works in namespaces that are made for it and end with it, so that this machine's mounts and
control groups stay as they are. Nothing is taken from a registry: the root is made by debootstrap.
"""

import contextlib
import os
import shutil
import subprocess

from harness.waiting import PATIENCE, wait_until

INSIDE = ("systemd", "systemd-sysv", "libuv1", "libyaml-0-2", "libargon2-1", "mosquitto", "mosquitto-clients",
          "openssl")
CONTAINERS = """[containers]
default_ulimits = ["nofile=20000:20000","nproc=8192:8192"]
[engine]
cgroup_manager = "cgroupfs"
"""
# Hybrid control groups confuse crun; systemd in the container wants to share mounts with itself.
PREPARE = "mount --make-rshared / && { umount /sys/fs/cgroup/unified 2>/dev/null; echo ready; exec sleep infinity; }"


def missing():
    """Why there can be no such machine here, or nothing."""
    if os.geteuid() != 0:
        return "only root can make a machine to try the package in"
    for name in ("debootstrap", "podman", "crun", "unshare", "nsenter"):
        if not shutil.which(name):
            return f"{name} is not installed; see deploy/install-packages"
    done = subprocess.run(["unshare", "-m", "-n", "true"], capture_output=True, text=True, check=False)
    return f"no namespaces here: {done.stderr.strip()}" if done.returncode else None


def mirror():
    """(address, release) of the archive this machine installs from."""
    done = subprocess.run(["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(SITE)|$(CODENAME)"],
                          capture_output=True, text=True, check=True)
    for line in sorted(set(done.stdout.splitlines())):
        origin, label, site, name = line.split("|")
        if (origin, label) == ("Debian", "Debian") and "-" not in name:
            return site, name
    return None


def make_root(folder):
    """A minimal Debian in `folder`; the reason where it cannot be had."""
    found = mirror()
    if not found:
        return "apt knows no Debian mirror; run apt-get update"
    done = subprocess.run(["debootstrap", "--variant=minbase", "--include=" + ",".join(INSIDE), found[1],
                           folder, found[0]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    os.chmod(folder, 0o755)  # it becomes /, which every user of it has to cross
    return None if done.returncode == 0 else f"debootstrap failed: {done.stdout[-800:]}"


class Machine:
    """Started by the constructor; what it writes is gone when it stops."""

    def __init__(self, root, folder):
        self.folder = str(folder)
        configuration = os.path.join(self.folder, "containers.conf")
        with open(configuration, "w", encoding="ascii") as file:
            file.write(CONTAINERS)
        self._room = subprocess.Popen(["unshare", "-m", "-n", "sh", "-c", PREPARE], stdout=subprocess.PIPE, text=True)
        assert self._room.stdout.readline() == "ready\n"
        self._podman = ["nsenter", "-t", str(self._room.pid), "-m", "-n", "podman", "--root", f"{self.folder}/root",
                        "--runroot", f"{self.folder}/run", "--log-level=error"]
        self._environment = {**os.environ, "CONTAINERS_CONF": configuration}
        self._name = f"moat-test-{os.getpid()}"
        try:
            self._call("run", "-d", "--name", self._name, "--network=none", "--systemd=always",
                       "--volume", f"{self.folder}:/shared:ro", "--rootfs", f"{root}:O", "/sbin/init")
            wait_until(lambda: self.try_sh("systemctl is-system-running")[1].strip() in ("running", "degraded"),
                       "systemd to be ready", 6 * PATIENCE)
            wait_until(lambda: self.try_sh("systemctl is-active mosquitto")[0] == 0,
                       "the broker, on 127.0.0.1:1883", 6 * PATIENCE)
        except BaseException:
            self.stop()
            raise

    def _call(self, *arguments):
        done = subprocess.run([*self._podman, *arguments], capture_output=True, text=True, timeout=120,
                              env=self._environment, check=False)
        assert done.returncode == 0, f"podman {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def command(self, text):
        """The arguments of a program that runs a line of shell within."""
        return [*self._podman, "exec", self._name, "sh", "-c", text]

    def try_sh(self, text, timeout=6 * PATIENCE):
        """(status, output) of a line of shell within."""
        done = subprocess.run(self.command(text), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=timeout, env=self._environment, check=False)
        return done.returncode, done.stdout

    def sh(self, text):
        status, said = self.try_sh(text)
        assert status == 0, f"{text}: status {status}\n{said}\n{self.journal()}"
        return said

    def start(self, text):
        """A line of shell that goes on."""
        return subprocess.Popen(self.command(text), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env=self._environment)

    def journal(self):
        return self.try_sh("journalctl --no-pager -q -n 60 -u 'moat*'")[1]

    def write(self, path, text):
        """A file within."""
        name = os.path.join(self.folder, "given")
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
        self.sh(f"mkdir -p $(dirname {path}) && cp /shared/given {path}")

    def stop(self):
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            self._call("rm", "-f", "-t", "0", self._name)
        self._room.kill()
        self._room.wait()
        self._room.stdout.close()
