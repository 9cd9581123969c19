"""All skills, and how often each is practised beside the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..lesson import Skill
from . import games, paths, products, scale, word_problems


@dataclass(frozen=True, slots=True)
class Taught:
    """A skill and its share.

    Attributes:
        skill: Makes lessons.
        share: How many of them, beside those of the others.
    """

    skill: Skill
    share: float


SKILLS: Mapping[str, Taught] = MappingProxyType(
    {
        "products": Taught(products.SKILL, 0.28),
        "paths": Taught(paths.SKILL, 0.14),
        "word-problems": Taught(word_problems.SKILL, 0.26),
        "scale": Taught(scale.SKILL, 0.12),
        "games": Taught(games.SKILL, 0.2),
    }
)
