from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from html import escape
from html.parser import HTMLParser
from typing import Any

from orchestrator.viewer.page_file import page_of, served_page
from tests.orchestrator.viewer.viewed_runs import picture_of, plan_run

HOSTILE = "</script><script>alert(1)</script><!-- {{ texts }} \u2028 \ud800 & ' \""


class Elements(HTMLParser):
    """What a browser takes for scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self._open: dict[str, str | None] | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self._open = dict(attrs)
            self.scripts.append((self._open, ""))
        assert not any(name.startswith("on") for name, _ in attrs), attrs

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self.scripts[-1] = (self._open, self.scripts[-1][1] + data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._open = None


def picture(**run: Any) -> dict[str, Any]:
    return {"run": {"name": "run", **run}, "nodes": [], "threads": [], "calls": [], "decisions": []}


def data_in(html: str, id: str) -> str:
    (found,) = [text for attrs, text in Elements(html).scripts if attrs.get("id") == id]
    return found


def unpacked(packed: str) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def test_a_file_holds_the_picture_and_all_texts() -> None:
    found, data = picture_of(plan_run())
    html = page_of(data, found.texts()).html
    assert unpacked(data_in(html, "picture")) == data
    assert unpacked(data_in(html, "texts")) == json.loads(json.dumps(found.texts()))
    assert f"<title>{plan_run().name} · forkjoin view</title>" in html


def test_a_server_gives_the_page_without_a_run() -> None:
    html = served_page().html
    assert data_in(html, "picture") == ""
    assert data_in(html, "texts") == ""
    assert "{{" not in re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)


def test_what_comes_from_a_run_is_data_and_nothing_else() -> None:
    plain = Elements(page_of(picture(question="q"), {}).html)
    data = picture(name=HOSTILE, question=HOSTILE)
    html = page_of(data, {"texts": {"c1": HOSTILE}}).html
    hostile = Elements(html)
    assert len(hostile.scripts) == len(plain.scripts)
    told = unpacked(data_in(html, "picture"))["run"]["question"]
    assert told == HOSTILE.replace("\ud800", "?")
    assert f"<title>{escape(HOSTILE)} · " in html
    # None of it becomes a place that something is put into.
    assert html.count(data_in(html, "texts")) == 1
    # The scripts are the page's own.
    own = [text for attrs, text in hostile.scripts if not attrs]
    assert own == [text for attrs, text in plain.scripts if not attrs]


def test_the_policy_lets_run_the_pages_scripts_and_no_others() -> None:
    page = served_page()
    own = [text for attrs, text in Elements(page.html).scripts if not attrs]
    for text in own:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in page.policy
    assert page.policy.count("sha256-") == len(own) + 1
    assert "unsafe" not in page.policy
    assert "blob:" not in page.policy
    assert "connect-src 'self'" in page.policy
    assert "connect-src 'none'" in page_of(picture(), {}).policy


def test_a_page_asks_nobody_for_anything() -> None:
    html = page_of(picture(), {}).html
    assert not re.findall(
        r"""(?:src|href)=["'](?!data:|#)[^"']*""",
        re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL),
    )
    assert "@import" not in html
