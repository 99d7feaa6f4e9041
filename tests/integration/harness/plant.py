"""A plant with its Mosquitto, people who log in, and devices with certificates, as docs/migration.md has it:
who they are, how they connect, and what each of them may do."""

import itertools
import shutil
import subprocess
import threading

import paho.mqtt.client as paho

from .pki import Authority
from .waiting import PATIENCE, wait_until
from .walkthrough import mosquitto_passwd, user_for

PEOPLE, DEVICES = 8883, 8884
USERS = {"alice": "secret of alice", "plant": "secret of plant"}
NUMBERS = itertools.count()


class Keys:
    """The server's certificate, and those of two devices and of a stranger."""

    def __init__(self, folder):
        self.servers = Authority(folder / "servers", "Plant Servers")
        self.server, self.next_server = self.servers.server("server"), self.servers.server("next")
        self.devices = Authority(folder / "devices", "Plant Devices")
        self.pumps = {name: self.devices.client(name) for name in ("pump-1", "pump-2")}
        self.stranger = Authority(folder / "strangers", "Strangers").client("pump-1")


class Client:
    """One of the plant's clients: how it connects never changes."""

    def __init__(self, machine, keys, name, username=None, pair=None, version=paho.MQTTv311):
        self.machine, self.keys, self.name = machine, keys, name
        self.username, self.pair, self.version = username, pair, version
        self.port = DEVICES if pair else PEOPLE

    def make(self, client_id, **options):
        made = paho.Client(client_id, protocol=self.version, **options)
        made.tls_set(self.keys.servers.certificate, *([self.pair.certificate, self.pair.key] if self.pair else []))
        if self.username:
            made.username_pw_set(self.username, USERS.get(self.username))
        made.reconnect_delay_set(0.1, 0.5)
        return made

    def connect(self, client_id=None, **options):
        """A connection of its own, once it is answered."""
        return Connection(self, client_id or f"{self.name}-{next(NUMBERS)}", **options)


class Connection:
    def __init__(self, kind, client_id, **options):
        self.changed = threading.Condition()
        self.answers, self.messages, self.acknowledged, self.is_connected = [], [], set(), False
        self.client = kind.make(client_id, **options)
        self.client.on_connect, self.client.on_disconnect = self._on_connect, self._on_disconnect
        self.client.on_message = self._on_message
        self.client.on_publish = self.client.on_subscribe = self._on_acknowledged
        self.client.connect("127.0.0.1", kind.machine.port(kind.port), 60)
        self.client.loop_start()
        self.wait(lambda: self.answers, "an answer to CONNECT")

    def _note(self, change):
        with self.changed:
            change()
            self.changed.notify_all()

    def _on_connect(self, _client, _data, _flags, code, *_):
        def change():
            self.answers.append(int(getattr(code, "value", code)))
            self.is_connected = self.answers[-1] == 0
        self._note(change)

    def _on_disconnect(self, *_):
        self._note(lambda: setattr(self, "is_connected", False))

    def _on_message(self, _client, _data, message):
        self._note(lambda: self.messages.append((message.topic, message.payload.decode())))

    def _on_acknowledged(self, _client, _data, number, *_):
        self._note(lambda: self.acknowledged.add(number))

    def wait(self, condition, what):
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE), f"waited in vain for {what}"

    def done(self, result):
        """Waits until the other side has dealt with a request. False if it ended the connection instead."""
        number = result[1]
        self.wait(lambda: number in self.acknowledged or not self.is_connected, "an acknowledgement")
        return number in self.acknowledged

    def publish(self, topic, text, **options):
        return self.done(self.client.publish(topic, text, qos=1, **options))

    def subscribe(self, topic):
        return self.done(self.client.subscribe(topic, qos=1))

    def wait_message(self, topic, text):
        self.wait(lambda: (topic, text) in self.messages, f"{text} on {topic}")

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Plant:
    """The machine, its clients, and what each of them may do."""

    def __init__(self, machine, keys):
        self.machine, self.keys = machine, keys
        device = keys.pumps
        self.alice = Client(machine, keys, "alice", "alice", version=paho.MQTTv5)
        self.control = Client(machine, keys, "plant", "plant")
        self.named = Client(machine, keys, "pump-1", "pump-1", device["pump-1"])
        self.nameless = Client(machine, keys, "pump-2", None, device["pump-2"])
        self.clients = {one.name: one for one in (self.alice, self.control, self.named, self.nameless)}

    def prepare(self):
        """Mosquitto as it was before anybody thought of Moat."""
        machine = self.machine
        machine.follow("The example")
        for name, source in (("server.crt", self.keys.server.certificate), ("server.key", self.keys.server.key),
                             ("devices-ca.crt", self.keys.devices.certificate)):
            shutil.copy(source, machine.path(f"/etc/mosquitto/certs/{name}"))
        mosquitto_passwd(machine.path("/etc/mosquitto/passwd"), USERS)
        for name in ("certs/server.key", "passwd"):
            shutil.chown(machine.path(f"/etc/mosquitto/{name}"), user_for("mosquitto"))
        machine.systemctl("start", "mosquitto")

    # What a client may do, found out by trying ----------------------------------------------------

    def may_write(self, name, topic, control):
        text = f"w{next(NUMBERS)}"
        with self.clients[name].connect() as client:
            assert client.answers[-1] == 0
            client.publish(topic, text)
        # The broker had dealt with it when this one is sent, so it comes first or never.
        mark = f"m{next(NUMBERS)}"
        control.publish("mark", mark)
        control.wait_message("mark", mark)
        return (topic, text) in control.messages

    def may_read(self, name, topic, own, control):
        text, mark = f"r{next(NUMBERS)}", f"m{next(NUMBERS)}"
        with self.clients[name].connect() as client:
            client.subscribe(own)
            if not client.subscribe(topic):
                return False
            control.publish(topic, text)
            control.publish(own, mark)
            client.wait_message(own, mark)
            return (topic, text) in client.messages

    def rights(self):
        """The whole table."""
        topics = [f"{kind}/{device}/t" for kind in ("devices", "commands") for device in ("pump-1", "pump-2")]
        own = {"alice": "devices/own", "plant": "own", "pump-1": "commands/pump-1/own", "pump-2": "commands/pump-2/own"}
        found = {}
        with self.control.connect() as control:
            control.subscribe("#")
            for name, topic in itertools.product(self.clients, [*topics, "elsewhere"]):
                found[name, "write", topic] = self.may_write(name, topic, control)
                found[name, "read", topic] = self.may_read(name, topic, own[name], control)
        return found


RIGHTS = {(name, verb, topic): name == "plant" or (name, verb, topic) in {
    ("alice", "read", "devices/pump-1/t"), ("alice", "read", "devices/pump-2/t"),
    ("alice", "write", "commands/pump-1/t"), ("alice", "write", "commands/pump-2/t"),
    ("pump-1", "write", "devices/pump-1/t"), ("pump-1", "read", "commands/pump-1/t"),
    ("pump-2", "write", "devices/pump-2/t"), ("pump-2", "read", "commands/pump-2/t")}
          for name in ("alice", "plant", "pump-1", "pump-2") for verb in ("write", "read")
          for topic in ("devices/pump-1/t", "devices/pump-2/t", "commands/pump-1/t", "commands/pump-2/t", "elsewhere")}


class Watcher:
    """mosquitto_sub, which reconnects by itself, for a client that runs all the time."""

    def __init__(self, plant, topic):
        machine = plant.machine
        self.lines = []
        self.process = subprocess.Popen(
            ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(machine.port(PEOPLE)), "--cafile",
             plant.keys.servers.certificate, "-u", "alice", "-P", USERS["alice"], "-i", "watcher", "-t", topic],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.strip())

    def wait_for(self, control, topic, text):
        """It cannot be asked whether it is connected again, so the message is repeated."""
        def has_come():
            control.publish(topic, text)
            return text in self.lines
        wait_until(has_come, f"mosquitto_sub to receive {text}")

    def close(self):
        self.process.kill()
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.process.stdout.close()
