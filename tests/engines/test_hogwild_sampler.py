"""What is drawn from logits: against a naive reference, and by chi-square where chance decides."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from engines import Sampling
from engines.hogwild.model import sampler as under_test
from engines.hogwild.model.sampler import Sampler

pytestmark = pytest.mark.usefixtures("one_torch_thread")

VOCABULARY = 12
# Far enough from each other that float32 tells them apart.
logits_of_a_row = st.lists(
    st.integers(-64, 64).map(lambda eighths: eighths / 8),
    min_size=VOCABULARY,
    max_size=VOCABULARY,
    unique=True,
)


def some_logits(rows: int, vocabulary: int = VOCABULARY, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, vocabulary, generator=generator) * 2


def naive(row: Sequence[float], sampling: Sampling, banned: Sequence[int] = ()) -> list[float]:
    """The probability of each token, as vLLM's sampler has it."""
    left = [i for i in range(len(row)) if i not in banned]
    left.sort(key=lambda i: -row[i])
    left = left[: sampling.top_k or len(row)]
    weights = {i: math.exp((row[i] - row[left[0]]) / sampling.temperature) for i in left}
    total, before, kept = sum(weights.values()), 0.0, []
    for i in left:
        if before < sampling.top_p:
            kept.append(i)
        before += weights[i] / total
    mass = sum(weights[i] for i in kept)
    return [weights[i] / mass if i in kept else 0.0 for i in range(len(row))]


def seeded(sampling: Sampling, seed: int) -> Sampling:
    return sampling.model_copy(update={"seed": seed})


def ids(
    sampler: Sampler, logits: torch.Tensor, blocks: Sequence[int], draws: int
) -> list[list[int]]:
    return [[one.token_id for one in sampler.sample(logits, blocks)] for _ in range(draws)]


@pytest.mark.parametrize(
    ("options", "banned"),
    [
        ({}, []),
        ({"temperature": 0.5}, [3]),
        ({"temperature": 2.0, "top_k": 4}, []),
        ({"top_p": 0.8}, []),
        ({"top_k": 5, "top_p": 0.7}, [0, 5]),
    ],
    ids=str,
)
def test_tokens_come_as_often_as_they_are_likely(
    options: dict[str, float], banned: list[int]
) -> None:
    sampling = Sampling(**{"temperature": 1.0, "seed": 5, **options})  # type: ignore[arg-type]
    logits = some_logits(1)
    draws = 4_000
    # As many blocks as draws, each with its first one: chances of neighbouring seeds are as good as one after another.
    sampler = Sampler([seeded(sampling, seed) for seed in range(draws)], banned=banned)
    came = Counter(one.token_id for one in sampler.sample(logits.expand(draws, -1), range(draws)))
    again = Counter(row[0] for row in ids(Sampler([sampling], banned=banned), logits, [0], draws))
    expected = naive(logits[0].tolist(), sampling, banned)
    possible = [i for i, chance in enumerate(expected) if chance]
    for counts in (came, again):
        assert set(counts) <= set(possible)
        observed = [counts[i] for i in possible]
        assert chisquare(observed, [expected[i] * draws for i in possible]).pvalue > 0.01


@given(
    logits_of_a_row,
    st.floats(0.1, 4),
    st.integers(0, VOCABULARY + 3),
    st.floats(0.01, 1),
    st.sets(st.integers(0, VOCABULARY - 1), max_size=VOCABULARY - 1),
)
def test_what_can_be_drawn_is_what_the_reference_leaves(
    row: list[float], temperature: float, top_k: int, top_p: float, banned: set[int]
) -> None:
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p)
    expected = naive(row, sampling, sorted(banned))
    draws = 400
    sampler = Sampler([seeded(sampling, seed) for seed in range(draws)], banned=banned)
    [drawn] = ids(sampler, torch.tensor([row]).expand(draws, -1), range(draws), 1)
    assert set(drawn) <= {token for token, chance in enumerate(expected) if chance}
    assert set(drawn) >= {token for token, chance in enumerate(expected) if chance > 0.06}


def test_a_block_draws_the_same_in_every_batch() -> None:
    options: list[dict[str, float]] = [
        {"temperature": 1.5},
        {"top_k": 3},
        {"top_p": 0.6},
        {"temperature": 0},
        {"top_p": 0.999, "top_k": 40},
    ]
    samplings = [Sampling(**{"temperature": 1.0, "seed": 9, **o}) for o in options]  # type: ignore[arg-type]
    # The same logits in all rounds, so that only the blocks' own chances tell rounds apart.
    logits = some_logits(len(samplings), 3_000)
    together = ids(Sampler(samplings), logits, range(5), 30)
    assert together == ids(Sampler(samplings), logits, range(5), 30)
    backwards = ids(Sampler(samplings), logits.flip(0), [4, 3, 2, 1, 0], 30)
    assert [row[::-1] for row in backwards] == together
    one_by_one = Sampler(samplings)
    for block in (2, 0, 4, 3, 1):
        alone = ids(one_by_one, logits[block : block + 1], [block], 30)
        assert [row[0] for row in alone] == [row[block] for row in together]


def test_a_greedy_round_takes_no_chance_from_a_block() -> None:
    logits = some_logits(1, 500)
    disturbed, undisturbed = (Sampler([Sampling(temperature=2, seed=3)]) for _ in range(2))
    drawn = []
    for _ in range(10):
        [greedy] = disturbed.sample(logits, [0], greedy=True)
        assert greedy.token_id == int(logits.argmax())
        drawn += ids(disturbed, logits, [0], 1)
    assert drawn == ids(undisturbed, logits, [0], 10)


def test_blocks_without_a_seed_draw_anew() -> None:
    logits = torch.zeros(2, 10_000)
    first, second = (ids(Sampler([Sampling()] * 2), logits, [0, 1], 10) for _ in range(2))
    assert first != second
    assert [row[0] for row in first] != [row[1] for row in first]


def test_a_nucleus_may_be_wider_than_the_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = some_logits(3, 300) / 4
    samplings = [
        Sampling(temperature=1, top_p=0.95, seed=1),
        Sampling(temperature=1, seed=2),
        Sampling(temperature=1, top_p=0.05, seed=3),
    ]
    wide = ids(Sampler(samplings), logits, range(3), 120)
    monkeypatch.setattr(under_test, "_CANDIDATES", 16)
    assert ids(Sampler(samplings), logits, range(3), 120) == wide
    for block, sampling in enumerate(samplings):
        expected = naive(logits[block].tolist(), sampling)
        assert {row[block] for row in wide} <= {i for i, chance in enumerate(expected) if chance}
    assert len({row[0] for row in wide}) > 60


def test_equally_likely_tokens_at_an_edge_stay_together() -> None:
    logits = torch.tensor([[3.0, 1.0, 1.0, 1.0, 0.0]])
    for options in ({"top_k": 2}, {"top_p": 0.5}, {"top_k": 3, "top_p": 0.9}):
        cut = Sampling(temperature=2, **options)
        sampler = Sampler([seeded(cut, seed) for seed in range(300)])
        [drawn] = ids(sampler, logits.expand(300, -1), range(300), 1)
        assert set(drawn) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=0),
        Sampling(temperature=1e-6),
        Sampling(temperature=2, top_k=1),
        Sampling(temperature=2, top_p=1e-9),
        Sampling(temperature=1e-5),
    ],
    ids=str,
)
def test_where_one_token_is_left_it_is_the_likeliest_that_is_not_banned(sampling: Sampling) -> None:
    logits = some_logits(1, 2_000)
    first, second, third = logits[0].topk(3).indices.tolist()
    assert ids(Sampler([sampling]), logits, [0], 3) == [[first]] * 3
    banned = {first, second}
    assert ids(Sampler([sampling], banned=banned), logits, [0], 3) == [[third]] * 3
    [greedy] = Sampler([sampling], banned=banned).sample(logits, [0], greedy=True)
    assert greedy.token_id == third


def test_a_cut_to_more_than_the_vocabulary_cuts_nothing() -> None:
    logits = some_logits(1)
    cut, uncut = Sampling(top_k=VOCABULARY + 1, seed=1), Sampling(seed=1)
    assert ids(Sampler([cut]), logits, [0], 50) == ids(Sampler([uncut]), logits, [0], 50)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_types_are_computed_with_in_float32_and_left_as_they_are(dtype: torch.dtype) -> None:
    logits = some_logits(2, 5_000).to(dtype)
    before = logits.clone()
    samplings = [Sampling(temperature=0.3, top_p=0.9, seed=1, logprobs=2), Sampling(seed=2)]
    for _ in range(10):
        exact = Sampler(samplings, banned=[7]).sample(logits.float(), [0, 1])
        assert Sampler(samplings, banned=[7]).sample(logits, [0, 1]) == exact
    assert logits.equal(before)


def test_logprobs_are_the_model_s_own_whatever_is_drawn() -> None:
    logits = some_logits(3)
    expected = logits.double().log_softmax(1)
    likeliest = logits.topk(2).indices.tolist()
    samplings = [
        Sampling(temperature=0.1, top_k=1, logprobs=2),
        Sampling(temperature=3),
        Sampling(temperature=0, logprobs=0),
    ]
    banned = [likeliest[0][0]]
    first, second, third = Sampler(samplings, banned=banned).sample(logits, range(3))
    assert [token for token, _ in first.likely] == [likeliest[0][1], *likeliest[0]]
    for token, value in first.likely:
        assert value == pytest.approx(expected[0, token].item(), abs=1e-6)
    assert second.likely == ()
    [(token, value)] = third.likely
    assert token == third.token_id
    assert value == pytest.approx(expected[2].max().item(), abs=1e-6)


@pytest.mark.parametrize(("chance", "token"), [(0, 1), (2**48 - 1, 4)])
def test_the_ends_of_chance_fall_on_tokens_that_are_possible(
    chance: int, token: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fixed:
        def __init__(self, seed: int | None) -> None:
            pass

        def getrandbits(self, bits: int) -> int:
            assert bits == 48
            return chance

    monkeypatch.setattr(under_test, "random", SimpleNamespace(Random=Fixed))
    sampler = Sampler([Sampling(temperature=1)], banned=[0, 5])
    assert ids(sampler, torch.zeros(1, 6), [0], 1) == [[token]]


def test_logits_that_are_no_numbers_give_some_token() -> None:
    logits = torch.full((2, VOCABULARY), torch.nan)
    for options in (Sampling(), Sampling(top_p=0.5), Sampling(top_k=2), Sampling(temperature=0)):
        for one in Sampler([options] * 2).sample(logits, [0, 1]):
            assert 0 <= one.token_id < VOCABULARY
