"""Clients that ask to be let in, and what they are answered."""

from . import packets
from .configuration import USERS
from .packets import V311

ALICE, BOB = ({"username": name, "password": USERS[name]} for name in ("alice", "bob"))
NOBODY = {}


def enter(moat, settings, client_id, login, version=V311, listener_name=None):
    """A client that has sent its CONNECT, and what it was answered."""
    client = moat.client(settings, listener_name)
    client.send(packets.connect(version, client_id=client_id, **login))
    return client, client.receive_packet()


def attempt(*arguments, **options):
    """The same for a client that leaves at once."""
    client, answer = enter(*arguments, **options)
    client.close()
    return answer


def leave(moat, client, client_id):
    """The client goes, and Moat knows it."""
    after = moat.mark()
    client.close()
    moat.wait_event("ended", after, client_id=client_id)


def visit(moat, settings, client_id, login, **options):
    """A client that is let in and leaves."""
    client, answer = enter(moat, settings, client_id, login, **options)
    assert answer == packets.connack(options.get("version", V311))
    leave(moat, client, client_id)
