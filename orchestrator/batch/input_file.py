"""The input of a batch as lines of bytes: what it is, how many lines it has, which of them are a shard's.

A line ends in a newline, with or without a carriage return; the last one may end without, and blank ones at the end of
the file are none. What stands in a line is told elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engines import UsageError

from ..errors import BatchUnusable

_BLOCK = 2**20
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """The input as it was found.

    Attributes:
        path: Where it is.
        size: Its bytes.
        sha256: Of its bytes.
        lines: How many lines it has, up to the last that is not blank.
    """

    path: Path
    size: int
    sha256: str
    lines: int

    @property
    def identity(self) -> dict[str, Any]:
        """What tells it from another input, wherever it is."""
        return {name: value for name, value in asdict(self).items() if name != "path"}

    def __iter__(self) -> Iterator[bytes]:
        """The lines without their ends, and without a byte order mark, one at a time.

        Raises:
            BatchUnusable: It cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                for number, line in enumerate(file):
                    text = line.removesuffix(b"\n").removesuffix(b"\r")
                    yield text.removeprefix(_MARK) if number == 0 else text
        except OSError as error:
            raise _unreadable(self.path, error) from error


def read_input(path: Path) -> InputFile:
    """Looks at an input, without what it says.

    Raises:
        BatchUnusable: It is no file, or cannot be read.
    """
    digest, size, ends, lines = hashlib.sha256(), 0, 0, 0
    try:
        if not path.is_file():
            raise BatchUnusable(
                f"{path} is no file: a batch reads a JSONL file, more than once when it goes on"
            )
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                said = block if size else block.removeprefix(_MARK)
                size += len(block)
                if text := said.rstrip():
                    lines = ends + text.count(b"\n") + 1
                ends += said.count(b"\n")
    except OSError as error:
        raise _unreadable(path, error) from error
    return InputFile(path=path, size=size, sha256=digest.hexdigest(), lines=lines)


@dataclass(frozen=True, slots=True)
class Shard:
    """One of so many parts of an input, each of lines that follow on each other.

    Attributes:
        parts: How many there are.
        number: Which one it is, from 1 on.

    >>> [Shard(3, number).lines(10) for number in (1, 2, 3)]
    [range(1, 4), range(4, 7), range(7, 11)]
    """

    parts: int = 1
    number: int = 1

    @classmethod
    def named(cls, text: str) -> Shard:
        """The shard that `--shards N/i` asks for.

        Raises:
            UsageError: There is no such one.
        """
        parts, slash, number = text.partition("/")
        if slash and all(_is_number(word) for word in (parts, number)):
            shard = cls(int(parts), int(number))
            if 1 <= shard.number <= shard.parts:
                return shard
        raise UsageError(
            f"--shards {text}: write N/i, such as 4/1 for the first of 4 parts, with i from 1 to N"
        )

    def __str__(self) -> str:
        return f"{self.parts}/{self.number}"

    def lines(self, total: int) -> range:
        """Its lines among so many, numbered from 1 on."""
        first, end = ((number * total) // self.parts for number in (self.number - 1, self.number))
        return range(first + 1, end + 1)

    def path(self, output: Path) -> Path:
        """Where its part of an output goes; sorted by name, the parts are in their order.

        >>> Shard(10, 3).path(Path("out.jsonl")).name
        'out.03-of-10.jsonl'
        """
        if self.parts == 1:
            return output
        number = str(self.number).zfill(len(str(self.parts)))
        return output.with_name(f"{output.stem}.{number}-of-{self.parts}{output.suffix}")


def _is_number(word: str) -> bool:
    # Longer ones are no shards of anybody.
    return word.isascii() and word.isdigit() and len(word) < 10


def _unreadable(path: Path, error: OSError) -> BatchUnusable:
    return BatchUnusable(f"{path} cannot be read: {error.strerror or error}")
