"""Options of vLLM that reach it: speculation, quantised weights, two GPUs, each beside the plain engine.

    plain ──────────────────> greedy texts, tokens/s ─┐
    with an option, one after the other ──────────────┴─> how much faster? the same texts?

Each is an engine of its own and answers the same prompts in the same order: what is new to one is new to all.
Speculation must not change a text (see `greedy`); with random weights nearly every two tokens are a tie.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from engines import Engine, single_error

from ..errors import require
from ..figure import Figure
from ..greedy import Answers, Load, answers_to, sameness
from ..models import DUMMY, WINDOW, write_shape
from ..part import Incomplete, Setting
from ..timing import collected, ratio
from ..vllm_says import kernels_in_log, vllm_says

# Few sequences, and so few graphs to capture: an engine starts sooner, and there are several.
_ENGINE: Mapping[str, Any] = {
    "max_model_len": WINDOW,
    "max_num_seqs": 64,
    "max_num_batched_tokens": WINDOW,
}
_GUESSES = 4
_BESIDE = "the same run without"
GPTQ: Mapping[str, Any] = {
    "quant_method": "gptq",
    "bits": 4,
    "group_size": 128,
    "desc_act": False,
    "sym": True,
    "lm_head": False,
    # vLLM 0.25 looks for them in the weights, finds none in a folder without weights, and quantises nothing.
    "modules_in_block_to_quantize": [
        "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
        "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
    ],
}  # fmt: skip
"""What stands in the configuration of a model with 4-bit weights."""

# A start of an engine that hangs is given up, none begins that could not be measured, and in the end the figures so far
# are kept, before the part is ended.
_MOST_SECONDS = 150.0
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


NGRAM = Option(
    name="n-gram speculation",
    vllm={
        "speculative_config": {
            "method": "ngram",
            "num_speculative_tokens": _GUESSES,
            "prompt_lookup_min": 2,
            "prompt_lookup_max": 4,
        }
    },
    says={"speculation": ("ngram",)},
    speculates=True,
)
MARLIN = Option(
    name="4-bit weights (GPTQ, Marlin kernels)",
    # On Hopper vLLM would choose Machete by itself.
    vllm={"hf_overrides": {"quantization_config": GPTQ}, "linear_backend": "marlin"},
    says={"quantization": ("auto_gptq", "gptq_marlin")},
    kernel="Marlin",
)
FP8 = Option(
    name="8-bit weights (fp8)",
    vllm={"quantization": "fp8"},
    says={"quantization": ("fp8", "fp8_per_tensor")},
)
TENSOR = Option(
    name="tensor parallel, 2 GPUs",
    vllm={"tensor_parallel_size": 2},
    says={"tensor_parallel_size": (2,)},
)
DATA = Option(
    name="data parallel, 2 GPUs",
    vllm={"data_parallel_size": 2},
    says={"data_parallel_size": (2,)},
)


async def measure(setting: Setting) -> list[Figure]:
    """Speeds with each option, and whether speculation leaves texts as they are."""
    return await OptionsBenchmark(setting, _gpus()).figures()


class OptionsBenchmark:
    """All options that this model and this machine can have.

    Args:
        setting: Of the part.
        gpus: How many there are; 0 on a CPU.
    """

    def __init__(self, setting: Setting, gpus: int) -> None:
        self._setting = setting
        self._gpus = gpus
        self._dummy = DUMMY.items() <= setting.options.items()
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
        start, options = anyio.current_time(), self.options()
        plain = await self._answers(await self._engine({}))
        found: list[Figure] = []
        problems: list[str] = []
        for option in options:
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

    def options(self) -> list[Option]:
        """Those that can be had here, the most wanted first; which cannot is said."""
        options = [NGRAM]
        if not self._gpus:
            self._say("quantised weights are for a GPU")
        elif self._dummy:
            options += [MARLIN, FP8]
        else:
            self._say("4-bit weights are for a model that has some, or --shape")
            options.append(FP8)
        if self._gpus < 2:
            self._say("tensor and data parallel engines are for two GPUs")
        elif any(heads % 2 for heads in _heads(self._setting.model)):
            self._say("the heads of this model do not split: tensor parallel is for --shape")
            options.append(DATA)
        else:
            options += [TENSOR, DATA]
        return [*options, self._draft()]

    def _draft(self) -> Option:
        """Guesses of another model. Where none is given the model guesses for itself, or random weights do."""
        folder = Path(self._setting.model)
        name = "the model itself"
        if self._setting.draft is not None:
            folder = Path(self._setting.draft).absolute()
            name = folder.name
        elif self._dummy:
            folder = write_shape("tiny", folder, folder.parent / "drafts")
            name = "tiny, random"
        # vLLM sees from the folder whether it is a model of its own, an EAGLE or a Medusa head.
        given = {"model": str(folder), "num_speculative_tokens": _GUESSES}
        return Option(
            name=f"draft model ({name})",
            vllm={"speculative_config": given},
            says={"draft": (str(folder),)},
            speculates=True,
        )

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
        self._setting.say(f"options: {text}")


def check(option: Option, says: Mapping[str, Any]) -> None:
    """Refuses an engine that runs without the option."""
    for name, values in option.says.items():
        if name in says:
            reached = says[name] in values
            require(reached, f"vLLM has {name}={says[name]!r}: the option did not reach it")
    kernels: Sequence[str] = says.get("kernels", ())
    right = not kernels or any(option.kernel in kernel for kernel in kernels)
    require(right, f"vLLM uses {', '.join(kernels)}, and nothing of {option.kernel}")


def _heads(model: str) -> list[int]:
    """Numbers of attention heads, all of which tensor parallel has to split."""
    known = json.loads((Path(model) / "config.json").read_text(encoding="utf-8"))
    return [known[name] for name in ("num_attention_heads", "num_key_value_heads") if name in known]


def _gpus() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0
