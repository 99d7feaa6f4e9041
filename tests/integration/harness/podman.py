"""podman and buildah without a registry, in namespaces that are made for them and end with them.

This machine's mounts, network and control groups stay as they are. What an image is made from is a
minimal Debian that debootstrap makes; nothing is taken from a registry.
"""

import contextlib
import ctypes
import os
import shutil
import subprocess

CONTAINERS = """[containers]
default_ulimits = ["nofile=20000:20000","nproc=8192:8192"]
[engine]
cgroup_manager = "cgroupfs"
"""
# Hybrid control groups confuse crun; systemd in a container wants to share mounts with itself.
PREPARE = ("mount --make-rshared / && { umount /sys/fs/cgroup/unified 2>/dev/null; ip link set lo up; echo ready; "
           "exec sleep infinity; }")
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def missing(*programs):
    """Why containers cannot be tried here, or nothing."""
    if os.geteuid() != 0:
        return "only root can make namespaces to try containers in"
    for name in ("debootstrap", "podman", "crun", "unshare", "nsenter", *programs):
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


def make_root(folder, packages):
    """A minimal Debian in `folder`; the reason where it cannot be had."""
    found = mirror()
    if not found:
        return "apt knows no Debian mirror; run apt-get update"
    done = subprocess.run(["debootstrap", "--variant=minbase", "--include=" + ",".join(packages), found[1],
                           folder, found[0]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    os.chmod(folder, 0o755)  # it becomes /, which every user of it has to cross
    return None if done.returncode == 0 else f"debootstrap failed: {done.stdout[-800:]}"


class Room:
    """The namespaces, and what podman keeps, in `folder`."""

    def __init__(self, folder):
        self.folder = str(folder)
        configuration = os.path.join(self.folder, "containers.conf")
        with open(configuration, "w", encoding="ascii") as file:
            file.write(CONTAINERS)
        self.environment = {**os.environ, "CONTAINERS_CONF": configuration}
        self._keeper = subprocess.Popen(["unshare", "-m", "-n", "sh", "-c", PREPARE], stdout=subprocess.PIPE, text=True)
        assert self._keeper.stdout.readline() == "ready\n"

    def _engine(self, program, options, has_network=False):
        network = () if has_network else ("-n",)
        return ["nsenter", "-t", str(self._keeper.pid), "-m", *network, program, "--root", f"{self.folder}/root",
                "--runroot", f"{self.folder}/run", *options]

    def podman(self, *arguments):
        """The command; to be run with `environment`."""
        return self._engine("podman", ("--log-level=error", *arguments))

    def call(self, *arguments, timeout=120, **options):
        """Runs podman, which has to succeed; what it printed."""
        status, said = self.try_call(*arguments, timeout=timeout, **options)
        assert status == 0, f"podman {' '.join(arguments)}: status {status}\n{said}"
        return said

    def try_call(self, *arguments, timeout=120, **options):
        """(status, output)"""
        done = subprocess.run(self.podman(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=timeout, env=self.environment, check=False, **options)
        return done.returncode, done.stdout

    def within(self, *command):
        """What a program prints that is run in the room."""
        return subprocess.run(["nsenter", "-t", str(self._keeper.pid), "-m", "-n", *command], capture_output=True,
                              text=True, timeout=120, check=True).stdout

    def build(self, context, *options, has_network=False, timeout=1500):
        """Builds an image with buildah; the default isolation of which fails on hybrid control groups."""
        command = self._engine("buildah", ("bud", "--format=docker", "--isolation=chroot", "--network=host",
                                           "--pull=never", "--timestamp=0", *options, str(context)), has_network)
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout,
                              env=self.environment, check=False)
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout.split()[-1]

    def import_root(self, root, *names):
        """An image of the folder, under these names."""
        packing = subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE)
        self.call("import", "-q", "-c", "ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin", "-", names[0], stdin=packing.stdout)
        packing.stdout.close()
        assert packing.wait() == 0
        for name in names[1:]:
            self.call("tag", names[0], name)

    @contextlib.contextmanager
    def network(self):
        """Sockets made by this thread meanwhile are of the room's network, and stay so."""
        ours = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        theirs = os.open(f"/proc/{self._keeper.pid}/ns/net", os.O_RDONLY)
        try:
            assert libc.setns(theirs, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            yield
        finally:
            assert libc.setns(ours, CLONE_NEWNET) == 0
            os.close(theirs)
            os.close(ours)

    def close(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.try_call("pod", "rm", "-a", "-f", "-t", "0")
            self.try_call("rm", "-a", "-f", "-t", "0")
        self._keeper.kill()
        self._keeper.wait()
        self._keeper.stdout.close()
