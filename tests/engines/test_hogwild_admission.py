from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Collaboration, Layout, RequestRejected, Sampling
from engines.hogwild.admission import check_ends, check_memory

LAYOUTS: list[Layout] = ["combined", "contiguous", "interleaved"]


def refusal(layout: Layout, workers: int, tokens: int, free: int, prompt: int = 100) -> str:
    """What is said of such a collaboration where a token takes 1000 bytes; empty where it fits."""
    team = Collaboration(workers=tuple("W" * workers), layout=layout, step_tokens=64)
    try:
        check_memory(team, prompt=prompt, max_tokens=tokens, token_bytes=1000, free_bytes=free)
    except RequestRejected as error:
        return str(error)
    return ""


def test_what_does_not_fit_is_told_with_how_many_workers_or_tokens_would() -> None:
    assert refusal("combined", 4, 1000, 1_484_000) == ""
    assert refusal("combined", 8, 1000, 1_484_000) == (
        "the attention cache of 8 workers that write 1000 tokens takes up to 2 MB and 1 MB are free: "
        "use at most 4 workers or max_tokens of at most 744"
    )
    assert refusal("combined", 8, 1000, 50_000).endswith("use a shorter prompt or a smaller model")


@given(
    st.sampled_from(LAYOUTS),
    st.integers(1, 12),
    st.integers(1, 2000),
    st.integers(0, 3_000_000),
)
def test_what_is_advised_fits_and_more_does_not(
    layout: Layout, workers: int, tokens: int, free: int
) -> None:
    told = refusal(layout, workers, tokens, free)
    assert "\n" not in told
    if fewer := re.search(r"most (\d+) workers", told):
        assert not refusal(layout, int(fewer[1]), tokens, free)
        assert refusal(layout, int(fewer[1]) + 1, tokens, free)
    if shorter := re.search(r"max_tokens of at most (\d+)", told):
        assert not refusal(layout, workers, int(shorter[1]), free)
        assert refusal(layout, workers, int(shorter[1]) + 1, free)


def test_stop_texts_and_ids_are_refused() -> None:
    check_ends(Sampling())
    with pytest.raises(RequestRejected, match=r"no stop texts or ids \('END', 7\): leave them out"):
        check_ends(Sampling(stop=("END",), stop_token_ids=(7,)))
