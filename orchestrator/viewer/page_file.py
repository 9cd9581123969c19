"""The page: one piece of HTML with its style, its scripts and, where it is a file, the run's picture and texts in it.

    page.html   {{ policy }}  {{ page.css }}  {{ page/NAME.js }} ...  {{ picture }}  {{ texts }}

On a server both are empty and the page asks for what it needs. In a file they are JSON, gzipped, in base64; the page
unpacks the texts when it first needs one. So all that comes from a run is data, and nothing in it can end a script. The
policy lets run the page's own scripts and nothing else, by their hashes.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from ..whole_file import MadeFile

_HERE = Path(__file__).parent
_PLACE = re.compile(r"\{\{ ([\w./]+) \}\}")
_ELEMENT = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)
_FILES = re.compile(r"page\.css|page/\w+\.js")

MADE_BY = "forkjoin view"
"""What every page says of itself at its beginning, so that it is known for one."""

PAGE = MadeFile(kind="page of forkjoin view", mark=MADE_BY, option="--export")
"""Where a page goes as a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page.

    Attributes:
        html: All of it.
        policy: The Content-Security-Policy that it needs, which it holds too.
    """

    html: str
    policy: str


def served_page() -> Page:
    """The page as a server gives it: it asks for the picture."""
    return _page(MADE_BY, "", "", connect="'self'")


def page_of(picture: dict[str, Any], texts: dict[str, Any]) -> Page:
    """The page as a file, with a picture and its texts."""
    run = picture["run"]
    title = f"{run['name'] or 'run'} · {MADE_BY}"
    return _page(title, _packed(picture), _packed(texts), connect="'none'")


def _page(title: str, picture: str, texts: str, *, connect: str) -> Page:
    skeleton = _skeleton()
    policy = _policy(skeleton, connect)
    values = {
        "title": escape(title),
        "policy": escape(policy),
        "picture": picture,
        "texts": texts,
    }
    html = _filled(skeleton, lambda name: values.get(name))
    return Page(html=html, policy=policy)


@cache
def _skeleton() -> str:
    """The page with its own files in it, and without anything of a run."""
    html = (_HERE / "page.html").read_text("utf-8")
    return _filled(html, lambda name: _own_file(name) if _FILES.fullmatch(name) else None)


def _filled(html: str, value: Callable[[str], str | None]) -> str:
    """In one pass, so that nothing that is put in is taken for a place."""

    def fill(place: re.Match[str]) -> str:
        found = value(place[1])
        return place[0] if found is None else found

    return _PLACE.sub(fill, html)


def _own_file(name: str) -> str:
    return (_HERE / name).read_text("utf-8").rstrip("\n")


def _policy(html: str, connect: str) -> str:
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for kind, content in _ELEMENT.findall(html):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        hashes[kind].append(f"'sha256-{digest}'")
    scripts, styles = (" ".join(found) or "'none'" for found in hashes.values())
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {scripts}",
            f"style-src {styles}",
            "img-src data:",
            f"connect-src {connect}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _packed(data: Any) -> str:
    """JSON, gzipped, in base64: nothing in it means anything to HTML."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # Half a surrogate pair is no text of UTF-8.
    packed = gzip.compress(text.encode("utf-8", "replace"), compresslevel=6, mtime=0)
    return base64.b64encode(packed).decode()
