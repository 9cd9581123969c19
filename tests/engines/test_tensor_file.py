from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy
import pytest

from engines.adapters.tensor_file import read_numbers, read_tensors, write_tensors

PACKED = {
    "F32": struct.pack("<3f", 1.0, -2.5, 0.0),
    "F16": struct.pack("<3e", 1.0, -2.5, 0.0),
    "BF16": bytes.fromhex("803f20c00000"),
}


@pytest.mark.parametrize("kind", PACKED)
def test_numbers_of_every_kind_are_read_as_they_are(tmp_path: Path, kind: str) -> None:
    content = PACKED[kind]
    header = {"x": {"dtype": kind, "shape": [3, 1], "data_offsets": [0, len(content)]}}
    # Of a length that leaves the numbers where no multiple of their width is.
    text = json.dumps(header).encode() + b" "
    path = tmp_path / "it.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)
    found = read_numbers(path, read_tensors(path)["x"])
    assert (found.dtype, found.tolist()) == ("float32", [[1.0], [-2.5], [0.0]])


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "it.safetensors"
    tensors = {
        "square": numpy.arange(6, dtype="f4").reshape(2, 3),
        "turned": numpy.arange(6, dtype="f4").reshape(2, 3).T,
        "one": numpy.array([7.0], "f4"),
    }
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    write_tensors(path, shapes, iter(tensors.values()))
    told = read_tensors(path)
    assert {name: tensor.shape for name, tensor in told.items()} == shapes
    for name, tensor in tensors.items():
        assert read_numbers(path, told[name]).tolist() == tensor.tolist()
    assert min(tensor.start for tensor in told.values()) % 8 == 0
