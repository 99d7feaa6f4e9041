"""Calls into the C library fail, each in turn: the daemon survives, or does not start, and loses nothing.

The shim counts calls from the start of the process. First a clean life says how many there are of
each class; then each is made to fail, or in the normal run a sample of them."""

import errno
import os
import signal

import pytest

from harness.moat import is_sanitized
from life import Fault, Life

IS_FULL = os.environ.get("MOAT_TEST_FULL", "") not in ("", "0")
MOST = 10**6 if IS_FULL else 60

# The errors a class may meet; they are taken by turns.
ERRORS = {
    "alloc": (errno.ENOMEM,),
    "accept": (errno.EMFILE, errno.ENFILE, errno.ECONNABORTED, errno.ENOBUFS, errno.ENOMEM, errno.EPERM),
    "read": (errno.EIO, errno.ECONNRESET, errno.ENOMEM, errno.ETIMEDOUT),
    "write": (errno.EPIPE, errno.ENOBUFS, errno.ECONNRESET, errno.EIO, errno.ENOSPC),
    "connect": (errno.ECONNREFUSED, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EACCES, errno.ETIMEDOUT),
    "socket": (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.EACCES),
    "open": (errno.EMFILE, errno.ENFILE, errno.EACCES, errno.ENOENT, errno.ENOMEM),
    "thread": (errno.EAGAIN,),
}

POOL_THREADS = 4  # libuv's

pytestmark = pytest.mark.skipif(is_sanitized(), reason="the sanitizers replace the allocator themselves")


@pytest.fixture(scope="module")
def clean(tmp_path_factory, pki):
    """What a life without faults comes to. The second of two, since the first may find caches cold."""
    from harness.upstream import Upstream  # pylint: disable=import-outside-toplevel
    upstream = Upstream()
    for number in range(2):
        life = Life(tmp_path_factory.mktemp(f"clean-{number}"), pki, upstream, Fault())
        try:
            assert life.is_up(), life.moat.text()
            life.serve()
            life.prove_good()
            life.settle(None)
            life.descriptors = len(life.moat.descriptors())
            life.counts = life.stop()
            assert life.status == 0
        finally:
            life.end()
    upstream.stop()
    return life


def points(count):
    """Which occurrences fail: all of them, or evenly spread ones."""
    if count <= MOST:
        return list(range(1, count + 1))
    return sorted({1 + round(number * (count - 1) / (MOST - 1)) for number in range(MOST)})


def check_start(life):
    """It did not start: said why, and ended as a program does. One thing is left to libuv, which
    ends the process when it cannot make a thread of its pool: it must be before anybody is served."""
    status = life.moat.wait()
    text = life.moat.text()
    if status == -signal.SIGABRT and life.fault.kind in ("alloc", "thread") and "event=ready" not in text:
        life.is_pool_missing = True
        return
    assert 0 < status < 128, f"ended with {status}:\n{text}"
    if life.fault.kind != "write":
        assert text.strip(), f"ended with {status} and said nothing"


def check_life(life, clean):
    """It came up: it must serve, stop, and have lost nothing."""
    life.serve()
    assert life.moat.is_running(), f"died with {life.moat.wait()}:\n{life.moat.text()}"
    life.prove_good()
    life.settle(clean.descriptors)
    assert life.descriptors == clean.descriptors, f"{sorted(life.moat.descriptors().values())}"
    counts = life.stop()
    text = life.moat.text()
    assert life.status == 0, f"ended with {life.status}:\n{text}"
    assert "internal_fault" not in text, text
    assert counts["descriptors"] == clean.counts["descriptors"]
    assert counts["live"] <= clean.counts["live"], f"{counts['live'] - clean.counts['live']} allocations lost:\n{text}"


def run(folder, pki, upstream, clean, fault, without_pool):
    """One life with one fault; what was wrong with it, or None. One that ended for want of the pool
    is added to a list."""
    life = Life(folder, pki, upstream, fault)
    try:
        if life.is_up():
            check_life(life, clean)
        else:
            check_start(life)
    except (AssertionError, TimeoutError, OSError) as failure:
        return f"{fault}: {failure}"
    finally:
        life.end()
    if life.is_pool_missing:
        without_pool.append(fault)
    return None


@pytest.mark.parametrize("kind", ERRORS)
def test_each_point(tmp_path, pki, upstream, clean, kind):
    errors = ERRORS[kind]
    failures, without_pool = [], []
    tried = points(clean.counts[kind] + (0 if kind == "thread" else 2))
    for number, at in enumerate(tried):
        fault = Fault(kind, at, errors[number % len(errors)])
        failures.append(run(tmp_path, pki, upstream, clean, fault, without_pool))
    failed = [failure for failure in failures if failure]
    print(f"{kind}: {clean.counts[kind]} calls, {len(tried)} made to fail, {len(failed)} badly met")
    assert len(without_pool) <= POOL_THREADS, [str(fault) for fault in without_pool]
    assert not failed, "\n\n".join(failed[:5])
