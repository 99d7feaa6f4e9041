"""A real Mosquitto on loopback: the broker that Moat is put in front of."""

import os
import shutil

from .processes import Program
from .waiting import accepts_connections, free_port, wait_until


def program(name):
    """Where a program is; Debian puts brokers where an ordinary user does not look."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin") or name


class Mosquitto:
    """Anonymous and plaintext, as the brokers are that nobody may reach directly."""

    def __init__(self, folder, port=None):
        self.port = port or free_port()
        self.unix_path = os.path.join(str(folder), "mosquitto.sock")
        self._configuration = os.path.join(str(folder), "mosquitto.conf")
        lines = [f"listener {self.port} 127.0.0.1", f"listener 0 {self.unix_path}",
                 "allow_anonymous true", "persistence false", "max_inflight_messages 0",
                 "log_dest stderr", "log_type all", "connection_messages true",
                 "max_queued_messages 0"]
        if os.geteuid() == 0:
            lines.append("user root")  # otherwise it could not reach the test's folder
        with open(self._configuration, "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
        self.program = None
        self.start()

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    @property
    def text(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        self.program = Program([program("mosquitto"), "-c", self._configuration])
        wait_until(lambda: accepts_connections(self.address) or not self.program.is_running(),
                   "Mosquitto to listen")
        assert self.program.is_running(), self.program.text()

    def signal(self, number):
        self.program.signal(number)

    def kill(self):
        self.program.kill()

    def stop(self):
        self.program.kill()
