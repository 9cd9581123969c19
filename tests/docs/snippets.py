"""What the documents hold that a reader may run: Python programs with what they print, and lines for a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.meta.sources import ROOT, tracked_files

# The card of the shipped adapter says how it is used elsewhere, with weights of the hub.
_CARD = "forkjoin_adapter"
DOCUMENTS = tuple(
    path for path in tracked_files() if path.suffix == ".md" and path.parent.name != _CARD
)

_PROGRAM = re.compile(
    r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL
)
_COMMAND = re.compile(r"^ *(?:\.venv/bin/)?(forkjoin [a-z].*)$", re.MULTILINE)
# Code for sites and for GitHub, and signatures of other languages, is no shell.
_FENCED = re.compile(r"^```(?!sh$)(\w*)\n.*?^```$", re.MULTILINE | re.DOTALL)


class Program(NamedTuple):
    """A block of Python.

    Attributes:
        place: Its document and line.
        code: The program.
        output: What it says that it prints; empty where it does not say.
    """

    place: str
    code: str
    output: str


def programs() -> Iterator[Program]:
    """All programs of all documents."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for found in _PROGRAM.finditer(text):
            code, output = found.groups(default="")
            yield Program(_place(document, text, found.start()), code, output)


class Command(NamedTuple):
    """A line that calls `forkjoin`.

    Attributes:
        place: Its document and line.
        arguments: What stands behind `forkjoin`.
    """

    place: str
    arguments: list[str]


def commands() -> Iterator[Command]:
    """All calls of `forkjoin` that stand in lines of their own."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        shell = _FENCED.sub(lambda found: re.sub(r"[^\n]", "", found.group()), text)
        for found in _COMMAND.finditer(shell.replace("\\\n", "  ")):
            words = shlex.split(found.group(1), comments=True)
            yield Command(_place(document, shell, found.start()), words[1:])


def _place(document: Path, text: str, start: int) -> str:
    return f"{document.relative_to(ROOT)}:{text.count(chr(10), 0, start) + 1}"
