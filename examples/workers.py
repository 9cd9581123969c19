"""Workers that read each other over one attention cache, and what each of them writes while they write it.

`python -m examples.workers "What is 12 * 7?"` has two of them work with the embedded model.
"""

import argparse
import sys

import anyio

from engines import Delivery, Engine, Sampling, converse, hogwild_engine
from reasoning import Hogwild, extract_answer


async def write(question: str, engine: Engine, team: Hogwild) -> str:
    """Lets a team work on a question, tells what each writes, and returns the transcript.

    `team.solve` does the same in one line, and gives an `Answer` with a branch for each worker.
    """
    context = await converse(engine, [("user", question)], name="question")
    prompt = await team.invited(context, engine)
    sampling = Sampling(max_tokens=200, seed=1, collaboration=team.collaboration)
    transcript = ""
    async with engine.stream(prompt, sampling, Delivery(interval=8)) as chunks:
        async for chunk in chunks:
            transcript += chunk.text
            for draft in chunk.drafts:
                print(f"{team.collaboration.workers[draft.worker]:>6} | {draft.text!r}")
    return transcript


async def main() -> None:
    """Works on the question on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("question", nargs="?", default="What is 12 * 7?")
    question = parser.parse_args().question
    print("loading the embedded model with PyTorch; this takes some seconds", file=sys.stderr)
    async with hogwild_engine() as engine:
        transcript = await write(question, engine, Hogwild(workers=2))
    print(f"\n{transcript}\n\nanswer: {extract_answer(transcript)}")


if __name__ == "__main__":
    anyio.run(main)
