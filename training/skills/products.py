"""Products of two numbers: a thread for each digit of the second, then the sum (the multiplication of ThreadWeaver).

prompt ─> outlines ─┬─> 234*7  ─┐
                    └─> 234*60 ─┴─> 1638 + 14040, column by column ─> 15678
"""

from __future__ import annotations

from random import Random

from engines import Context, Engine, Sampling, converse
from reasoning import ChainOfThought, ForkJoin
from reasoning.forking.dialect import THREADWEAVER

from ..lesson import Lesson
from .written_arithmetic import added, multiplied_by_digit, partial_products


class Prototype:
    def lesson(self, random: Random) -> Lesson:
        a = random.randrange(10, 10000)
        b = random.randrange(10, 1000)
        return forked(a, b) if random.random() < 0.6 else chained(a, b)


def question(a: int, b: int) -> str:
    return f"What is {a} * {b}?"


def parts(a: int, b: int) -> list[str]:
    return [multiplied_by_digit(a, d, z) for d, z in partial_products(a, b)]


def end(a: int, b: int) -> str:
    terms = [a * d * 10**z for d, z in partial_products(a, b)]
    total = f"{added(terms)}\n" if len(terms) > 1 else ""
    return f"{total}{a}*{b}={a * b}\n\n\\boxed{{{a * b}}}"


def forked(a: int, b: int) -> Lesson:
    labels = [f"times {d}{'0' * z}" for d, z in partial_products(a, b)]
    outlines = "".join(f"<Outline> {i}: {label} </Outline>\n" for i, label in enumerate(labels, 1))
    head = f"<Parallel>\n<Outlines>\n{outlines}</Outlines>"
    threads = parts(a, b)

    def reply(context: Context, sampling: Sampling) -> str:
        *_, before, last = ("", *context.path.split("/"))
        if last.startswith("thread-"):
            return " " + threads[int(last.removeprefix("thread-")) - 1] + "\n</Thread>"
        if last.startswith("round-"):
            return "</Parallel>\n" + end(a, b)
        return head

    async def solve(engine: Engine) -> object:
        context = await converse(engine, [("user", question(a, b))], name="question")
        method = ForkJoin(
            dialect=THREADWEAVER,
            invited=False,
            instruction="\n\nThink in parallel threads.",
            sampling=Sampling(max_tokens=4096),
        )
        return await method.solve(context, engine)

    return Lesson(solve=solve, reply=reply)


def chained(a: int, b: int) -> Lesson:
    text = "\n".join([*parts(a, b), end(a, b)])

    async def solve(engine: Engine) -> object:
        context = await converse(engine, [("user", question(a, b))], name="question")
        return await ChainOfThought(sampling=Sampling(max_tokens=4096)).solve(context, engine)

    return Lesson(solve=solve, reply=lambda context, sampling: text)
