"""What engines have in common, so that any of them can answer for all. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..engine import Capabilities, Engine
from ..errors import UsageError


def common_model(engines: Sequence[Engine]) -> str:
    """The model that all of them serve.

    Raises:
        UsageError: They serve different models.
    """
    models = [engine.model for engine in engines]
    for number, model in enumerate(models):
        if model != models[0]:
            raise UsageError(
                f"replica 0 serves {models[0]!r} and replica {number} {model!r}: "
                f"a pool takes replicas of one model"
            )
    return models[0]


def common_fingerprint(engines: Sequence[Engine]) -> str:
    """What a completion depends on, whichever of them makes it."""
    return " or ".join(sorted({engine.fingerprint for engine in engines}))


def common_capabilities(engines: Sequence[Engine]) -> Capabilities:
    """What all of them can do.

    Raises:
        UsageError: Some work on token ids and others on text, so that they cannot take each other's contexts.
    """
    all_of_them = [engine.capabilities for engine in engines]
    first = all_of_them[0]
    for number, capabilities in enumerate(all_of_them):
        if capabilities.token_ids != first.token_ids:
            kinds = {True: "token ids", False: "text only"}
            raise UsageError(
                f"replica 0 works on {kinds[first.token_ids]} and replica {number} on "
                f"{kinds[capabilities.token_ids]}: a pool takes replicas of one kind"
            )
    windows = [c.window for c in all_of_them if c.window is not None]
    blocks = [c.block_size for c in all_of_them if c.block_size is not None]
    return Capabilities(
        token_ids=first.token_ids,
        constraints=frozenset.intersection(*(c.constraints for c in all_of_them)),
        window=min(windows, default=None),
        block_size=max(blocks, default=None),
        collaboration=all(c.collaboration for c in all_of_them),
    )
