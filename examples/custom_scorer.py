"""A tree search with a scorer of one's own: `python -m examples.custom_scorer "What is 12 * 7 + 38?"`.

The scorer is a program that reads what a thought has said so far. It costs no tokens, and thoughts with wrong equations
are left for better ones. `Check(check=FUNCTION)` is a scorer in one line, for what needs one answer at a time; a game
with moves that only a program knows is in [game24.py](game24.py).
"""

import argparse
import math
import re
import sys
from collections.abc import Sequence
from itertools import pairwise

import anyio

from engines import Context, Engine, Sampling, converse, local_engine
from reasoning import Answer, Beam, ModelSteps, Scores, TreeSearch, draw_threads

EXPRESSION = r"\d+(?: *[-+*] *\d+)*"


def truth(text: str) -> float:
    """The share of equations that hold; 0.5 where there is none, which is neither good nor bad.

    >>> truth("12 * 7 + 38 = 84 + 38 = 132")
    0.5
    """
    held = []
    for left, right in pairwise(text.replace(r"\times", "*").split("=")):
        begins, ends = re.search(rf"{EXPRESSION}\s*$", left), re.match(rf"\s*{EXPRESSION}", right)
        if begins and ends:
            held.append(value(begins[0]) == value(ends[0]))
    return sum(held) / len(held) if held else 0.5


def value(expression: str) -> int:
    """Products first, and then the sum of them."""
    terms = re.findall(r"([+-]?)([^+-]+)", expression)
    return sum(int(f"{sign}1") * math.prod(map(int, term.split("*"))) for sign, term in terms)


class Equations:
    """Scores each thought by the equations in it."""

    async def score(self, candidates: Sequence[Answer], context: Context, engine: Engine) -> Scores:
        """All thoughts of a wave at once. A scorer that asks the model has the engine and the question for it."""
        return Scores(values=tuple(truth(answer.text) for answer in candidates))


async def search(question: str, engine: Engine) -> Answer:
    """Grows six thoughts, keeps the best two of them after each step, and lets those that come to an end vote."""
    method = TreeSearch(
        rule=Beam(beam_width=3),
        scorer=Equations(),
        stepper=ModelSteps(sampling=Sampling(temperature=0.8, seed=1), step_tokens=48),
        width=6,
        max_depth=4,
    )
    context = await converse(engine, [("user", question)], name="question")
    return await method.solve(context, engine)


async def main() -> None:
    """Searches with the embedded model, and draws the tree with its scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("question", nargs="?", default="What is 12 * 7 + 38?")
    question = parser.parse_args().question
    print("starting vLLM with the embedded model; this takes a minute", file=sys.stderr)
    async with local_engine() as engine:
        answer = await search(question, engine)
    print(f"{draw_threads(answer)}\n\nanswer: {answer.value}")


if __name__ == "__main__":
    anyio.run(main)
