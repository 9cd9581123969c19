r"""What a model is told of blocks that was not tuned to write them. Pure.

question   how to write threads, in an example   End with the final answer in \boxed{}.
"""

from __future__ import annotations

from .dialect import Dialect, closing, opening

_QUESTION = "What is 3 * 12 + 5 * 8?"
_THREADS = (("the first product", "3 * 12 = 36."), ("the second product", "5 * 8 = 40."))
_CONCLUSION = "The products are 36 and 40."
_END = r"Their sum is \boxed{76}."


def invitation(dialect: Dialect, max_paths: int) -> str:
    """What is added to the user's turn: how to write blocks, with an example in the tags of the dialect.

    Args:
        dialect: The tags.
        max_paths: The most threads of a block.
    """
    concluding = "then what follows from all of them, " if dialect.conclusion else ""
    return (
        f"\n\nThink step by step. First split the work into parts that do not need each other's results, at most "
        f"{max_paths}. List what each has to find out, then write a thread for each, {concluding}and then the "
        f"rest of the solution. End with the final answer in \\boxed{{}}.\n\n"
        f"For instance, the solution of another question, {_QUESTION!r}:\n\n{_example_block(dialect)}\n{_END}\n\n"
        f"Now solve the question at the beginning in this form, with its own numbers."
    )


def _example_block(dialect: Dialect) -> str:
    outlines = " ".join(
        f"{opening(dialect.outline)}{label}: {goal}{closing(dialect.outline)}"
        for label, (goal, _) in enumerate(_THREADS, start=1)
    )
    colon = "" if dialect.label_end else ":"
    threads = "".join(
        f"{dialect.thread_header(str(label), later=label > 1)}{colon} {thought}{dialect.thread_end}"
        for label, (_, thought) in enumerate(_THREADS, start=1)
    )
    conclusion = f"{_CONCLUSION}{closing(dialect.conclusion)}\n" if dialect.conclusion else ""
    return (
        f"{opening(dialect.parallel)}\n{opening(dialect.goals)}\n{outlines}\n{dialect.fork_tag}"
        f"{threads}{dialect.tail}{conclusion}{closing(dialect.parallel)}"
    )
