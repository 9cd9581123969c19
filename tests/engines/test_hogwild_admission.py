from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Collaboration, Layout, RequestRejected, Sampling
from engines.hogwild.admission import check_ends, check_ids, check_memory

LAYOUTS: list[Layout] = ["combined", "contiguous", "interleaved"]


def refusal(
    layout: Layout, workers: int, tokens: int, free: int, prompt: int = 100, answer: int = 0
) -> str:
    """What is said of such a collaboration where a token takes 1000 bytes; empty where it fits."""
    names = tuple(f"W{number}" for number in range(workers))
    team = Collaboration(workers=names, layout=layout, step_tokens=64, answer_tokens=answer)
    try:
        check_memory(
            team,
            prompt=prompt,
            max_tokens=tokens,
            window=4096,
            device="cpu",
            token_bytes=1000,
            free_bytes=free,
        )
    except RequestRejected as error:
        return str(error)
    return ""


def test_what_does_not_fit_is_told_with_how_many_workers_or_tokens_would() -> None:
    assert refusal("combined", 4, 1000, 3_456_000) == ""
    assert refusal("combined", 8, 1000, 3_456_000) == (
        "the attention cache of 8 workers that write 1000 tokens together takes up to 4 MB and 3 MB are free: "
        "use at most 4 workers or at most 115 tokens each (924 together)"
    )
    assert refusal("combined", 8, 1000, 3_456_000, answer=64).endswith(
        f"at most {(924 - 64) // 8} tokens each (924 together)"
    )
    assert "each" not in refusal("combined", 8, 1000, 3_456_000, answer=920)
    assert refusal("combined", 8, 1000, 50_000).endswith("use a shorter prompt or a smaller model")


@given(
    st.sampled_from(LAYOUTS),
    st.integers(1, 12),
    st.integers(1, 2000),
    st.integers(0, 9_000_000),
)
def test_what_is_advised_fits_and_more_does_not(
    layout: Layout, workers: int, tokens: int, free: int
) -> None:
    told = refusal(layout, workers, tokens, free)
    assert "\n" not in told
    if fewer := re.search(r"most (\d+) workers", told):
        assert not refusal(layout, int(fewer[1]), tokens, free)
        assert refusal(layout, int(fewer[1]) + 1, tokens, free)
    if shorter := re.search(r"\((\d+) together", told):
        assert not refusal(layout, workers, int(shorter[1]), free)
        assert refusal(layout, workers, int(shorter[1]) + 1, free)


def test_stop_texts_and_ids_are_refused() -> None:
    check_ends(Sampling())
    with pytest.raises(RequestRejected, match=r"no stop texts or ids \('END', 7\): leave them out"):
        check_ends(Sampling(stop=("END",), stop_token_ids=(7,)))


@pytest.mark.parametrize("unknown", [-1, 100])
def test_ids_that_the_model_does_not_know_are_refused(unknown: int) -> None:
    check_ids([0, 99], 100)
    with pytest.raises(RequestRejected, match=rf"ids 0 to 99, and the context has {unknown}: "):
        check_ids([3, unknown, 5], 100)
