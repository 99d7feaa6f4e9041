"""A pod of Mosquitto and the gate, and what its clients do."""

import contextlib
import socket

from harness import packets
from harness.client import TcpClient
from harness.packets import V311
from harness.tls_client import TlsClient

DEVICES = 10  # as one user 500 sessions would come too fast
USERS = {"alice": "correct horse", **{f"device-{number}": "correct horse" for number in range(DEVICES)}}
ACCEPTED = packets.connack(V311)
REFUSED = (packets.connack(V311, 4), packets.connack(V311, 5))


class Gate:
    """The way in, from the network of the room."""

    def __init__(self, room, address, settings):
        self._room = room
        self.address = address
        self._settings = settings

    def client(self):
        with self._room.network():
            return TlsClient(self.address, self._settings)

    def plain_client(self):
        with self._room.network():
            return TcpClient(self.address)

    def is_open(self, address):
        with self._room.network(), contextlib.suppress(OSError):
            socket.create_connection(address, timeout=2).close()
            return True
        return False

    def enter(self, name, user="alice", password="correct horse"):
        """A client that has its CONNACK, and the CONNACK."""
        client = self.client()
        client.send(packets.connect(V311, client_id=name, username=user, password=password))
        return client, client.receive_packet()

    def passes_messages(self, topic):
        """Whether what one client publishes comes to another."""
        with contextlib.closing(self.enter(f"{topic}-in")[0]) as subscriber, \
                contextlib.closing(self.enter(f"{topic}-out")[0]) as publisher:
            subscriber.send(packets.subscribe(V311, topic))
            assert subscriber.receive_packet() == packets.suback(V311)
            message = packets.publish(V311, topic, b"hello")
            publisher.send(message)
            return subscriber.receive_packet() == message

    def refuses_strangers(self):
        """A wrong password, an unknown user, nobody, and one without TLS; nothing of them comes to the broker."""
        for user, password in (("alice", "wrong"), ("mallory", "x"), (None, None)):
            client, answer = self.enter("stranger", user, password)
            client.close()
            assert answer in REFUSED, (user, answer)
        with contextlib.closing(self.plain_client()) as client:
            client.send(packets.connect(V311, client_id="plain"))
            assert client.receive_to_end()[:1] in (b"", b"\x15"), "a TLS alert at most"
