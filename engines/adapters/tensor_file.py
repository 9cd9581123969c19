"""Reads and writes safetensors files, tensor by tensor.

The file begins with the length of a header in JSON, which has the type, the shape and the place of each tensor. So that
little is needed to read it, least of all PyTorch, and no more than one tensor is in memory.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError

if TYPE_CHECKING:
    import numpy

_LENGTH = 8
_LONGEST_HEADER = 100_000_000
# What stands in a clone where Git LFS has not fetched the file.
_POINTER = b"version https://git-lfs.github.com/"
# As numpy reads them. It has no BF16, which is the upper half of a float32.
_TYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}


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
            beginning = file.read(len(_POINTER))
            if beginning == _POINTER:
                raise UsageError(
                    f"{path} is a pointer of Git LFS, and not yet the file: fetch it with `git lfs pull`"
                )
            file.seek(_LENGTH)
            length = int.from_bytes(beginning[:_LENGTH], "little")
            size = path.stat().st_size
            if length > min(size, _LONGEST_HEADER):
                raise ValueError("its header is longer than the file")
            header: dict[str, Any] = json.loads(file.read(length))
        header.pop("__metadata__", None)
        first = _LENGTH + length
        tensors = {name: _tensor(name, entry, first) for name, entry in header.items()}
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path} is no safetensors file, or a damaged one: {error}") from error
    expected = first
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].end)):
        if tensor.start != expected:
            raise UsageError(f"{path} is damaged: {name} does not begin where the one before ends")
        expected = tensor.end
    if expected != size:
        raise UsageError(f"{path} is damaged: it has {size:,} bytes instead of {expected:,}")
    return tensors


def read_numbers(path: Path, tensor: Tensor) -> numpy.ndarray[Any, Any]:
    """The numbers of a tensor of floats, as float32, in its shape."""
    import numpy

    kind, count = _TYPES[tensor.kind], math.prod(tensor.shape)
    numbers = numpy.fromfile(path, kind, count, offset=tensor.start).reshape(tensor.shape)
    if tensor.kind == "BF16":
        return (numbers.astype("<u4") << 16).view("<f4")
    return numbers.astype("<f4", copy=False)


def first_not_finite(path: Path, tensors: Mapping[str, Tensor]) -> str | None:
    """The name of the first tensor with an infinity or a NaN; None where there is none.

    Raises:
        UsageError: A tensor is of a type that no adapter has.
    """
    import numpy

    for name, tensor in tensors.items():
        if tensor.kind not in _TYPES:
            raise UsageError(
                f"{path}: {name} is of the type {tensor.kind}: save the adapter in one of {', '.join(_TYPES)}"
            )
        if not numpy.isfinite(read_numbers(path, tensor)).all():
            return name
    return None


def write_tensors(
    path: Path,
    shapes: Mapping[str, tuple[int, ...]],
    tensors: Iterable[numpy.ndarray[Any, Any]],
) -> None:
    """Writes tensors of float32.

    Args:
        path: The file.
        shapes: Of the tensors, by name.
        tensors: Their numbers, in the same order; each is written before the next is asked for.
    """
    import numpy

    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    # So that all numbers lie at multiples of their width.
    text += b" " * (-len(text) % _LENGTH)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(_LENGTH, "little") + text)
        for (name, shape), tensor in zip(shapes.items(), tensors, strict=True):
            assert tensor.shape == shape, name
            file.write(numpy.ascontiguousarray(tensor, "<f4").data)


def _tensor(name: str, entry: Any, first: int) -> Tensor:
    start, end = entry["data_offsets"]
    kind, shape = str(entry["dtype"]), tuple(map(int, entry["shape"]))
    if kind in _TYPES and end - start != math.prod(shape) * int(_TYPES[kind][-1]):
        raise ValueError(f"{name} has {end - start} bytes")
    return Tensor(kind, shape, first + start, first + end)
