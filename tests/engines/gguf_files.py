"""Small GGUF files, and the numbers in them, both made number by number as the format says."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

F32, Q4_1, Q8_0 = 0, 3, 8


class Blocks(NamedTuple):
    """A tensor: its type, its shape, rows first, its bytes and its numbers."""

    kind: int
    shape: tuple[int, ...]
    content: bytes
    numbers: list[float]


def random_blocks(kind: int, *shape: int) -> Blocks:
    """A tensor with other numbers for another shape."""
    chance = random.Random(str((kind, shape)))
    content = b""
    numbers: list[float] = []
    count = math.prod(shape)
    while len(numbers) < count:
        if kind == F32:
            content += struct.pack(
                "<f", number := struct.unpack("<f", chance.randbytes(2) + b"\0?")[0]
            )
            numbers.append(number)
            continue
        scale, least = chance.randrange(1, 9) / 8, chance.randrange(-9, 9) / 4
        if kind == Q8_0:
            steps = [chance.randrange(-128, 128) for _ in range(32)]
            content += struct.pack("<e32b", scale, *steps)
            numbers += [scale * step for step in steps]
        else:
            steps = [chance.randrange(16) for _ in range(32)]
            packed = [low + 16 * high for low, high in zip(steps[:16], steps[16:], strict=True)]
            content += struct.pack("<ee16B", scale, least, *packed)
            numbers += [scale * step + least for step in steps]
    return Blocks(kind, shape, content, numbers)


def write_gguf(path: Path, values: Mapping[str, Any], tensors: Mapping[str, Blocks]) -> Path:
    """A file of version 3."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values))
    for key, value in values.items():
        kind, packed = _value(value)
        head += _text(key) + struct.pack("<I", kind) + packed
    content = b""
    for name, tensor in tensors.items():
        content += b"\0" * (-len(content) % 32)
        sides = tensor.shape[::-1]
        head += _text(name) + struct.pack(f"<I{len(sides)}Q", len(sides), *sides)
        head += struct.pack("<IQ", tensor.kind, len(content))
        content += tensor.content
    path.write_bytes(head + b"\0" * (-len(head) % 32) + content)
    return path


def _value(value: Any) -> tuple[int, bytes]:
    match value:
        case bool():
            return 7, struct.pack("<?", value)
        case int():
            return 4, struct.pack("<I", value)
        case float():
            return 6, struct.pack("<f", value)
        case str():
            return 8, _text(value)
        case _:
            kinds, packed = zip(*map(_value, value), strict=True)
            return 9, struct.pack("<IQ", kinds[0], len(value)) + b"".join(packed)


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()
