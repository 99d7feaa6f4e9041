"""A router in a folder: the files that deploy/openwrt would put there, run by busybox, with the stand-ins of
tests/openwrt for what OpenWrt has and this machine has not."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile

from .moat import binary
from .processes import run

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PACKAGE = os.path.join(TOP, "deploy", "openwrt", "net", "moat")
STANDINS = os.path.join(TOP, "tests", "openwrt")
PATH = re.compile(r"(?<![\w/.])/(?=(?:etc|usr|var|lib|tmp)(?:/|\b))")
IS_ROOT = os.geteuid() == 0

COMMANDS = {
    # There is no user moat; who is not root cannot give files away.
    "chown": 'shift 2; ' + ('/usr/tools/chown "-R" nobody:nogroup "$@"' if IS_ROOT else "exit 0"),
    "logger": 'echo "$@" >>/tmp/log',
    "uci": 'while IFS== read -r key value; do [ "$key" != "$3" ] || echo "$value"; done </tmp/uci',
}


def make(target, **variables):
    """Runs a target of the package's Makefile, with the stand-in for OpenWrt's build system."""
    values = {"TOPDIR": STANDINS, "PKG_BUILD_DIR": "/build", "DL_DIR": "/dl", **variables}
    done = run(["make", "-s", "-C", PACKAGE, *(f"{name}={value}" for name, value in values.items()), target])
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


class Router:
    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="moat-router-")
        os.chmod(self.root, 0o755)
        for folder in ("bin", "usr/tools", "tmp", "etc/rc.d", "etc/ssl", "var/run", "lib"):
            os.makedirs(self.path(folder))
        busybox = shutil.which("busybox")
        assert busybox, "busybox is not installed; see deploy/install-packages"
        os.symlink(busybox, self.path("bin/ash"))
        run([busybox, "--install", "-s", self.path("usr/tools")])
        for name, body in COMMANDS.items():
            self.write(f"bin/{name}", f"#!/bin/sh\n{body}\n", 0o755)
        self.install()
        for name in ("functions.sh", "procd.sh"):
            self.write(f"lib/{name}", read(os.path.join(STANDINS, name)))
        self.write("etc/rc.common", read(os.path.join(STANDINS, "rc.common")), 0o755)
        self.write("tmp/uci", "network.lan.ipaddr=192.168.1.1\n")

    def install(self):
        """By the Makefile's own words."""
        built = self.path("built/usr/bin")
        os.makedirs(built)
        shutil.copy(binary(), built)
        make("install", PKG_INSTALL_DIR=self.path("built"), DESTDIR=self.root)
        shutil.rmtree(self.path("built"))
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = os.path.join(folder, name)
                if "/tools" not in folder and name != "ash" and not path.endswith("sbin/moat"):
                    mode = os.stat(path).st_mode & 0o777
                    self.write(os.path.relpath(path, self.root), read(path), mode)

    def path(self, name):
        return os.path.join(self.root, name.lstrip("/"))

    def here(self, text):
        """Paths of the router become paths of this folder; scripts are busybox's to run."""
        text = text.replace(self.root, "")  # of what was read here
        text = PATH.sub(self.root + "/", text)
        text = re.sub(r"#!/bin/a?sh\b", f"#!{self.root}/bin/ash", text)
        # Debian's busybox takes its own commands before it looks into PATH.
        return re.sub(r"\b(chown|logger) (?=-)", rf"{self.root}/bin/\1 ", text)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.here(text))
        os.chmod(path, mode)

    def read(self, name):
        return read(self.path(name))

    def configure(self, text):
        self.write("etc/config/moat", text, 0o600)

    # Running scripts -----------------------------------------------------------------------------

    def call(self, *arguments, env=None):
        """A program with busybox's commands only, before which stand those that are stood in for."""
        environment = {"PATH": f"{self.path('bin')}:{self.path('usr/tools')}", "TMPDIR": self.path("tmp"), **(env or {})}
        return subprocess.run([str(one) for one in arguments], cwd=self.root, env=environment, text=True,
                              capture_output=True, timeout=60, check=False)

    def sourced(self, name, env=None):
        """As OpenWrt runs uci-defaults and hotplug scripts: in a shell that goes on."""
        return self.call(self.path("bin/ash"), "-c", f'( . "{self.path(name)}" )', env=env)

    def generate(self, folder="made"):
        os.makedirs(self.path(folder), exist_ok=True)
        return self.call(self.path("usr/libexec/moat/uci2yaml"), self.path(folder))

    def service(self, action, env=None):
        """What the init script asks procd for: a list of calls, each a list of words."""
        recorded = self.path("tmp/procd")
        if os.path.exists(recorded):
            os.unlink(recorded)
        done = self.call(self.path("etc/init.d/moat"), action, env=env)
        return Asked(read(recorded) if os.path.exists(recorded) else "", done)

    def flash(self):
        """Everything that is not in memory: path -> (content, number and time of change of the file)."""
        found = {}
        for folder, folders, names in os.walk(self.path("etc")):
            for name in names + folders:
                path = os.path.join(folder, name)
                state = os.lstat(path)
                content = read(path, "rb") if os.path.isfile(path) else None
                found[os.path.relpath(path, self.root)] = (content, state.st_ino, state.st_mtime_ns, state.st_mode)
        return found

    def log(self):
        return self.read("tmp/log") if os.path.exists(self.path("tmp/log")) else ""

    def end(self):
        shutil.rmtree(self.root)


class Asked:
    """The calls of one action of the init script."""

    def __init__(self, text, done):
        self.calls = [shlex.split(line) for line in text.splitlines()]
        self.done = done

    def has_instance(self):
        return ["open_instance"] in self.calls

    def parameter(self, name):
        found = [words[2:] for words in self.calls if words[:2] == ["set_param", name]]
        assert len(found) == 1, (name, self.calls)
        return found[0]

    def of(self, verb):
        return [words[1:] for words in self.calls if words[0] == verb]


def read(path, mode="r"):
    with open(path, mode, **({} if "b" in mode else {"encoding": "utf-8"})) as file:
        return file.read()
