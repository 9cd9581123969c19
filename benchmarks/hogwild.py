"""Workers over one attention cache: tokens per second and memory, beside as many independent writers in transformers.

python -m benchmarks.hogwild [--model FOLDER] [--shape NAME ...] [--workers 1 2 4 8] [--history 64 4096] [--json]
          [--rounds N] [--device DEVICE] [--threads 2] [--compiled] [--minutes 5]

Without a model and a shape: the embedded model, in float32 on a CPU; on a GPU also random weights in bfloat16 in the
shapes of real models, those that fit. Nothing is downloaded. Each rate is also told as a multiple of the same way's
own with the first number of workers, which is what to compare: machines differ and drift. A number of workers that is
given again is measured again. Goal: 4 workers on a GPU at least 3.4 times as fast as one, as in Rodionov et al. 2025.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import torch
import transformers
from transformers import AutoModelForCausalLM

from benchmarks import hogwild_runs as runs
from benchmarks.hogwild_runs import CacheKind, Figure
from benchmarks.model_shapes import PUBLISHED, SHAPES, random_model, weight_bytes
from benchmarks.report import machine, table
from engines import ForkjoinError, RequestRejected, embedded_model
from engines.hogwild.model.memory import free_bytes
from engines.hogwild.model.tokenizing import ModelTokenizer
from engines.hogwild.model.torch_model import TorchModel
from engines.hogwild.tokenizer import Tokenizer

PAPER = "paper, QwQ-32B-AWQ on an L40S: 20.1, 36.3 (1.8x) and 68.9 (3.4x) tokens/s with 1, 2 and 4 workers"
HEADERS = [
    "workers",
    *("passes: tokens/s", "of 1", "ms"),
    *("with steps: tokens/s", "of 1", "ms"),
    *("independent: tokens/s", "of 1", "ms", "cache"),
    *("KV MB", "independent"),
    "draws ms",
]


@dataclass
class Report:
    """The figures of one model; `first` has the rates of the first number of workers."""

    model: str
    prints_json: bool
    first: dict[tuple[int, str], float] = field(default_factory=dict)

    def add(self, history: int, workers: int, way: str, figure: Figure) -> list[str]:
        """Tells of it; its rate, this as a multiple of the first, and its milliseconds."""
        # Independent writers are compared with the first of them whatever their cache.
        first = self.first.setdefault((history, way.partition(",")[0]), figure.tokens_per_second)
        multiple = figure.tokens_per_second / first
        self.tell(history=history, workers=workers, way=way, multiple=multiple, **asdict(figure))
        return [
            f"{figure.tokens_per_second:,.1f}",
            f"{multiple:.2f}x",
            f"{figure.milliseconds:.1f}",
        ]

    def tell(self, **figures: Any) -> None:
        if self.prints_json:
            rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in figures.items()}
            print(json.dumps({"model": self.model, **rounded}), flush=True)


def measured(way: Callable[[], Figure]) -> Figure | None:
    """Its figure; None where there is no memory for it."""
    _free_memory()
    try:
        return way()
    except (RequestRejected, torch.OutOfMemoryError):
        return None


def fastest(found: Mapping[CacheKind, Figure | None]) -> tuple[str, Figure | None]:
    """With which kind of cache the most tokens came."""
    known = {kind: figure for kind, figure in found.items() if figure is not None}
    if not known:
        return "-", None
    kind = max(known, key=lambda kind: known[kind].tokens_per_second)
    return kind, known[kind]


def row(
    report: Report,
    model: Any,
    shared: TorchModel,
    history: int,
    workers: int,
    asked: argparse.Namespace,
) -> list[str]:
    """The three ways with so many workers."""
    rounds = asked.rounds
    kinds: list[CacheKind] = ["dynamic", "static"]
    kind, apart = fastest(
        {
            kind: measured(partial(runs.independent, model, workers, history, rounds, kind))
            for kind in kinds + ["compiled"] * asked.compiled
        }
    )
    middle = measured(partial(runs.passes, shared, workers, history, rounds))
    whole = measured(partial(runs.with_steps, shared, workers, history, asked.steps_rounds))
    draws = runs.drawing(shared, workers)
    report.tell(history=history, workers=workers, way="draws", milliseconds=draws)
    ways = {"passes": middle, "with steps": whole, f"independent, {kind} cache": apart}
    cells = [str(workers)]
    for way, figure in ways.items():
        told = report.add(history, workers, way, figure) if figure else ["-", "-", "-"]
        cells += told
    return [*cells, kind, _megabytes(whole), _megabytes(apart), f"{draws:.2f}"]


def compare(report: Report, model: Any, shared: TorchModel, asked: argparse.Namespace) -> None:
    """A table for each history."""
    for history in asked.history:
        rows = []
        for workers in asked.workers:
            if time.monotonic() > asked.deadline:
                print(f"no time for a history of {history} tokens and {workers} workers: --minutes")
                continue
            rows.append(row(report, model, shared, history, workers, asked))
        print(f"\n{report.model}, a history of {history:,} tokens")
        print(table(HEADERS, rows), flush=True)


def sessions(
    report: Report, shared: TorchModel, tokenizer: Tokenizer, asked: argparse.Namespace
) -> None:
    """A table of what a session takes beside its decoder."""
    rows = []
    for workers in dict.fromkeys(asked.workers):
        found = runs.session(shared, tokenizer, workers, asked.rounds)
        report.tell(workers=workers, way="session", **asdict(found))
        rows.append([str(workers), f"{found.a_round:.1f}", f"{found.outside:.2f}"])
    print(f"\n{report.model}, whole sessions")
    print(table(["workers", "ms a round", "outside the decoder"], rows), flush=True)


def models(asked: argparse.Namespace, device: torch.device) -> Iterator[str]:
    """What is asked for, or what there is and fits."""
    if asked.model or asked.shape:
        yield from filter(None, [asked.model, *asked.shape])
        return
    try:
        yield str(anyio.run(embedded_model.prepare))
    except ForkjoinError as error:
        print(f"without the embedded model: {error}")
    if device.type == "cuda":
        yield from PUBLISHED


def run(name: str, device: torch.device, asked: argparse.Namespace) -> None:
    """Everything about one model."""
    if name in SHAPES:
        if 1.1 * weight_bytes(name) > free_bytes(device):
            print(f"{name} does not fit on {device}")
            return
        start = time.monotonic()
        model = random_model(name, device)
        print(f"\n{name} with random weights, made in {time.monotonic() - start:.0f} s")
        compare(Report(name, asked.json), model, TorchModel(model), asked)
        return
    # As the embedded model is kept: a model of its size is float32 on a CPU and bfloat16 on a GPU.
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(name, dtype=dtype).to(device).eval()
    report, shared = Report(Path(name).name, asked.json), TorchModel(model)
    compare(report, model, shared, asked)
    sessions(report, shared, ModelTokenizer.load(name), asked)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", help="a folder")
    parser.add_argument("--shape", nargs="*", choices=list(SHAPES), default=[])
    parser.add_argument("--workers", nargs="*", type=int, default=[1, 2, 4, 8])
    parser.add_argument("--history", nargs="*", type=int, default=[64, 4096])
    parser.add_argument("--rounds", type=int, help="of passes; on a CPU 16, else 64")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=2, help="1 on processors that others want")
    parser.add_argument("--compiled", action="store_true", help="also transformers with compile")
    parser.add_argument("--minutes", type=float, default=5, help="begins no row after these")
    parser.add_argument("--json", action="store_true", help="also a line for every figure")
    asked = parser.parse_args()
    device = torch.device(asked.device)
    on_cpu = device.type == "cpu"
    torch.set_num_threads(asked.threads)
    asked.rounds = asked.rounds or (16 if on_cpu else 64)
    # Each worker's step ends once, or more often.
    asked.steps_rounds = max(asked.rounds, runs.STEP_TOKENS * (1 if on_cpu else 3))
    asked.deadline = time.monotonic() + 60 * asked.minutes
    print(machine() if on_cpu else f"{machine()}, {torch.cuda.get_device_name(device)}")
    print(f"torch {torch.__version__}, transformers {transformers.__version__}")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in models(asked, device):
        run(name, device, asked)
        _free_memory()
    print(f"\n{PAPER}")


def _free_memory() -> None:
    """Caches that refer to themselves wait for the collector, which on a GPU is too late."""
    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()


def _megabytes(figure: Figure | None) -> str:
    return f"{figure.kv_bytes / 1e6:,.0f} of {figure.kv_reserved / 1e6:,.0f}" if figure else "-"


if __name__ == "__main__":
    main()
