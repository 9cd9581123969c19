from __future__ import annotations

import re

from docs.example_sources import FOLDER, examples, on_page_markdown


def test_every_example_follows_the_list_that_links_to_it() -> None:
    text = examples()
    sections = re.findall(r"^## (\S+)$", text, re.MULTILINE)
    files = [path.name for path in FOLDER.iterdir() if path.suffix in (".py", ".json")]
    assert sorted(sections) == sorted(files)
    for name in files:
        assert f"[{name}](#{name.replace('.', '')})" in text
        assert (FOLDER / name).read_text(encoding="utf-8") in text


def test_only_the_page_that_asks_has_them() -> None:
    assert on_page_markdown("before\n") == "before\n"
    filled = on_page_markdown("# Examples\n\n<!-- examples -->\n")
    assert filled.startswith("# Examples\n\nEach is a short program")
    assert "<!-- examples -->" not in filled
