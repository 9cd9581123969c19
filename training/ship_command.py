"""`python -m training ship`: puts a trained adapter where forkjoin takes it from, with checksums and its model card.

OUT/adapter ─┬─> adapter_config.json, adapter_model.safetensors, training.json
             ├─> SHA256SUMS
evaluation ──┴─> README.md
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio

from engines import UsageError, embedded_model
from engines.adapters.adapter import CONFIG, TENSORS, read_adapter
from engines.adapters.checksums import write_checksums
from engines.adapters.shipped import SHIPPED
from engines.model_choice import choose_model
from orchestrator.runs.run_folder import folder_errors

from .evaluation.catalogue import PARTS
from .evaluation.part import PLAIN, TRAINED
from .evaluation.record import FILE, Record
from .model_card import model_card
from .training_record import FILE as RECORD
from .training_record import TrainingRecord
from .weights import weights_of, without_adapter

_CARD = "README.md"
_MOST_BYTES = 12_000_000


def command(arguments: Sequence[str]) -> None:
    """Copies the adapter, or writes its card anew where it is that one.

    Raises:
        ForkjoinError: See `ship`.
    """
    options = _parser().parse_args(arguments)
    size = ship(options.adapter, options.evaluation, options.to, unfinished=options.unfinished)
    sys.stdout.write(f"{size / 1e6:.1f} MB are in {options.to}\n")


def ship(adapter: Path, evaluation: Path | None, to: Path, *, unfinished: bool = False) -> int:
    """Puts an adapter, its checksums and its card into a folder, in the place of the adapter that was there.

    Args:
        adapter: Its folder.
        evaluation: The folder of what was measured of it, for the card.
        to: Where it goes.
        unfinished: Whether it may be one whose training has not come to its end.

    Returns:
        How many bytes it has.

    Raises:
        UsageError: It is no adapter, damaged, of another model than the embedded one, larger than may be shipped, or
            has no record; its training is not finished; the evaluation is none, has no figures, or is of another
            adapter or plain model; or the folder holds something else.
        ForkjoinError: The embedded model, which it is compared with, is not here.
        RunFolderError: The folder cannot be written.
    """
    # Whatever is wrong with it, the next start of the embedded model would find out.
    choice = choose_model(embedded_model.PLAIN, adapter)
    anyio.run(choice.find)
    checked = choice.adapter
    assert checked is not None
    record = TrainingRecord.read(adapter)
    if record.steps < record.planned and not unfinished:
        raise UsageError(
            f"the training of {adapter} has come to {record.steps:,} of {record.planned:,} steps: go on with the same "
            f"`train` command, or ship it as it is with --unfinished"
        )
    card = _card(adapter, record, evaluation)
    with folder_errors(to, called=str(to), option="--to"):
        # `.` has no name.
        place = to.resolve()
        if place.exists() and not (place / CONFIG).exists():
            raise UsageError(
                f"{to} is no folder of an adapter, and is left as it is: choose another with --to"
            )
        part, old = (place.with_name(f".{place.name}.{end}") for end in ("part", "old"))
        if place.exists():
            shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(part, ignore_errors=True)
        try:
            size = _fill(part, adapter, card)
            if read_adapter(part).checksums != checked.checksums:
                raise UsageError(f"{adapter} was changed while it was copied: try again")
            if place.exists():
                place.rename(old)
            part.rename(place)
        finally:
            if old.exists() and not place.exists():
                old.rename(place)
            for rest in (part, old):
                shutil.rmtree(rest, ignore_errors=True)
    return size


def _fill(part: Path, adapter: Path, card: str) -> int:
    """Returns how many bytes it has."""
    part.mkdir(parents=True)
    for name in (CONFIG, TENSORS, RECORD):
        shutil.copyfile(adapter / name, part / name)
    write_checksums(part)
    (part / _CARD).write_text(card, encoding="utf-8")
    size = sum(file.stat().st_size for file in part.iterdir())
    if size > _MOST_BYTES:
        raise UsageError(
            f"{adapter} has {size / 1e6:.1f} MB, and {_MOST_BYTES / 1e6:.0f} MB may be shipped: train it with a "
            f"smaller --rank"
        )
    return size


def _card(adapter: Path, record: TrainingRecord, evaluation: Path | None) -> str:
    if evaluation is None:
        return model_card(record, (), {})
    advice = f"`python -m training evaluate --out OUT --model {adapter}` makes one"
    if not (evaluation / FILE).is_file():
        raise UsageError(f"there is no evaluation in {evaluation}, which has no {FILE}: {advice}")
    measured = Record(evaluation)
    wanted, found = weights_of(str(adapter)), measured.weights.get(TRAINED, "none")
    if found != wanted:
        raise UsageError(
            f"the evaluation in {evaluation} is not of {adapter}, which is {wanted}, but of {found}: {advice}, or "
            f"leave --evaluation out"
        )
    # There is none where only parts were measured that compare with nothing.
    base = without_adapter(wanted)
    plain = measured.weights.get(PLAIN, base)
    if plain != base:
        raise UsageError(
            f"the evaluation in {evaluation} compares with {plain} as the plain model, and {adapter} was trained on "
            f"{base}: {advice}, or leave --evaluation out"
        )
    tables = list(measured.tables(list(PARTS)))
    if not tables:
        raise UsageError(
            f"the evaluation in {evaluation} has no figures yet: the `evaluate` command that began it goes on, or "
            f"leave --evaluation out"
        )
    return model_card(record, tables, measured.engines(list(PARTS)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training ship",
        description="Puts a trained adapter where forkjoin takes it from, with checksums and its model card.",
    )
    add = parser.add_argument
    add(
        "--adapter",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="what `train` made: OUT/adapter",
    )
    add("--evaluation", type=Path, metavar="FOLDER", help="what `evaluate` made: its --out")
    add("--unfinished", action="store_true",
        help="ship it though not all steps of its training are done")  # fmt: skip
    add("--to", type=Path, default=SHIPPED, metavar="FOLDER",
        help="where it goes (default: the folder of the adapter that comes with forkjoin)")  # fmt: skip
    return parser
