"""Reads logfmt lines, strictly: a line that does not parse fails the test."""

import re

PAIR = re.compile(r'([a-z_]+)=(?:"((?:[^"\\\x00-\x1f]|\\.)*)"|([^\s"=\\]*))(?: |$)')
ESCAPE = re.compile(rb'\\(?:x([0-9a-f]{2})|(["\\]))')


def unescape(value):
    """The bytes a quoted value stands for."""
    return ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()) if found[1] else found[2],
                      value.encode())


def parse(line):
    """A line as a dictionary of texts, or None when it is no logfmt line of ours."""
    if not line.startswith("time="):
        return None
    fields, at = {}, 0
    while at < len(line):
        found = PAIR.match(line, at)
        if not found:
            raise AssertionError(f"not logfmt at byte {at}: {line!r}")
        key, quoted, plain = found.groups()
        if key in fields:
            raise AssertionError(f"field {key} stands twice: {line!r}")
        fields[key] = plain if quoted is None else unescape(quoted).decode("utf-8", "surrogateescape")
        at = found.end()
    return fields
