"""A batch on a Ray cluster: `ray start --head`, then `python -m examples.batch_on_ray`.

    questions.jsonl ─> rows ─┬─> actor with an engine ─┬─> answers.jsonl, in the order of the questions
                             └─> actor with an engine ─┘

Every GPU gets an engine, or every processor where there are none. The same command again goes on where it was stopped,
and an actor that dies costs what it was just doing. Further options are those of `forkjoin batch`, such as
`--engine http://127.0.0.1:8000/v1` or `--backend local`.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.command_line import main as forkjoin

QUESTIONS, ANSWERS = Path("questions.jsonl"), Path("answers.jsonl")


def write_questions(path: Path) -> None:
    """A row for each question; what a body of `/v1/completions` may say, a row may say too."""
    with path.open("w", encoding="utf-8") as file:
        for a, b in ((12, 7), (34, 8), (56, 9)):
            row = {"id": f"{a}-{b}", "prompt": f"What is {a} * {b}?", "max_tokens": 64}
            file.write(json.dumps(row) + "\n")


def answers_in(path: Path) -> Iterator[tuple[str, str]]:
    """The ids of the rows, and what was answered."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield row["id"], row["text"]


def answer(options: Sequence[str] = ()) -> int:
    """Answers the questions, each by a vote of three."""
    write_questions(QUESTIONS)
    command = ["batch", str(QUESTIONS), "-o", str(ANSWERS), "--backend", "ray"]
    code = forkjoin(
        [*command, "--method", "self-consistency", "--set", "method.samples=3", *options]
    )
    if ANSWERS.exists():
        for name, text in answers_in(ANSWERS):
            print(f"{name}: {text}")
    return code


def main() -> None:
    """Answers them in the current folder."""
    sys.exit(answer(sys.argv[1:]))


if __name__ == "__main__":
    main()
