"""The Game of 24 as a tree search: a program says which moves are legal, the model which thoughts can still succeed.

    4 5 6 10 ─┬─ 10 - 4 = 6 (left: 5 6 6)     "... 5 6: 11 1 30 with 6: 18 30 yes"     1.0
              └─ 10 + 4 = 14 (left: 5 6 14)   "... none"                               0.0

`python -m examples.game24 4 5 6 10` plays with the embedded model, which has practised both: moves, and to look ahead.
"""

import argparse
import sys
from functools import partial

import anyio

from engines import Constraint, Engine, Sampling, UsageError, converse, local_engine
from evals import Problem, task_named
from evals.game24 import Numbers, expression_of, makes_24, move_lines, numbers_of, remaining
from reasoning import (
    Answer,
    GuidedSteps,
    ModelSteps,
    Rebase,
    Remembered,
    StepVerifier,
    TreeSearch,
    draw_threads,
)

TASK = task_named("game24")
JUDGE = StepVerifier(thinking_tokens=192, sampling=Sampling(temperature=0))


async def solve(puzzle: str, engine: Engine, width: int = 16) -> Answer:
    """Searches for the moves that make 24; the answer's value is an expression, of whatever value.

    Raises:
        UsageError: The puzzle is none.
    """
    numbers = checked(puzzle)

    def legal_moves(thought: str) -> Constraint | None:
        """What the next step may say; None where one number is left, so that the thought has come to its end."""
        left = remaining(numbers, thought)
        return move_lines(left, "\n\n") if left is not None and len(left) > 1 else None

    search = TreeSearch(
        rule=Rebase(),
        # Samples often say the same, which is judged once.
        scorer=Remembered(scorer=JUDGE),
        stepper=GuidedSteps(
            constraint=legal_moves,
            answer=partial(expression_of, numbers),
            steps=ModelSteps(sampling=Sampling(temperature=1.0, seed=1), ends=()),
        ),
        width=width,
        instruction="",
    )
    question = await converse(engine, [("user", asked(puzzle))], name="puzzle")
    return await search.solve(question, engine)


def asked(puzzle: str) -> str:
    """The puzzle in the words in which the embedded model has practised."""
    data = {"numbers": [int(word) for word in puzzle.split()], "target": 24}
    return TASK.asked(Problem(id="puzzle", problem=puzzle, answer="24", data=data))


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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("numbers", nargs="*", default=["4", "5", "6", "10"])
    puzzle = " ".join(parser.parse_args().numbers)
    try:
        checked(puzzle)
    except UsageError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    anyio.run(play, puzzle)


if __name__ == "__main__":
    main()
