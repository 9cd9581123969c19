"""The Game of 24 as a tree search: a program says which moves are legal, and which thoughts can still succeed.

`python -m examples.game24 4 5 6 10` plays with the embedded model.
"""

import sys
from functools import partial

import anyio

from engines import Constraint, Engine, Sampling, converse, local_engine
from evals.game24 import expression_of, move_lines, numbers_of, on_track, remaining
from reasoning import Answer, Check
from reasoning.searching.guided_steps import GuidedSteps
from reasoning.searching.rules.rebase import Rebase
from reasoning.searching.stepping import ModelSteps
from reasoning.searching.tree_search import TreeSearch


async def solve(puzzle: str, engine: Engine, width: int = 16) -> Answer:
    """Searches for the moves that make 24; the answer's value is an expression."""
    numbers = numbers_of(puzzle)

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


async def play(puzzle: str) -> None:
    """Prints the moves and the expression."""
    async with local_engine() as engine:
        answer = await solve(puzzle, engine)
    print(answer.text, answer.value, answer.usage, sep="\n")


def main() -> None:
    """Plays the puzzle of the command line."""
    anyio.run(play, " ".join(sys.argv[1:]) or "4 5 6 10")


if __name__ == "__main__":
    main()
