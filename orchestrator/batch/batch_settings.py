"""What decides how rows are answered, as plain data, so that another process can open the same."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# What a batch may change when it goes on is none of these. The engine's fingerprint is compared instead of its address.
_DECIDING = ("method", "set", "model", "max_tokens", "seed")
_ANSWERING = (
    *_DECIDING,
    "engine",
    "budget",
    "prices",
    "width",
    "attempts",
    "timeout",
    "idle_timeout",
    "hedge",
)


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """The options that say how rows are answered; it can be pickled.

    Attributes:
        options: Their values, by their names as argparse has them.
    """

    options: Mapping[str, Any]

    @classmethod
    def kept(cls, arguments: argparse.Namespace) -> BatchSettings:
        """Those of a command's arguments."""
        return cls({name: getattr(arguments, name) for name in _ANSWERING})

    @property
    def arguments(self) -> argparse.Namespace:
        """As the functions want them that read options."""
        return argparse.Namespace(**self.options)

    @property
    def deciding(self) -> dict[str, Any]:
        """What decides results, as JSON data: a batch goes on with the same only."""
        return {name: self.options[name] for name in _DECIDING}
