"""Reads what a pooling model answers: a row of numbers for each place that it judges. Pure.

outcome reward model    one row, of a number or one a class         [0.7]
process reward model    a row a step, or a token                    [[0.1, 0.9], [0.8, 0.2]]
"""

from __future__ import annotations

import math
from operator import index
from typing import Any

from ..errors import EngineError
from .answer_shape import expected_shape

Rewards = tuple[tuple[float, ...], ...]

# Reward models have one or two; an embedding has hundreds.
_MOST_CLASSES = 16


def read_rewards(address: str, answer: dict[str, Any], count: int) -> list[Rewards]:
    """The rewards in an answer, in the order of the inputs.

    Args:
        address: Where it came from, for messages.
        answer: As vLLM's `/pooling` sends it.
        count: How many inputs there were.

    Raises:
        NotAnEngine: It has another shape, or rewards for other inputs.
        EngineError: A reward is no number, or the model is no reward model.
    """
    with expected_shape(address):
        found = {index(item["index"]): _rows(item["data"]) for item in answer["data"]}
        if len(answer["data"]) != count or sorted(found) != list(range(count)):
            raise ValueError(f"rewards for inputs {sorted(found)} of {count}")
    for number in range(count):
        _check(address, found[number])
    return [found[number] for number in range(count)]


def _rows(data: Any) -> Rewards:
    if not isinstance(data, list):
        raise TypeError(f"{data!r} where a list of rewards belongs")
    if data and not isinstance(data[0], list):
        return (_row(data),)
    return tuple(map(_row, data))


def _row(data: Any) -> tuple[float, ...]:
    if not isinstance(data, list) or not data:
        raise TypeError(f"{data!r} where a row of rewards belongs")
    return tuple(map(_number, data))


def _number(value: Any) -> float:
    if value is None:
        # What JSON has in the place of NaN.
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} where a reward belongs")
    return float(value)


def _check(address: str, rewards: Rewards) -> None:
    for row in rewards:
        if len(row) > _MOST_CLASSES:
            raise EngineError(
                f"{address} gave {len(row)} numbers where a reward model gives one or two, as an embedding model does: "
                "serve a reward model, with --runner pooling --convert classify"
            )
        strange = [reward for reward in row if not math.isfinite(reward)]
        if strange:
            raise EngineError(
                f"{address} gave a reward that is no number ({strange[0]}): see the server's log, and serve the model "
                f"with --dtype float32"
            )
