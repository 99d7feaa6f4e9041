"""Mosquitto password files, made here from their description and so independently of both
Moat and Mosquitto."""

import base64
import hashlib
import os

ITERATIONS = 1000  # Mosquitto wrote 101; below 1000 Moat warns, and tests look at every line


def line(user, password):
    """PBKDF2-HMAC-SHA512 as Mosquitto 2.0 writes it."""
    salt = hashlib.sha256(user.encode()).digest()[:12]
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"{user}:$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def write(path, users):
    """A password file for a dictionary of users and passwords."""
    with open(path, "w", encoding="utf-8") as file:
        for user, password in users.items():
            file.write(line(user, password) + "\n")
    os.chmod(path, 0o600)
