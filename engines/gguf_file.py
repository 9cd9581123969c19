"""Reads a GGUF file: what it says of its model, and its tensors as float32.

    "GGUF", version, counts │ keys and values │ names, shapes, types and places of tensors │ ... their blocks ...

Only the types that the embedded model is written in. Knows no model: names and order are those of the file.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from .errors import UsageError

if TYPE_CHECKING:
    import numpy

_MAGIC = b"GGUF"
_ALIGNMENT = 32
# The types of values, by their numbers: as `struct` writes them, and two of their own.
_SCALARS = dict(enumerate("BbHhIif?")) | {10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
# The types of tensors, by their numbers, with the bytes and the numbers of a block.
_F32, _Q4_1, _Q8_0 = 0, 3, 8
_BLOCKS = {_F32: (4, 1), _Q4_1: (20, 32), _Q8_0: (34, 32)}


@dataclass(frozen=True)
class _Tensor:
    kind: int
    shape: tuple[int, ...]
    start: int


@dataclass(frozen=True)
class GgufFile:
    """What a file says. Made by `read_gguf`.

    Attributes:
        path: Where it lies.
        values: Its keys and values.
        shapes: Of its tensors, rows first, by name.
    """

    path: Path
    values: Mapping[str, Any]
    shapes: Mapping[str, tuple[int, ...]]
    _tensors: Mapping[str, _Tensor]

    def tensor(self, name: str) -> numpy.ndarray[Any, Any]:
        """The numbers of a tensor, as float32, in its shape."""
        import numpy

        tensor = self._tensors[name]
        size, numbers = _BLOCKS[tensor.kind]
        count = math.prod(tensor.shape) // numbers
        blocks = numpy.fromfile(self.path, numpy.uint8, count * size, offset=tensor.start)
        unpacked: numpy.ndarray[Any, Any] = _UNPACK[tensor.kind](blocks.reshape(count, size))
        return unpacked.reshape(tensor.shape)


def read_gguf(path: Path) -> GgufFile:
    """Reads all of a file but for its tensors' numbers.

    Raises:
        UsageError: It cannot be read, is damaged, or has tensors of a type that is not known here.
    """
    try:
        with path.open("rb") as file:
            return _read(path, file)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, OverflowError, MemoryError, struct.error) as error:
        raise UsageError(
            f"{path} is damaged, or of another kind: {error}: install its package again"
        ) from error


def _read(path: Path, file: BinaryIO) -> GgufFile:
    if file.read(4) != _MAGIC:
        raise ValueError("it begins with other bytes")
    _, tensors, values = struct.unpack("<IQQ", file.read(20))
    known = {_text(file): _value(file, _number(file, "I")) for _ in range(values)}
    told = {_text(file): _description(file) for _ in range(tensors)}
    alignment = known.get("general.alignment", _ALIGNMENT)
    first = -(-file.tell() // alignment) * alignment
    placed = {
        name: _Tensor(kind, shape, first + offset) for name, (kind, shape, offset) in told.items()
    }
    size = path.stat().st_size
    for name, tensor in placed.items():
        block, numbers = _BLOCKS[tensor.kind]
        if tensor.start + math.prod(tensor.shape) // numbers * block > size:
            raise ValueError(f"it ends before {name} does")
    return GgufFile(path, known, {name: tensor.shape for name, tensor in placed.items()}, placed)


def _description(file: BinaryIO) -> tuple[int, tuple[int, ...], int]:
    sides = _number(file, "I")
    shape = struct.unpack(f"<{sides}Q", file.read(8 * sides))[::-1]
    return _number(file, "I"), shape, _number(file, "Q")


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _text(file)
    if kind == _ARRAY:
        inner, count = _number(file, "I"), _number(file, "Q")
        return [_value(file, inner) for _ in range(count)]
    return _number(file, _SCALARS[kind])


def _number(file: BinaryIO, kind: str) -> Any:
    return struct.unpack(f"<{kind}", file.read(struct.calcsize(f"<{kind}")))[0]


def _text(file: BinaryIO) -> str:
    return file.read(_number(file, "Q")).decode()


def _unpack_f32(blocks: Any) -> Any:
    return blocks.view("<f4")


def _unpack_q8_0(blocks: Any) -> Any:
    """A scale, and 32 signed bytes."""
    return blocks[:, :2].view("<f2").astype("f4") * blocks[:, 2:].view("i1")


def _unpack_q4_1(blocks: Any) -> Any:
    """A scale, the smallest number, and 16 bytes: the first half of the numbers in their low bits, then the others."""
    import numpy

    scale, least = (blocks[:, at : at + 2].view("<f2").astype("f4") for at in (0, 2))
    steps = numpy.concatenate([blocks[:, 4:] & 15, blocks[:, 4:] >> 4], axis=1)
    return scale * steps + least


_UNPACK = {_F32: _unpack_f32, _Q4_1: _unpack_q4_1, _Q8_0: _unpack_q8_0}
