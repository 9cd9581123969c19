"""What `datasets` and `huggingface_hub` have on disk already. It asks nobody.

datasets/ORG___NAME/CONFIGURATION/VERSION/COMMIT/   tables
hub/datasets--ORG--NAME/snapshots/COMMIT/           files as they stand
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..task import Dataset


def cached_commits(dataset: Dataset) -> list[str]:
    """The commits that are there, the one that came last first."""
    folders = _snapshots(dataset) if dataset.files else _tables(dataset)
    newest_first = sorted(folders, key=lambda folder: folder.stat().st_mtime, reverse=True)
    return [folder.name for folder in newest_first]


def cached_builder(dataset: Dataset, commit: str) -> Any:
    """What reads the table of a commit, as a builder of `datasets`; None if it is not there."""
    from datasets.packaged_modules.cache.cache import Cache

    for folder in _tables(dataset, commit):
        configuration, version, _ = folder.parts[-3:]
        return Cache(
            dataset_name=dataset.id.rpartition("/")[2],
            config_name=configuration,
            version=version,
            hash=commit,
            repo_id=dataset.id,
        )
    return None


def _tables(dataset: Dataset, commit: str = "*") -> list[Path]:
    from datasets import config
    from datasets.naming import camelcase_to_snakecase

    owner, _, name = dataset.id.rpartition("/")
    parts = [owner, camelcase_to_snakecase(name)] if owner else [camelcase_to_snakecase(name)]
    root = Path(config.HF_DATASETS_CACHE) / "___".join(parts)
    found = root.glob(f"{dataset.name or '*'}/*/{commit}/dataset_info.json")
    # The one called `default` first, where no configuration was asked for.
    return sorted((file.parent for file in found), key=lambda f: f.parts[-3] != "default")


def _snapshots(dataset: Dataset) -> list[Path]:
    from huggingface_hub import constants

    folder = "--".join(["datasets", *dataset.id.split("/")])
    found = (Path(constants.HF_HUB_CACHE) / folder / "snapshots").glob("*")
    return [each for each in found if all((each / file).is_file() for file in dataset.files)]
