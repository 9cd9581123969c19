"""All parts of the evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from . import game24, latency, longer_numbers, paired, products, scale, words
from .part import PLAIN, TRAINED, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A part.

    Attributes:
        measure: Measures it.
        models: On which models, in this order; its tables are those of the last.
        file: Of the folder of data, without which it cannot be measured.
        alone: Whether nothing else may run meanwhile.
        first: Whether its calls are served before those of others: many short ones, one after another, take longest.
    """

    measure: Part
    models: tuple[str, ...] = (TRAINED,)
    file: str | None = None
    alone: bool = False
    first: bool = False


PARTS: Mapping[str, Listed] = MappingProxyType(
    {
        "latency": Listed(measure=latency.measure, alone=True),
        "products": Listed(measure=products.measure),
        "words": Listed(measure=words.measure, models=(PLAIN, TRAINED), file="gsm8k_test.jsonl"),
        "game24": Listed(measure=game24.measure, file="game24.jsonl", first=True),
        "longer": Listed(measure=longer_numbers.measure),
        "scale": Listed(measure=scale.measure),
        "paired": Listed(measure=paired.measure, models=(PLAIN, TRAINED)),
    }
)
