"""What a command line names by its place in a module: `MODULE:NAME`."""

from __future__ import annotations

import importlib
import re
from typing import Any

from engines import UsageError

_PLACE = re.compile(r"[\w.]+:[^\W\d]\w*")


def is_place(text: str) -> bool:
    """Whether a text has the form of a place.

    >>> [is_place(text) for text in ("examples.arithmetic:TOOLS", "localhost:8000", "calculate")]
    [True, False, False]
    """
    return _PLACE.fullmatch(text) is not None


def imported(place: str, option: str, *, told: str = "") -> Any:
    """What is at a place.

    Args:
        place: `MODULE:NAME`.
        option: Which names it, for messages.
        told: How the place was written, where that is another way.

    Raises:
        UsageError: The module cannot be imported, or has nothing of this name.
    """
    module_name, _, name = place.partition(":")
    where = f"{option} {told or place}"
    try:
        module = importlib.import_module(module_name)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from error
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{where}: {error}: run forkjoin in the folder that has it, or install it"
        ) from error
    except (Exception, SystemExit) as error:  # Whatever somebody's module raises.
        raise UsageError(
            f"{where}: the module {module_name} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    if not hasattr(module, name):
        raise UsageError(f"{where}: the module {module_name} has no {name!r}")
    return getattr(module, name)
