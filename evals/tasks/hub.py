"""Public datasets of the Hugging Face Hub, at one commit. Blocking: it belongs in a worker thread.

revision of a dataset   its commit
all 40 digits           that one; with the dataset in the cache no network is needed
the first digits        the one of the repository's commits that begins so
none                    the newest; the last that was downloaded where the hub cannot be reached

`datasets` takes seconds to import, so that it is imported on use only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engines import MissingExtra

from ..errors import DatasetUnavailable
from ..task import Dataset
from .hub_cache import cached_builder, cached_commits
from .jsonl import placed_rows
from .rows import PlacedRow

_FULL = 40
_PATIENCE = 20.0
"""Seconds for the hub to say something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A dataset.

    Attributes:
        revision: The full commit.
        rows: Its rows, read as they are asked for.
    """

    revision: str
    rows: Iterable[PlacedRow]


def fetched(dataset: Dataset) -> Fetched:
    """A dataset, from the cache or the hub.

    Raises:
        DatasetUnavailable: It cannot be had.
        MissingExtra: `datasets` is not installed.
    """
    if find_spec("datasets") is None:
        raise MissingExtra("datasets, which reads public datasets,", "data")
    try:
        commit = _commit(dataset)
        rows = _lines(dataset, commit) if dataset.files else _table(dataset, commit)
    except DatasetUnavailable:
        raise
    except Exception as error:  # Whatever two libraries and what they stand on raise.
        raise _unavailable(dataset, _why(dataset, error)) from error
    return Fetched(revision=commit, rows=rows)


def _commit(dataset: Dataset) -> str:
    pin = dataset.revision
    if pin is None:
        return _newest(dataset)
    if len(pin) == _FULL:
        return pin
    return next((commit for commit in cached_commits(dataset) if commit.startswith(pin)), "") or (
        _completed(dataset, pin)
    )


def _newest(dataset: Dataset) -> str:
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return _asked(dataset)
    except HfHubHTTPError:
        raise
    except Exception:  # Nobody answered, or nobody was to be asked.
        if cached := cached_commits(dataset):
            return cached[0]
        raise


def _completed(dataset: Dataset, pin: str) -> str:
    from huggingface_hub import HfApi

    _asked(dataset)
    commits = HfApi().list_repo_commits(dataset.id, repo_type="dataset")
    full = [commit.commit_id for commit in commits if commit.commit_id.startswith(pin)]
    if len(full) != 1:
        raise _unavailable(dataset, f"has {len(full)} commits that begin with {pin}")
    return full[0]


def _asked(dataset: Dataset, revision: str | None = None) -> str:
    """The full commit. Everything else that the libraries ask is tried again for half a minute where nobody answers."""
    from huggingface_hub import HfApi

    return str(HfApi().dataset_info(dataset.id, revision=revision, timeout=_PATIENCE).sha)


def _table(dataset: Dataset, commit: str) -> Iterable[PlacedRow]:
    builder = cached_builder(dataset, commit) or _downloaded(dataset, commit)
    return _placed(dataset, builder.as_dataset(split=dataset.split))


def _downloaded(dataset: Dataset, commit: str) -> Any:
    from datasets import load_dataset_builder

    _asked(dataset, commit)
    builder = load_dataset_builder(dataset.id, dataset.name, revision=commit)
    # Where the hub falls silent, `datasets` takes any commit that it has.
    if builder.hash != commit:
        raise ConnectionError(f"only the commit {builder.hash} is there")
    builder.download_and_prepare()
    return builder


def _placed(dataset: Dataset, table: Iterable[dict[str, Any]]) -> Iterator[PlacedRow]:
    for number, row in enumerate(table, start=1):
        yield PlacedRow(place=f"{dataset.id} row {number}", row=row)


def _lines(dataset: Dataset, commit: str) -> Iterable[PlacedRow]:
    """The rows of files; those of one id are one."""
    from huggingface_hub import hf_hub_download

    rows: dict[str, dict[str, Any]] = {}
    for file in dataset.files:
        path = hf_hub_download(dataset.id, file, repo_type="dataset", revision=commit)
        for placed in placed_rows(file, Path(path).read_bytes()):
            if isinstance(placed.row, str):
                raise ValueError(f"{placed.place} {placed.row}")
            rows.setdefault(placed.row["id"], {}).update(placed.row)
    return _placed(dataset, rows.values())


def _unavailable(dataset: Dataset, why: str) -> DatasetUnavailable:
    return DatasetUnavailable(f"{dataset.id} {why}: give its problems with --data FILE")


def _why(dataset: Dataset, error: Exception) -> str:
    from huggingface_hub import constants, errors

    told = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}"
    if isinstance(error, errors.GatedRepoError) or "is a gated dataset" in told:
        page = f"{constants.ENDPOINT}/datasets/{dataset.id}"
        return f"is gated (ask for access at {page} and run `hf auth login`)"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"has no commit {dataset.revision}"
    if isinstance(error, errors.RepositoryNotFoundError):
        return "is not on the hub, or private"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "is not in the cache, and HF_HUB_OFFLINE lets nobody download it"
    return f"cannot be read from the hub ({told})"
