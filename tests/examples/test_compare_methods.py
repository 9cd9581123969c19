from __future__ import annotations

from functools import partial
from pathlib import Path

import anyio

from engines import Context, FakeEngine, Sampling
from evals import read_evaluation
from examples import compare_methods


def by_chance(context: Context, sampling: Sampling) -> str:
    """Right four times in ten, and wrong in many ways, so that a vote is right more often."""
    seed = sampling.seed or 0
    return f"\\boxed{{{seed % 997}}}" if seed % 10 > 3 else "\\boxed{0}"


def test_both_methods_have_a_folder_and_a_line(tmp_path: Path) -> None:
    compare = partial(compare_methods.compare, FakeEngine(by_chance), tmp_path, problems=3)
    contrast = anyio.run(compare)
    one, vote, verdict = compare_methods.told(contrast).splitlines()
    assert one.startswith("one thread ")
    assert vote.startswith("a vote of five ")
    assert verdict == "no difference can be told at 95 %"
    assert contrast.tokens.ratio is not None
    assert contrast.tokens.ratio > 3
    assert {read_evaluation(path).system for path in tmp_path.iterdir()} == {
        *compare_methods.METHODS
    }
