#!/usr/bin/env python3
"""Runs a program on a kernel that lacks a system call, as far as the program can tell.

    lacking.py NUMBER PROGRAM [ARGUMENT]...
"""

import ctypes
import errno
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, FAIL = 0x7fff0000, 0x00050000

# The same on every processor.
LANDLOCK_CREATE_RULESET = 444


def seccomp_number():
    return {"x86_64": 317, "aarch64": 277}.get(os.uname().machine, 383)


def forbid(number):
    steps = [(LOAD, 0, 0, 0), (JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, FAIL | errno.ENOSYS),
             (RETURN, 0, 0, ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("HP", len(steps), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, MODE_FILTER, program):
        raise OSError(ctypes.get_errno(), "no filter")


def command(number):
    """What stands before a program's own arguments."""
    return [sys.executable, os.path.abspath(__file__), str(number)]


if __name__ == "__main__":
    forbid(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
