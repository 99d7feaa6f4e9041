"""Does what docs/migration.md says: its files are written, its commands run, in a machine of a folder.

A block of the page is a file if it begins with "# /path", commands if it is marked sh, and commands
with what they print if it is marked console ("..." is anything). All paths lead below a folder, ports are
free ones of loopback, and services are processes of the test. Nothing else is changed.
"""

import os
import pwd
import re
import shutil
import subprocess
import tempfile

from .moat import Moat, binary
from .mosquitto import program
from .processes import Program, run
from .waiting import free_port, wait_until

PAGE = os.path.join(os.path.dirname(__file__), "..", "..", "..", "docs", "migration.md")
BLOCK = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"(?<![\w/.])/(?=(?:etc|run|var)/)")
FILE = re.compile(r"# (top of )?(/\S+)\n")
DEBIAN = """\
pid_file /run/mosquitto/mosquitto.pid
persistence true
persistence_location /var/lib/mosquitto/
log_dest stderr
log_type all
include_dir /etc/mosquitto/conf.d
"""
IS_ROOT = os.geteuid() == 0


def user_for(name):
    """Who takes the part of a user here: there may be no moat, and who is not root has only himself."""
    if not IS_ROOT:
        return pwd.getpwuid(os.geteuid()).pw_name
    return {"moat": "nobody"}.get(name, name)


class Page:
    def __init__(self):
        with open(PAGE, encoding="utf-8") as file:
            self.text = file.read()

    def section(self, heading):
        """What stands between a heading and the next one of any level."""
        _, found, rest = self.text.partition(f" {heading}\n")
        assert found, f"docs/migration.md has no heading: {heading}"
        return re.split(r"^#{2,} ", rest, maxsplit=1, flags=re.MULTILINE)[0]

    def blocks(self, heading, name=None):
        """(kind, content) of each block below a heading with this name; those without, if none is given."""
        found = [(kind, content) for kind, its_name, content in BLOCK.findall(self.section(heading))
                 if (its_name or None) == name]
        assert found, f"{heading} has no block {name}"
        return found


class Gate(Moat):
    """Moat as its service runs it, with a file that is there already."""

    def write(self, configuration):
        assert configuration is None


class Machine:
    """A folder that stands for the root of a machine, and the two services."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="moat-move-")
        os.chmod(self.root, 0o755)
        self.ports = {}
        self.services = {"mosquitto": None, "moat": None}
        self.page = Page()
        for folder in ("etc/mosquitto/certs", "etc/mosquitto/conf.d", "run/mosquitto", "var/lib/mosquitto"):
            os.makedirs(self.path("/" + folder))
        for folder in ("/run/mosquitto", "/var/lib/mosquitto"):
            shutil.chown(self.path(folder), user_for("mosquitto"))
        self.write("/etc/mosquitto/mosquitto.conf", DEBIAN)

    def path(self, name):
        return self.root + name

    def port(self, number):
        if number not in self.ports:
            self.ports[number] = free_port()
        return self.ports[number]

    def here(self, text):
        """The page's text with this machine's paths, ports and users."""
        text = PATH.sub(self.root + "/", text)
        text = re.sub(r"^listener (8\d{3})$", r"listener \1 127.0.0.1", text, flags=re.MULTILINE)
        text = text.replace('"[::]:', '"127.0.0.1:').replace(" moat: ", f" {user_for('moat')}: ")
        text = text.replace("-o moat ", f"-o {user_for('moat')} ")
        return re.sub(r"\b(1883|8883|8884|9884)\b", lambda match: str(self.port(int(match[1]))), text)

    def write(self, name, content, is_on_top=False):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        before = self.read(name) if is_on_top else ""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.here(content) + before)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    # Following the page ------------------------------------------------------------------------

    def follow(self, heading, name=None):
        """Does what the blocks below a heading say, in their order."""
        for kind, content in self.page.blocks(heading, name):
            at = FILE.match(content)
            if at:
                self.write(at[2], content, bool(at[1]))
            elif kind == "sh":
                for line in content.splitlines():
                    self.command(line)
            elif kind == "console":
                for part in re.split(r"^\$ ", content, flags=re.MULTILINE)[1:]:
                    self.compare(*part.split("\n", 1))

    def command(self, line):
        words = line.split()
        if words[0] == "systemctl":
            self.systemctl(*[word for word in words[1:] if word != "--now"])
        elif words[0] == "systemd-tmpfiles":
            self.make_folder(self.read(words[-1]))
        else:
            done = self.shell(line)
            assert done.returncode == 0, line + "\n" + (done.stdout + done.stderr).decode()

    def shell(self, line):
        script = f'moat() {{ "{binary()}" "$@"; }}\n{self.here(line)}\n'
        return run(["bash", "-euc", script], cwd=self.root)

    def compare(self, line, expected):
        """What a command prints is what the page shows."""
        done = self.shell(line)
        # What the sandbox offers and what is warned of is told on standard error.
        output = "\n" + (done.stderr + done.stdout).decode()
        pattern = re.escape(self.here(expected).strip("\n")).replace(r"\.\.\.", ".*")
        assert re.search(r"\n" + pattern, output, re.DOTALL), f"{line}\nprinted{output}\ninstead of\n{expected}"

    def make_folder(self, rule):
        kind, path, mode, owner, group = rule.splitlines()[-1].split()
        assert kind == "d"
        # The file was written with this machine's paths.
        os.mkdir(path)
        if IS_ROOT:
            shutil.chown(path, owner, pwd.getpwnam(user_for(group)).pw_gid)
        os.chmod(path, int(mode, 8))

    # Services ----------------------------------------------------------------------------------

    def systemctl(self, verb, unit):
        if verb in ("stop", "restart", "disable"):
            self.stop(unit)
        if verb in ("start", "restart", "enable"):
            self.start(unit)
        if verb == "reload":
            self.services[unit].reload()
        assert verb in ("stop", "start", "restart", "enable", "disable", "reload")

    def start(self, unit):
        assert self.services[unit] is None, f"{unit} runs already"
        if unit == "moat":
            self.services[unit] = Gate(self.path("/etc/moat"), None)
        else:
            self.services[unit] = self.start_broker()

    def start_broker(self):
        broker = Program([program("mosquitto"), "-c", self.path("/etc/mosquitto/mosquitto.conf")])
        wait_until(lambda: " running" in broker.text() or not broker.is_running(), "Mosquitto to run")
        assert broker.is_running(), broker.text()
        return broker

    def stop(self, unit):
        service, self.services[unit] = self.services[unit], None
        service.signal(15)
        status = service.wait(60)
        if unit == "moat":
            service.has_ended = True
            service.stop()
        else:
            service.kill()
        assert status == 0, f"{unit} ended with {status}"

    def end(self):
        """Whatever state it is in."""
        for service in self.services.values():
            if service:
                service.kill()
        shutil.rmtree(self.root)


def mosquitto_passwd(path, users):
    """A password file by Mosquitto's own program."""
    open(path, "w", encoding="ascii").close()
    for user, password in users.items():
        subprocess.run(["mosquitto_passwd", "-b", path, user, password], check=True, capture_output=True)
    os.chmod(path, 0o600)
