"""The examples for the site: the list of examples/README.md, and each program under it.

A page asks for them by a comment:

    <!-- examples -->

MkDocs calls `on_page_markdown`; all else is pure, but for reading the folder.
"""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "examples"

_ASKED = "<!-- examples -->"
_FILE = re.compile(r"\]\((\w+)\.(py|json)\)")


def on_page_markdown(markdown: str, **_: object) -> str:
    """The page with the examples; MkDocs calls it for each page."""
    return markdown.replace(_ASKED, examples()) if _ASKED in markdown else markdown


def examples() -> str:
    """The list without its heading, with links to the programs that follow it."""
    listed = (FOLDER / "README.md").read_text(encoding="utf-8").partition("\n")[2].strip()
    files = dict.fromkeys(f"{name}.{kind}" for name, kind in _FILE.findall(listed))
    return "\n\n".join([_FILE.sub(r"](#\1\2)", listed), *map(_section, files)])


def _section(file: str) -> str:
    text = (FOLDER / file).read_text(encoding="utf-8")
    return f"## {file}\n\n```{file.rpartition('.')[2]}\n{text}```"
