"""A page as a strict reader of HTML sees it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_VOID = {"meta", "input", "br", "hr", "img", "link"}
_REFERENCES = {"src", "href", "srcset", "data", "action", "poster", "formaction", "xlink:href"}


@dataclass
class ParsedPage(HTMLParser):
    """Collects what a page has.

    Attributes:
        elements: Names and attributes of all elements.
        references: What attributes refer to.
        data: The JSON in `script` elements, by their ids.
        text: What is neither script nor style.
    """

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    _open: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    @classmethod
    def of(cls, page: str) -> ParsedPage:
        parsed = cls()
        parsed.feed(page)
        parsed.close()
        assert parsed._open == []
        return parsed

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        assert len(known) == len(attrs), "an attribute stands twice"
        self.elements.append((tag, known))
        self.references += [value for name, value in known.items() if name in _REFERENCES]
        if tag not in _VOID:
            self._open.append((tag, known))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # As in SVG.
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        tag, known = self._open[-1] if self._open else ("", {})
        if tag == "script" and known.get("type") == "application/json":
            assert known["id"] not in self.data
            self.data[known["id"]] = json.loads(data)
        elif tag not in ("script", "style"):
            self.text += data
