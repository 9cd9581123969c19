"""Texts by models as they may stand in a page: nothing in them is obeyed, and what nobody would see is shown. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from orchestrator.runs.words import HIDDEN

# Also what could end the element that data stands in, or begin one.
_UNSAFE = re.compile(f"[<>&]|{HIDDEN.pattern}")


def visible(text: str) -> str:
    r"""The text with a sign in the place of every character that steers, or that nobody sees.

    >>> visible("red \x1b[31m, \u202eback")
    'red ␛[31m, ⟨U+202E⟩back'
    """
    return HIDDEN.sub(_sign, text)


def excerpt(text: str, most: int) -> str:
    """The beginning of a text in one line.

    >>> excerpt("as long  as it takes", 10)
    'as long a…'
    """
    line = " ".join(visible(text[: 4 * most]).split())
    return line if len(line) <= most and len(text) <= 4 * most else f"{line[: most - 1]}…"


def script_data(data: Any) -> str:
    r"""JSON for a `script` element, where no browser takes part of it for something else.

    >>> script_data(["</script>\ud800"])
    '["\\u003c/script\\u003e\\ud800"]'
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _UNSAFE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    # Beyond 16 bits JSON has pairs.
    return f"\\u{code:04x}" if code < 0x10000 else json.dumps(match[0])[1:-1]


def _sign(match: re.Match[str]) -> str:
    code = ord(match[0])
    # Unicode has pictures of the old controls.
    return chr(0x2400 + code) if code < 0x20 else f"⟨U+{code:04X}⟩"
