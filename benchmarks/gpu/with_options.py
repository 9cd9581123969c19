"""What an option of vLLM changes: engines with it beside the plain one, which answer the same prompts.

    plain ──────────────────> greedy texts, tokens/s ─┐
    with an option, one after the other ──────────────┴─> how much faster? the same texts?

Each is an engine of its own and answers the same prompts in the same order: what is new to one is new to all.
Speculation must not change a text (see `greedy`); with random weights nearly every two tokens are a tie.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import anyio

from engines import Engine, single_error

from .errors import require
from .figure import Figure
from .greedy import Answers, Load, answers_to, sameness
from .models import WINDOW
from .part import Incomplete, Setting
from .timing import collected, ratio
from .vllm_says import kernels_in_log, vllm_says

# Few sequences, and so few graphs to capture: an engine starts sooner, and there are several.
_ENGINE: Mapping[str, Any] = {
    "max_model_len": WINDOW,
    "max_num_seqs": 64,
    "max_num_batched_tokens": WINDOW,
}
_BESIDE = "the same run without"
# A start of an engine that hangs is given up, none begins that could not be measured, and in the end the figures so far
# are kept, before the part is ended.
_MOST_SECONDS = 200.0
_LATEST_START = 420.0
_END = 500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One thing that vLLM is asked to do otherwise.

    Attributes:
        name: What it is called in the table.
        vllm: The options that ask for it.
        says: What vLLM must then say of itself, each one of some values.
        speculates: Whether it guesses tokens, and must not change what is written.
        kernel: What has to be in the name of a kernel that it says it uses; empty for any.
    """

    name: str
    vllm: Mapping[str, Any]
    says: Mapping[str, Sequence[object]]
    speculates: bool = False
    kernel: str = ""


class OptionsBenchmark:
    """An engine without an option, and one with each.

    Args:
        part: Which asks, for what is said.
        setting: Of the part.
        options: The most wanted first.
    """

    def __init__(self, part: str, setting: Setting, options: Sequence[Option]) -> None:
        self._part = part
        self._setting = setting
        self._options = options
        self._tokens = setting.sized(128, 24)
        many = setting.sized(64, 4)
        self._loads = (
            Load("1 text that repeats itself", 1, True),
            Load(f"{many} texts that repeat themselves", many, True),
            Load("1 other text", 1, False),
        )

    async def figures(self) -> list[Figure]:
        """Of all options, one after the other.

        Raises:
            Incomplete: An option could not be measured; the error has the figures of the others.
        """
        start = anyio.current_time()
        plain = await self._answers(await self._engine({}))
        found: list[Figure] = []
        problems: list[str] = []
        for option in self._options:
            passed = anyio.current_time() - start
            if passed > _LATEST_START:
                problems.append(f"{option.name}: no time was left for it")
                continue
            self._say(option.name)
            try:
                with anyio.fail_after(min(_MOST_SECONDS, _END - passed)), single_error():
                    found += await self._figures(option, plain)
            except Exception as error:  # It must not cost the figures of the others.
                problems.append(f"{option.name}: {type(error).__name__}: {error}")
                self._say(problems[-1])
                await self._setting.engines.close()
        if problems:
            raise Incomplete(found, "; ".join(problems))
        return found

    async def _engine(self, options: Mapping[str, Any]) -> Engine:
        return await self._setting.engines.get(**_ENGINE, **options)

    async def _answers(self, engine: Engine) -> dict[str, list[Answers]]:
        """To each load, round by round."""
        runs = {load.name: partial(answers_to, engine, load, self._tokens) for load in self._loads}
        return await collected(runs, self._setting.sized(3, 1), within=60)

    async def _figures(
        self, option: Option, plain: Mapping[str, Sequence[Answers]]
    ) -> list[Figure]:
        """Of one option, on an engine with it."""
        with kernels_in_log():
            engine = await self._engine(option.vllm)
        says = vllm_says(engine)
        check(option, says)
        answers = await self._answers(engine)
        loads = self._loads if option.speculates else self._loads[:2]
        figures = [
            self._speed(option, load, plain[load.name], answers[load.name], says) for load in loads
        ]
        if option.speculates:
            # One of them may have had time for fewer rounds.
            pairs = [
                pair for name in answers for pair in zip(plain[name], answers[name], strict=False)
            ]
            same = await sameness(engine, pairs)
            figures.append(
                Figure(
                    what=f"{option.name}: same greedy texts",
                    beside=_BESIDE,
                    value=same.share,
                    goal=1.0,
                    unit="",
                    detail=str(same),
                    data=asdict(same),
                )
            )
        return figures

    def _speed(
        self,
        option: Option,
        load: Load,
        without: Sequence[Answers],
        answers: Sequence[Answers],
        says: Mapping[str, Any],
    ) -> Figure:
        fast, slow = (
            [load.texts * self._tokens / answer.seconds for answer in side]
            for side in (answers, without)
        )
        rounds = min(len(fast), len(slow))
        guessed = sum(answer.guessed for answer in answers)
        accepted = sum(answer.accepted for answer in answers)
        detail = f"{statistics.median(fast):,.0f} beside {statistics.median(slow):,.0f} tokens/s"
        if guessed:
            detail += f"; {accepted / guessed:.0%} of {guessed:,} guesses were right"
        return Figure(
            what=f"{option.name}, {load.name}",
            beside=_BESIDE,
            value=ratio(fast[:rounds], slow[:rounds]),
            detail=detail,
            data={
                "tokens_per_second": fast,
                "without": slow,
                "guessed": guessed,
                "accepted": accepted,
                "vllm": dict(says),
            },
        )

    def _say(self, text: str) -> None:
        self._setting.say(f"{self._part}: {text}")


def check(option: Option, says: Mapping[str, Any]) -> None:
    """Refuses an engine that runs without the option."""
    for name, values in option.says.items():
        if name in says:
            reached = says[name] in values
            require(reached, f"vLLM has {name}={says[name]!r}: the option did not reach it")
    kernels: Sequence[str] = says.get("kernels", ())
    right = not kernels or any(option.kernel in kernel for kernel in kernels)
    require(right, f"vLLM uses {', '.join(kernels)}, and nothing of {option.kernel}")
