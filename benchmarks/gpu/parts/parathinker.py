"""ParaThinker with 8 threads and a summary, beside one thread as long as the longest path and the summary together.

    8 threads of T tokens ─> a summary of S     T + S tokens one after another
    1 thread of T + S tokens                    T + S tokens one after another

So what is left between them is what width costs: decoding 8 sequences at once, and reading 8 threads before the
summary. The paper has 7.1 % for that (arXiv 2509.04475), on an engine that reuses the threads' KV caches for the
summary. Here its usual order computes all threads anew, `longest first` all but one.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from functools import partial

from benchmarks.parathinker import THREADS, Times, methods, timed

from ..errors import require
from ..figure import Figure
from ..part import Setting
from ..timing import collected, ratio

# The paper's overhead of 8 threads.
GOAL = 1.071
# Eight of them, the question and a summary fit into a window of 8,192 tokens.
_TOKENS = 640
_REPEATS = 5
_SECONDS = 150


async def measure(setting: Setting) -> list[Figure]:
    """The wall time of either order of the summary over that of one thread, all lengths forced."""
    engine = await setting.engine()
    tokens = setting.sized(_TOKENS, 32)
    path = tokens + tokens // 4
    # Unseeded, as a user has it who sets nothing.
    solves = methods(tokens, alone=path, seed=None)
    setting.say(f"parathinker: one thread of {path} tokens, {THREADS} of {tokens} with a summary")
    found = await collected(
        {name: partial(timed, solve, engine) for name, solve in solves.items()},
        repeats=setting.sized(_REPEATS, 1),
        within=_SECONDS,
    )
    (_, alone), *orders = found.items()
    _check(alone, [path], path)
    for _, times in orders:
        _check(times, [tokens] * THREADS, path)
    return [_figure(name, times, alone, tokens) for name, times in orders]


def _check(found: Sequence[Times], threads: list[int], path: int) -> None:
    for times in found:
        require(times.generated == threads, f"threads of {times.generated} tokens, not {threads}")
        require(times.path == path, f"{times.path} tokens one after another, not {path}")
        require(not times.remark, times.remark)


def _figure(name: str, found: Sequence[Times], alone: Sequence[Times], tokens: int) -> Figure:
    whole = [times.whole for times in found]
    serial = [times.whole for times in alone]
    threads = statistics.median(times.threads for times in found)
    summary = statistics.median(times.summary for times in found)
    cached = statistics.median(times.cached for times in found)
    prompt = statistics.median(times.prompt for times in found)
    # What one thread takes for as many tokens as each of the eight has.
    pace = statistics.median(serial) * tokens / alone[0].path
    return Figure(
        what=f"ParaThinker, {name}: {tokens} tokens a thread, {found[0].path - tokens} of summary",
        beside=f"one thread of {found[0].path} tokens",
        value=ratio(whole, serial),
        goal=GOAL,
        better="less",
        detail=f"{statistics.median(whole):.2f} beside {statistics.median(serial):.2f} s; threads "
        f"{threads / pace:.3f}x of their share, then {summary:.2f} s; {cached:,.0f} of the summary's {prompt:,.0f} "
        f"prompt tokens cached",
        data={
            "seconds": whole,
            "seconds_alone": serial,
            "seconds_of_threads": [times.threads for times in found],
            "seconds_of_summary": [times.summary for times in found],
            "summary_prompt_tokens": [times.prompt for times in found],
            "summary_cached_tokens": [times.cached for times in found],
            "tokens": {"thread": tokens, "path": found[0].path},
        },
    )
