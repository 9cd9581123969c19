"""The page: one piece of HTML with its style, its scripts and, where it is a file, the run's picture and texts in it.

    page.html   {{ policy }}  {{ page.css }}  {{ page/NAME.js }} ...  {{ picture }}  {{ texts }}

On a server the picture is `null` and the page asks for it. In a file the texts are JSON, gzipped, in base64, which the
page unpacks when it first needs one. All that comes from a run is data: JSON in which nothing ends a script. The policy
lets run the page's own scripts and nothing else, by their hashes.
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

from engines import UsageError

from ..errors import RunFolderError
from .whole_file import write_whole_file

_HERE = Path(__file__).parent
_PLACE = re.compile(r"\{\{ ([\w./]+) \}\}")
_ELEMENT = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)
_FILES = re.compile(r"page\.css|page/\w+\.js")

MADE_BY = "forkjoin view"
"""What every page says of itself at its beginning, so that it is known for one."""

_BEGINNING = 4096


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
    return _page(MADE_BY, "null", "", connect="'self'")


def page_of(picture: dict[str, Any], texts: dict[str, Any]) -> Page:
    """The page as a file, with a picture and its texts."""
    run = picture["run"]
    title = f"{run['name'] or 'run'} · {MADE_BY}"
    packed = gzip.compress(_json(texts).encode(), compresslevel=6, mtime=0)
    return _page(title, _json(picture), base64.b64encode(packed).decode(), connect="'none'")


def write_page(path: Path, page: Page) -> None:
    """Writes a page as a file, whole or not at all.

    Raises:
        UsageError: What is there is no page of this kind.
        RunFolderError: It cannot be written.
    """
    check_page_place(path)
    write_whole_file(path, page.html)


def check_page_place(path: Path) -> None:
    """Says early that a page cannot go there.

    Raises:
        UsageError: What is there is no page of this kind.
        RunFolderError: What is there cannot be read.
    """
    try:
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
    except FileNotFoundError:
        return
    except OSError as error:
        raise RunFolderError(
            f"{path} cannot be read: {error.strerror or error}; choose another file with --export"
        ) from error
    if beginning and MADE_BY.encode() not in beginning:
        raise UsageError(
            f"{path} is no page of forkjoin view, and is left as it is: move it, or choose another file with --export"
        )


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
            "img-src data: blob:",
            "worker-src blob:",
            f"connect-src {connect}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _json(data: Any) -> str:
    """JSON for an element of HTML: nothing in it ends a script or begins a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    # Half a surrogate pair is no text of UTF-8.
    return text.encode("utf-8", "replace").decode()
