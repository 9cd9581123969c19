from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from planners import Reference, Template
from planners.scaling.decomposition import (
    Decomposition,
    SubProblem,
    decomposition_schema,
    read_decomposition,
)


def step(number: int, *needs: int, task: str = "") -> dict[str, Any]:
    return {"id": number, "task": task or f"Find {number}.", "needs": list(needs)}


def read(*steps: dict[str, Any], chain: bool = False) -> Decomposition:
    data = {"conditions": " a = 1 ", "steps": list(steps)}
    Draft202012Validator(decomposition_schema(12)).validate(data)
    return read_decomposition(data, "How many?", chain=chain)


def test_the_last_step_is_the_question_and_needs_what_no_other_does() -> None:
    found = read(step(1), step(2), step(3, 2), step(4, 3))
    assert found == Decomposition(
        conditions="a = 1",
        steps=(
            SubProblem(task="Find 1."),
            SubProblem(task="Find 2."),
            SubProblem(task="Find 3.", needs=(2,)),
            SubProblem(task="How many?", needs=(1, 3)),
        ),
    )
    assert found.structure == ((), (), (2,), (1, 3))
    assert read(step(1)).steps == (SubProblem(task="How many?"),)


def test_ids_are_names_and_steps_are_numbered_in_their_order() -> None:
    assert read(step(4), step(2, 4), step(9, 2)).structure == ((), (1,), (2,))


def test_needs_that_name_no_earlier_step_are_dropped_and_named_twice_count_once() -> None:
    assert read(step(1, 7), step(2, 1, 1, 12), step(3, 2)).structure == ((), (1,), (2,))
    assert read(step(1, 2), step(2, 1), step(3, 3)).structure == ((), (1,), (2,))
    assert read(step(1), step(2, 2), step(3, 2)).structure == ((), (), (1, 2))


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ([step(1), step(1)], r"at \$.steps: two steps have the same id"),
        ([step(1, task=" \n"), step(2)], r"at \$.steps\[0\].task: it is blank"),
    ],
)
def test_what_cannot_be_repaired_is_told_with_its_place(
    steps: list[dict[str, Any]], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        read(*steps)


def test_in_a_chain_each_step_needs_all_before_it() -> None:
    assert read(step(1), step(2), step(3), chain=True).structure == ((), (1,), (1, 2))


def test_a_prompt_says_what_is_given_the_results_that_are_needed_and_the_step() -> None:
    found = read(step(1), step(2), step(3, 1))
    assert found.prompt(3) == Template(
        parts=(
            "What is given: a = 1\n\nStep 1: Find 1.\nResult: ",
            Reference(node="1"),
            "\n\nStep 2: Find 2.\nResult: ",
            Reference(node="2"),
            "\n\nStep 3: How many?\nSolve this step only.",
        )
    )


def written(template: Template) -> str:
    return "".join(part if isinstance(part, str) else f"r{part.node}" for part in template.parts)


def test_the_prompt_of_a_step_is_the_beginning_of_that_of_the_next_in_a_chain() -> None:
    found = read(*(step(n) for n in range(1, 7)), chain=True)
    prompts = [written(found.prompt(n)).removesuffix("Solve this step only.") for n in range(1, 7)]
    for earlier, later in pairwise(prompts):
        assert later.startswith(earlier)


def test_the_schema_bounds_the_steps_and_every_text() -> None:
    validator = Draft202012Validator(decomposition_schema(2))
    assert validator.is_valid({"conditions": "", "steps": [step(1), step(2)]})
    for steps in ([], [step(1), step(2), step(1)], [step(3)], [step(1, task="x" * 9999)]):
        assert not validator.is_valid({"conditions": "", "steps": steps})


@given(
    st.lists(
        st.builds(step, st.integers(1, 12), st.integers(1, 12), st.integers(1, 12)),
        min_size=1,
        max_size=12,
    )
)
def test_whatever_is_read_can_be_run_and_finds_out_nothing_in_vain(
    steps: list[dict[str, Any]],
) -> None:
    try:
        found = read(*steps)
    except ValueError:
        return
    needed: set[int] = set()
    for number, one in enumerate(found.steps, start=1):
        assert all(need < number for need in one.needs)
        assert list(one.needs) == sorted(set(one.needs))
        needed.update(one.needs)
    assert needed == set(range(1, len(found.steps)))
