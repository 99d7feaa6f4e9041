"""Writes Moat's configuration files the way a person would: block style, plain words."""

import re

PLAIN = re.compile(r"^[A-Za-z][A-Za-z0-9_./-]*$|^[0-9]+(?:ms|s|m|h|KiB|MiB)$")
WORDS_OF_YAML = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def scalar(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if PLAIN.match(value) and value.lower() not in WORDS_OF_YAML:
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def dump(value, indent=0):
    """The lines of a mapping or a list."""
    space = " " * indent
    lines = []
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, (dict, list)) and inner:
                lines.append(f"{space}{key}:")
                lines += dump(inner, indent + 2)
            elif isinstance(inner, (dict, list)):
                lines.append(f"{space}{key}: {'{}' if isinstance(inner, dict) else '[]'}")
            else:
                lines.append(f"{space}{key}: {scalar(inner)}")
    else:
        for inner in value:
            if isinstance(inner, (dict, list)):
                body = dump(inner, indent + 2)
                lines.append(f"{space}- {body[0].lstrip()}")
                lines += body[1:]
            else:
                lines.append(f"{space}- {scalar(inner)}")
    return lines


def text(value):
    return "\n".join(dump(value)) + "\n"
