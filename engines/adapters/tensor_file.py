"""What a safetensors file says of its tensors, and whether all their numbers are numbers.

The file begins with the length of a header in JSON, which has the type, the shape and the place of each tensor. So that
nothing is needed to read it, least of all PyTorch.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError

if TYPE_CHECKING:
    import numpy

_LENGTH = 8
_LONGEST_HEADER = 100_000_000
# The bits of the exponent, which are all set in a number that is infinite or none, by the type of the tensor.
_EXPONENTS = {"F32": ("<u4", 0x7F80_0000), "F16": ("<u2", 0x7C00), "BF16": ("<u2", 0x7F80)}


@dataclass(frozen=True)
class Tensor:
    """A tensor of a file.

    Attributes:
        kind: Its type, as safetensors writes it: `F32`, `BF16`, `I8`.
        shape: Rows first.
        start: Its first byte in the file.
        end: The byte behind its last one.
    """

    kind: str
    shape: tuple[int, ...]
    start: int
    end: int


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, by name.

    Raises:
        UsageError: It cannot be read, is no safetensors file, or is shorter or longer than its header says.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH), "little")
            size = path.stat().st_size
            if length > min(size, _LONGEST_HEADER):
                raise ValueError("its header is longer than the file")
            header: dict[str, Any] = json.loads(file.read(length))
        header.pop("__metadata__", None)
        first = _LENGTH + length
        tensors = {name: _tensor(name, entry, first) for name, entry in header.items()}
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(f"{path} is no safetensors file, or a damaged one: {error}") from error
    expected = max((tensor.end for tensor in tensors.values()), default=first)
    if expected != size:
        raise UsageError(f"{path} is damaged: it has {size:,} bytes instead of {expected:,}")
    return tensors


def first_not_finite(path: Path, tensors: dict[str, Tensor]) -> str | None:
    """The name of the first tensor with an infinity or a NaN; None where there is none.

    Raises:
        UsageError: A tensor is of a type that no adapter has.
    """
    import numpy

    content = numpy.memmap(path, numpy.uint8, "r")
    for name, tensor in tensors.items():
        if tensor.kind not in _EXPONENTS:
            raise UsageError(
                f"{path}: {name} is of the type {tensor.kind}: save the adapter in one of {', '.join(_EXPONENTS)}"
            )
        kind, exponent = _EXPONENTS[tensor.kind]
        # Copied, since nothing says that a tensor begins at a multiple of its width.
        bits: numpy.ndarray[Any, Any] = content[tensor.start : tensor.end].copy().view(kind)
        if bool(((bits & exponent) == exponent).any()):
            return name
    return None


def _tensor(name: str, entry: Any, first: int) -> Tensor:
    start, end = entry["data_offsets"]
    kind, shape = str(entry["dtype"]), tuple(map(int, entry["shape"]))
    if kind in _EXPONENTS and (end - start) != math.prod(shape) * int(_EXPONENTS[kind][0][-1]):
        raise ValueError(f"{name} has {end - start} bytes")
    return Tensor(kind, shape, first + start, first + end)
