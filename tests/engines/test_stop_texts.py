from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engines.hogwild.stop_texts import StopTexts

texts = st.text("ab", max_size=3)


@given(st.lists(texts), st.lists(texts, max_size=3))
def test_a_text_is_cut_where_a_stop_text_is_first_complete(
    pieces: list[str], stops: list[str]
) -> None:
    cut = StopTexts(stops)
    passed, seen = "", ""
    for piece in pieces:
        text, stop = cut.pass_on(piece)
        passed, seen = passed + text, seen + piece
        if stop is not None:
            assert seen.startswith(passed + stop)
            assert not any(other in passed for other in stops if other)
            return
        assert seen.startswith(passed)
    assert passed + cut.rest() == seen
    assert not any(stop in seen for stop in stops if stop)


def test_only_what_may_become_a_stop_text_is_held_back() -> None:
    cut = StopTexts(["END"])
    assert cut.pass_on("An EN") == ("An ", None)
    assert cut.pass_on("T") == ("ENT", None)
    assert cut.rest() == ""
