from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from engines import Choice, Grammar, JsonSchema, Regex, Sampling


def test_a_branch_s_seed_is_the_same_in_every_run_and_release() -> None:
    # Written down, since recorded runs are replayed by it.
    assert Sampling(seed=0).for_branch("root/sample-0").seed == 3988185513


@given(st.integers(0, 2**63 - 1), st.text(), st.text())
def test_branches_differ_by_path_and_repeat_themselves(seed: int, one: str, other: str) -> None:
    sampling = Sampling(seed=seed)
    assert sampling.for_branch(one) == sampling.for_branch(one)
    if one != other:
        assert sampling.for_branch(one).seed != sampling.for_branch(other).seed


def test_a_thousand_sibling_branches_have_a_thousand_seeds() -> None:
    seeds = {Sampling(seed=7).for_branch(f"root/sample-{i}").seed for i in range(1000)}
    assert len(seeds) == 1000


def test_runs_with_different_seeds_differ_in_the_same_branch() -> None:
    assert Sampling(seed=1).for_branch("a").seed != Sampling(seed=2).for_branch("a").seed


def test_an_unseeded_sampling_stays_unseeded() -> None:
    assert Sampling().for_branch("root").seed is None


def test_only_the_seed_changes_for_a_branch() -> None:
    sampling = Sampling(seed=3, max_tokens=9, stop=("x",), constraint=Regex(pattern="a+"))
    branch = sampling.for_branch("root")
    assert branch.model_copy(update={"seed": 3}) == sampling


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_tokens": 0},
        {"temperature": -0.1},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"top_k": -1},
        {"max_token": 5},
        {"constraint": {"kind": "choice", "options": []}},
        {"constraint": {"kind": "poem"}},
    ],
)
def test_nonsense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Sampling.model_validate(wrong)


def test_a_sampling_cannot_be_changed_and_survives_json() -> None:
    sampling = Sampling(seed=1, constraint=Choice(options=("yes", "no")))
    with pytest.raises(ValidationError):
        sampling.seed = 2  # type: ignore[misc]  # that it is an error is what this shows
    assert Sampling.model_validate_json(sampling.model_dump_json()) == sampling


def test_constraints_have_the_values_that_vllm_takes() -> None:
    assert Choice(options=("a", "b")).value == ["a", "b"]
    assert Regex(pattern="a+").value == "a+"
    assert JsonSchema(definition={"type": "object"}).value == {"type": "object"}
    assert Grammar(rules='root ::= "a"').value == 'root ::= "a"'
