"""The Game of 24 as a tree search: a program says which moves are legal, and which thoughts can still succeed.

`python -m examples.game24 4 5 6 10` plays with the embedded model.
"""

import argparse
import sys
from functools import partial

import anyio

from engines import Constraint, Engine, Sampling, UsageError, converse, local_engine
from evals.game24 import (
    Numbers,
    expression_of,
    makes_24,
    move_lines,
    numbers_of,
    on_track,
    remaining,
)
from reasoning import Answer, Check, GuidedSteps, ModelSteps, Rebase, TreeSearch, draw_threads


async def solve(puzzle: str, engine: Engine, width: int = 16) -> Answer:
    """Searches for the moves that make 24; the answer's value is an expression, of whatever value.

    Raises:
        UsageError: The puzzle is none.
    """
    numbers = checked(puzzle)

    def legal_moves(thought: str) -> Constraint | None:
        """What the next step may say; None where one number is left, so that the thought has come to its end."""
        left = remaining(numbers, thought)
        return move_lines(left) if left is not None and len(left) > 1 else None

    def promising(thought: Answer) -> bool:
        """Whether 24 is still within reach."""
        return on_track(numbers, thought.text)

    search = TreeSearch(
        rule=Rebase(),
        scorer=Check(check=promising),
        stepper=GuidedSteps(
            constraint=legal_moves,
            answer=partial(expression_of, numbers),
            steps=ModelSteps(sampling=Sampling(temperature=1.0, seed=1), ends=()),
        ),
        width=width,
        instruction="\n\nMake 24 of these numbers by + - * /, one move a line.",
    )
    question = await converse(engine, [("user", puzzle)], name="puzzle")
    return await search.solve(question, engine)


def checked(puzzle: str) -> Numbers:
    """The numbers of the puzzle.

    Raises:
        UsageError: They are not two to six whole numbers: of more there are too many moves.
    """
    words = puzzle.split()
    if not (2 <= len(words) <= 6 and all(word.isascii() and word.isdigit() for word in words)):
        raise UsageError(
            f"{puzzle!r} is no puzzle: give two to six whole numbers, such as 4 5 6 10"
        )
    return numbers_of(puzzle)


def told(puzzle: str, answer: Answer) -> str:
    """The tree, and what came of it."""
    expression = answer.value
    solved = expression is not None and makes_24(numbers_of(puzzle), expression)
    verdict = f"24 = {expression}" if solved else f"not 24: {expression or 'no moves to the end'}"
    return f"{draw_threads(answer)}\n\n{verdict}"


async def play(puzzle: str) -> None:
    """Prints the tree and the expression."""
    print("starting vLLM with the embedded model; this takes a minute", file=sys.stderr)
    async with local_engine() as engine:
        print("searching", file=sys.stderr)
        answer = await solve(puzzle, engine)
    print(told(puzzle, answer))


def main() -> None:
    """Plays the puzzle of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("numbers", nargs="*", default=["4", "5", "6", "10"])
    puzzle = " ".join(parser.parse_args().numbers)
    try:
        checked(puzzle)
    except UsageError as error:
        sys.exit(str(error))
    anyio.run(play, puzzle)


if __name__ == "__main__":
    main()
