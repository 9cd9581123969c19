"""Reads what an embedding model answers: a vector for each text. Pure."""

from __future__ import annotations

import math
from operator import index
from typing import Any

from ..errors import EngineError
from .answer_shape import expected_shape

Embedding = tuple[float, ...]


def read_embeddings(address: str, answer: dict[str, Any], count: int) -> list[Embedding]:
    """The embeddings in an answer, in the order of the texts, all of one length.

    Args:
        address: Where it came from, for messages.
        answer: As `/v1/embeddings` sends it.
        count: How many texts there were.

    Raises:
        NotAnEngine: It has another shape, or embeddings of other texts.
        EngineError: A number in it is none.
    """
    with expected_shape(address):
        found = {index(item["index"]): _vector(item["embedding"]) for item in answer["data"]}
        if len(answer["data"]) != count or sorted(found) != list(range(count)):
            raise ValueError(f"embeddings of texts {sorted(found)} of {count}")
        lengths = {len(vector) for vector in found.values()}
        if len(lengths) > 1:
            raise ValueError(f"embeddings of {sorted(lengths)} numbers")
    for vector in found.values():
        if not all(map(math.isfinite, vector)):
            raise EngineError(
                f"{address} gave an embedding with a number that is none: see the server's log, and serve the model "
                f"with --dtype float32"
            )
    return [found[number] for number in range(count)]


def _vector(data: Any) -> Embedding:
    if not isinstance(data, list) or not data:
        raise TypeError(f"{data!r} where an embedding belongs")
    return tuple(map(_number, data))


def _number(value: Any) -> float:
    if value is None:
        # What JSON has in the place of NaN.
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} where a number belongs")
    return float(value)
