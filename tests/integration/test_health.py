"""The administrator's HTTP: how the gate is, whoever asks and however badly."""

import contextlib
import signal
import socket
import time

import pytest

from harness import configuration, packets, yaml
from harness.moat import binary
from harness.packets import V311
from harness.processes import run
from harness.waiting import free_port


def ask(moat, request, patience=20):
    """Sends bytes; returns all that comes back until the gate closes."""
    with socket.create_connection(moat.health, timeout=patience) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
        return answer


def get(moat, path, method="GET"):
    """(status, body) of an answer whose length is what its header says."""
    answer = ask(moat, f"{method} {path} HTTP/1.1\r\nHost: moat\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:])
    assert fields["connection"] == "close"
    if method != "HEAD":
        assert int(fields["content-length"]) == len(body)
    return int(lines[0].split()[1]), body.decode()


def healthcheck(moat, *options):
    return run([binary(), "healthcheck", "-c", moat.path, *options])


def visitor(moat, trusting):
    """A client that is in."""
    client = moat.client(trusting)
    client.send(packets.connect(V311, username="alice", password=configuration.USERS["alice"]))
    assert client.receive_packet() == packets.connack(V311)
    return client


@pytest.fixture
def known(start_moat):
    """A Moat whose configuration names the port of admin.http, so that healthcheck finds it."""
    port = free_port()
    return start_moat(admin={"http": f"127.0.0.1:{port}"})


def test_a_gate_that_is_well_says_so(moat):
    assert get(moat, "/healthz") == (200, "ok\n")
    assert get(moat, "/readyz") == (200, "moat_ready 1\n")
    assert get(moat, "/readyz?verbose") == (200, "moat_ready 1\n")
    assert get(moat, "/healthz", "HEAD") == (200, "")


def test_there_is_nothing_else(moat):
    assert get(moat, "/")[0] == 404
    assert get(moat, "/healthz/")[0] == 404
    assert get(moat, "/metrics")[0] == 404
    assert get(moat, "/healthz" + "a" * 2000)[0] == 404
    assert get(moat, "/healthz", "POST")[0] == 405
    assert ask(moat, b"\x16\x03\x01 this is TLS\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert ask(moat, b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 5000).startswith(b"HTTP/1.1 431 ")
    assert get(moat, "/healthz") == (200, "ok\n")


def test_a_gate_that_drains_lives_but_is_not_ready(moat, trusting):
    client = visitor(moat, trusting)
    moat.signal(signal.SIGTERM)
    moat.wait_event("draining")
    assert get(moat, "/readyz") == (503, "draining\n")
    assert get(moat, "/healthz") == (200, "ok\n")
    client.close()
    assert moat.wait() == 0
    moat.has_ended = True


def test_who_only_connects_keeps_nobody_out(moat):
    """More silent and slow connections than there is room for, again and again."""
    with contextlib.ExitStack() as silent:
        for _ in range(100):
            connection = silent.enter_context(socket.create_connection(moat.health, timeout=5))
            with contextlib.suppress(OSError):
                connection.sendall(b"G")
        assert get(moat, "/healthz") == (200, "ok\n")
        # All but those of the room were closed for the others.
        open_sockets = moat.socket_count() - moat.idle_sockets
        assert open_sockets <= 16, open_sockets
        assert get(moat, "/readyz") == (200, "moat_ready 1\n")


def test_progress_does_not_extend_the_deadline(moat):
    with socket.create_connection(moat.health, timeout=30) as connection:
        started = time.monotonic()
        connection.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        with contextlib.suppress(OSError):
            while time.monotonic() - started < 25:
                connection.sendall(b"a")
                time.sleep(0.2)
        connection.settimeout(1)
        with contextlib.suppress(OSError):
            assert connection.recv(1) == b""
    moat.wait_idle()


def test_a_taken_default_is_no_reason_not_to_start(start_moat):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # somebody has it already: as good
            other.bind(("127.0.0.1", 9884))
            other.listen()
        moat = start_moat(admin={})
        assert "admin.http" in moat.wait_event("no_health")["msg"]


def test_a_taken_address_that_was_written_is_one(tmp_path, pki, upstream):
    with socket.create_server(("127.0.0.1", 0)) as other:
        path = tmp_path / "moat.yaml"
        address = f"127.0.0.1:{other.getsockname()[1]}"
        path.write_text(yaml.text(configuration.moat(tmp_path, pki, upstream, admin={"http": address})))
        done = run([binary(), "run", "-c", path])
    assert done.returncode == 69
    assert b"admin.http: cannot listen on " + address.encode() in done.stderr


def test_health_can_be_off(start_moat):
    moat = start_moat(admin={"health": "off"})
    assert moat.health is None
    done = healthcheck(moat)
    assert done.returncode == 1 and b"admin.health is off" in done.stderr


def test_healthcheck_asks_the_gate(known):
    done = healthcheck(known)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"ok\n", b"")
    assert healthcheck(known, "--ready").returncode == 0


def test_healthcheck_tells_what_is_wrong(known, trusting):
    client = visitor(known, trusting)
    known.signal(signal.SIGTERM)
    known.wait_event("draining")
    done = healthcheck(known, "--ready")
    assert done.returncode == 1 and b"draining" in done.stderr
    assert healthcheck(known).returncode == 0
    client.close()
    assert known.wait() == 0
    known.has_ended = True
    done = healthcheck(known)
    assert done.returncode == 1 and b"refused" in done.stderr


def test_healthcheck_is_not_fooled(known, tmp_path):
    """Another program at the port, and one that says nothing."""
    text = open(known.path, encoding="utf-8").read()
    with socket.create_server(("127.0.0.1", 0)) as other:
        other_port = other.getsockname()[1]
        path = tmp_path / "other.yaml"
        path.write_text(text.replace(f":{known.health[1]}", f":{other_port}"))
        done = run([binary(), "healthcheck", "-c", path])
        assert done.returncode == 1 and b"in time" in done.stderr, done.stderr


@pytest.mark.parametrize("options, status", [(["--nonsense"], 64), (["extra"], 64), (["--help"], 0)])
def test_healthcheck_options(options, status):
    assert run([binary(), "healthcheck", *options]).returncode == status
