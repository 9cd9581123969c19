"""A task of one's own: `forkjoin eval examples.custom_task:TASK -k 4`.

A file of problems and answers needs no Python at all: `forkjoin eval custom --data FILE`.
"""

import random

from evals import Problem, Task
from evals.grading.math_grader import MathGrader


def sums(seed: int, count: int) -> list[Problem]:
    """Sums of three numbers."""
    chance = random.Random(seed)
    rows = [[chance.randint(10, 99) for _ in range(3)] for _ in range(count)]
    return [
        Problem(
            id=f"sum-{number}", problem=" + ".join(map(str, row)) + " = ?", answer=str(sum(row))
        )
        for number, row in enumerate(rows)
    ]


TASK = Task(
    name="sums",
    about="sums of three numbers of two digits",
    grader=MathGrader,
    prompt="{problem}\n\nPut the sum within \\boxed{}.",
    generate=sums,
)


def main() -> None:
    """Prints a problem as it is put, and its answer."""
    problem = sums(seed=0, count=1)[0]
    print(f"{TASK.asked(problem)}\n\nanswer: {problem.answer}")


if __name__ == "__main__":
    main()
