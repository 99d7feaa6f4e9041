"""Tables of docs/tls.md, which tests hold the program to."""

import os
import re

PAGE = os.path.join(os.path.dirname(__file__), "..", "..", "..", "docs", "tls.md")


def first_cells(heading):
    """The names in code marks that open the rows of the tables below a heading."""
    with open(PAGE, encoding="utf-8") as file:
        _, found, rest = file.read().partition(f" {heading}\n")
    assert found, f"docs/tls.md has no heading: {heading}"
    section = re.split(r"^#", rest, maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE)
