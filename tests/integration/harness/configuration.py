"""Moat configurations that the suites start from."""

import os

from . import passwords

USERS = {"alice": "correct horse", "bob": "battery staple"}

# All clients of a suite come from one address and as one or two users, and offend on purpose: they are
# let off what the product keeps strangers to. Suites about just that write the keys themselves; None
# brings back the product's default.
LENIENT = {"trusted": ["127.0.0.0/8", "::1"], "connect_rate_per_identity": 0, "failed_logins": 1000000}

PASSWORD_RULE = {"name": "people", "require": ["password"]}


def listener(pki, name="mqtts", certificate="none", address="127.0.0.1:0", pair=None, **tls):
    """One listener. `certificate` is the mode in which clients are asked for theirs."""
    pair = pair or pki.server
    section = {"certificates": [{"chain": pair.certificate, "key": pair.key}],
               "client_certificate": certificate}
    if certificate != "none":
        section["client_ca"] = pki.client_ca.certificate
    section.update(tls)
    return {"name": name, "address": address, "tls": section}


def confinement():
    """The sandbox under which the suites run. The files of a test are the tester's alone, and often made
    after Moat has started: as root, Moat stays root and gives up only root's rights. Others
    could not look into /proc/PID of a process that is not dumpable, as many tests do.
    test_sandbox.py has the whole."""
    return {"user": "root"} if os.geteuid() == 0 else {"sandbox": "off"}


def moat(folder, pki, to, listeners=None, rules=None, users=None, **sections):
    """A whole configuration; `to` is the upstream: it has .text, or is the text itself. Sections given by name
    replace the default ones, and are left out where they are None; limits are added to LENIENT."""
    path = os.path.join(str(folder), "passwords")
    passwords.write(path, USERS if users is None else users)
    result = {
        "listeners": listeners or [listener(pki)],
        "upstream": {"address": getattr(to, "text", to)},
        "credentials": {"password_file": path},
        "policy": {"rules": rules or [PASSWORD_RULE]},
        **confinement(),
        "admin": {"http": "127.0.0.1:0"},
        "log": {"refusals": 0},
    }
    result.update(sections)
    limits = {**LENIENT, **(sections.get("limits") or {})}
    result["limits"] = {key: value for key, value in limits.items() if value is not None}
    return {key: value for key, value in result.items() if value is not None}
