"""All skills: how often each is practised beside the others, and what is told of it in the model card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..lesson import Skill
from . import arithmetic, games, paths, products, scale, word_problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """A skill and its share.

    Attributes:
        skill: Makes lessons.
        share: How many of them, beside those of the others.
        about: What is learnt.
        held_out: What no lesson asks for, so that it measures what was learnt.
    """

    skill: Skill
    share: float
    about: str
    held_out: str


# By lessons. One in words has several problems: such lessons are more than half of all tokens.
SKILLS: Mapping[str, Taught] = MappingProxyType(
    {
        "products": Taught(
            skill=products.SKILL,
            share=0.18,
            about="products of numbers of up to four digits, sums of products, several questions in one: in threads "
            "(ThreadWeaver), in paths (Multiverse), and in one chain",
            held_out="one product in ten of those whose factors have two digits or more, both ways round",
        ),
        "paths": Taught(
            skill=paths.SKILL,
            share=0.08,
            about="different ways to one result, and a summary that picks (ParaThinker, self-consistency)",
            held_out="the same products, and longer numbers than those of lessons",
        ),
        "arithmetic": Taught(
            skill=arithmetic.SKILL,
            share=0.12,
            about="nested operations on small numbers, two or three as a rule, negative ones on the way, quotients "
            "without a remainder: in one chain, and brackets in threads",
            held_out="a tenth of all expressions, and the same products",
        ),
        "word-problems": Taught(
            skill=word_problems.SKILL,
            share=0.4,
            about="arithmetic word problems, each said again in plain words first: plans with calculator tools and "
            "steps of thought (LLMCompiler), follow-up questions, and one chain",
            held_out="every eighth wording, name and thing, and every eighth way to put wordings together",
        ),
        "scale": Taught(
            skill=scale.SKILL,
            share=0.12,
            about="problems of a few steps: outlines, their selection, how hard each step is, and the steps (SCALE), "
            "and the same in one chain",
            held_out="problems with a product that is held out",
        ),
        "games": Taught(
            skill=games.SKILL,
            share=0.1,
            about="the Game of 24 and Countdown: moves, and a judgement of what is left (tree search)",
            held_out="a tenth of all puzzles, and those that are published for tests: the 100 of Tree of Thoughts and "
            "256 of Countdown",
        ),
    }
)
