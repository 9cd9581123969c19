"""ForkJoin with scripted blocks of 2 to 8 threads, beside as many tokens in one thread.

    outlines ─┬─ thread 1 ─┐
              ├─ thread 2 ─┼─ conclusion        outlines, one thread, conclusion: the critical path
              └─ thread n ─┘

    outlines, thread 1, ..., thread n, conclusion: all tokens, in one call

The ideal speed-up is all tokens over the critical path, as if a token took as long in any batch and nothing else took
time. ForkJoin asks 2 + n times instead of once, and computes threads anew where they are merged: all but the first, and
here the first too, as well as the outlines, since what is generated is not what the script says. The dialect is
ThreadWeaver's (2025).
"""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.parathinker import QUESTION
from engines import STREAMED, Context, Engine, Sampling, converse
from reasoning import Answer
from reasoning.forking.dialect import THREADWEAVER
from reasoning.forking.fork_join import ForkJoin

from ..calls import exactly
from ..errors import require
from ..figure import Figure
from ..forced import ForcedEngine, Say
from ..part import Setting
from ..timing import in_turns, ratio

WIDTHS = range(2, 9)
GOAL = 0.85
# Some 256 tokens a thread.
_SENTENCES = 11
_REPEATS = 3
_SECONDS = 180
# No thread and no call is cut by it.
_MOST = 100_000
_METHOD = ForkJoin(dialect=THREADWEAVER, invited=False, sampling=Sampling(max_tokens=_MOST))
_THOUGHT = " This part has rows of 7 trees, and each tree bears 9 apples: 63 a row."
_CONCLUSION = "</Parallel>\n" + "All parts agree, so that what is asked is their sum. " * 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block that is written, with what is around it.

    Attributes:
        width: Threads.
        thought: What each says, its closing tag included.
        tokens: Of that.
        around: Tokens of the outlines and the conclusion.
    """

    width: int
    thought: str
    tokens: int
    around: int

    @property
    def total(self) -> int:
        """All tokens."""
        return self.around + self.width * self.tokens

    @property
    def path(self) -> int:
        """Those of the critical path."""
        return self.around + self.tokens

    @property
    def ideal(self) -> float:
        """The speed-up if width cost nothing."""
        return self.total / self.path


async def measure(setting: Setting) -> list[Figure]:
    """For each width, the part of the ideal speed-up that is reached."""
    engine = await setting.engine()
    sentences = setting.sized(_SENTENCES, 1)
    widths = WIDTHS if not setting.small else (2, 4)
    blocks = [await block_of(engine, width, sentences) for width in widths]
    for block in blocks:
        setting.say(f"fork-join: {block.width} threads of {block.tokens} tokens each")
    # The widest is warm enough for all: the graphs of a batch are captured when an engine starts.
    await forked(engine, blocks[-1], "warm")
    await alone(engine, blocks[0].path, "warm, alone")
    runs: dict[str, Callable[[str], Awaitable[object]]] = {}
    for block in blocks:
        runs[f"{block.width} threads"] = partial(forked, engine, block)
        runs[f"alone {block.width}"] = partial(alone, engine, block.total)
    seconds = await in_turns(runs, setting.sized(_REPEATS, 1), warm=0, within=_SECONDS)
    return [
        _figure(block, seconds[f"{block.width} threads"], seconds[f"alone {block.width}"])
        for block in blocks
    ]


async def block_of(engine: Engine, width: int, sentences: int) -> Block:
    """A block of threads with so many sentences, measured in this engine's tokens."""
    turn = await converse(engine, [("user", QUESTION), ("assistant", "")])
    thought = _THOUGHT * sentences + THREADWEAVER.thread_end
    outlines, tokens, conclusion = [
        len((await engine.encode(text, role="assistant", after=turn)).token_ids or ())
        for text in (_outlines(width), thought, _CONCLUSION)
    ]
    return Block(width=width, thought=thought, tokens=tokens, around=outlines + conclusion)


async def forked(engine: Engine, block: Block, name: str) -> Answer:
    """Writes it with a thread for each outline.

    Raises:
        Mismeasured: It came to something else.
    """
    question = await _question(engine, name)
    answer = await _METHOD.solve(question, ForcedEngine(engine, partial(_script, block)))
    lengths = [branch.critical_path for branch in answer.branches]
    require(lengths == [block.tokens] * block.width, f"threads of {lengths} tokens")
    require(
        answer.critical_path == block.path and answer.usage.generated_tokens == block.total,
        f"{answer.critical_path} of {answer.usage.generated_tokens} tokens one after another, "
        f"where {block.path} of {block.total} were to be",
    )
    require(not answer.remark and not answer.truncated, answer.remark or answer.cut_by)
    return answer


async def alone(engine: Engine, tokens: int, name: str) -> None:
    """Writes so many tokens in one call.

    Raises:
        Mismeasured: It came to fewer.
    """
    turn = await converse(engine, [("assistant", "")], after=await _question(engine, name))
    await exactly(engine, turn, tokens, STREAMED)


def _script(block: Block, context: Context, sampling: Sampling) -> Say:
    place = context.path.rpartition("/")[2]
    if place.startswith("thread-"):
        return Say(block.thought)
    return Say(_CONCLUSION if place.startswith("round-") else _outlines(block.width))


def _outlines(width: int) -> str:
    outlines = "".join(
        f"<Outline> {number}: Count the apples of the rows of part {number}. </Outline>\n"
        for number in range(1, width + 1)
    )
    return f"The rows are counted in {width} parts.\n<Parallel>\n<Outlines>\n{outlines}</Outlines>"


async def _question(engine: Engine, name: str) -> Context:
    """About 200 tokens, the first of which are the name's."""
    return await converse(engine, [("user", f"{name}: {QUESTION * 8}")], name=name)


def _figure(block: Block, seconds: Sequence[float], serial: Sequence[float]) -> Figure:
    speedup = ratio(serial, seconds)
    return Figure(
        what=f"ForkJoin, {block.width} threads of {block.tokens} tokens",
        beside=f"{block.total:,} tokens in one thread",
        value=speedup / block.ideal,
        goal=GOAL,
        unit=" of the ideal",
        detail=f"{speedup:.2f}x of {block.ideal:.2f}x; {statistics.median(seconds):.2f} beside "
        f"{statistics.median(serial):.2f} s",
        data={
            "seconds": list(seconds),
            "seconds_alone": list(serial),
            "total": block.total,
            "critical_path": block.path,
            "ideal": block.ideal,
        },
    )
