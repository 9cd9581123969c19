"""Reading GGUF files, against numbers that were unpacked one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines import UsageError
from engines.gguf_file import read_gguf
from tests.engines.gguf_files import F32, Q4_1, Q8_0, random_blocks, write_gguf

VALUES = {"a": 7, "b": 0.5, "c": True, "d": "naïve\n", "e": ["x", "", "yz"], "f": [3, 1]}


def test_values_of_every_kind_are_read(tmp_path: Path) -> None:
    assert read_gguf(write_gguf(tmp_path / "x.gguf", VALUES, {})).values == VALUES


def test_tensors_of_every_kind_are_read_in_their_shapes(tmp_path: Path) -> None:
    tensors = {
        "plain": random_blocks(F32, 5),
        "eight": random_blocks(Q8_0, 3, 64),
        "four": random_blocks(Q4_1, 2, 96),
    }
    file = read_gguf(write_gguf(tmp_path / "x.gguf", VALUES, tensors))
    assert file.shapes == {name: tensor.shape for name, tensor in tensors.items()}
    for name, tensor in tensors.items():
        found = file.tensor(name)
        assert (found.dtype, found.shape) == ("float32", tensor.shape)
        assert found.ravel().tolist() == tensor.numbers


@pytest.mark.parametrize("pad", ["", "." * 32])
def test_where_the_values_say_how_tensors_are_aligned_it_is_so(tmp_path: Path, pad: str) -> None:
    tensor = random_blocks(F32, 3)
    path = write_gguf(tmp_path / "x.gguf", {"general.alignment": 64, "pad": pad}, {"t": tensor})
    whole = path.read_bytes()
    start = len(whole) - len(tensor.content)
    path.write_bytes(whole[:start] + b"\0" * (-start % 64) + tensor.content)
    assert read_gguf(path).tensor("t").tolist() == tensor.numbers


def test_a_file_that_was_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "x.gguf", VALUES, {"t": random_blocks(Q8_0, 2, 32)})
    whole = path.read_bytes()
    for length in range(0, len(whole), 3):
        path.write_bytes(whole[:length])
        with pytest.raises(UsageError, match="is damaged") as caught:
            read_gguf(path)
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(("place", "byte"), [(0, 0), (16, 255), (23, 255), (31, 255)])
def test_other_bytes_in_the_head_are_refused(tmp_path: Path, place: int, byte: int) -> None:
    path = write_gguf(tmp_path / "x.gguf", VALUES, {})
    whole = bytearray(path.read_bytes())
    whole[place] = byte
    path.write_bytes(whole)
    with pytest.raises(UsageError, match="is damaged, or of another kind"):
        read_gguf(path)


def test_a_tensor_of_another_type_is_refused_before_it_is_asked_for(tmp_path: Path) -> None:
    tensor = random_blocks(Q8_0, 1, 32)._replace(kind=12)
    with pytest.raises(UsageError, match="of another kind: 12"):
        read_gguf(write_gguf(tmp_path / "x.gguf", {}, {"t": tensor}))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none.gguf cannot be read: No such file"):
        read_gguf(tmp_path / "none.gguf")
