"""The files that a batch leaves: the answers, and beside them what failed. Each appears whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from ..errors import BatchFileError
from .work_file import Record


class OutputFiles(NamedTuple):
    """Where a batch writes.

    Attributes:
        answers: The output.
        errors: What failed; it is there only if something did.
        work: The work file, which is there while something is left to do.
        done: What the output was made of, which is there when nothing is.
    """

    answers: Path
    errors: Path
    work: Path
    done: Path

    @classmethod
    def beside(cls, output: Path) -> OutputFiles:
        """Those of an output.

        >>> OutputFiles.beside(Path("out.jsonl")).errors.name
        'out.errors.jsonl'
        """
        errors = output.with_name(f"{output.stem}.errors{output.suffix}")
        work, done = (output.with_name(f"{output.name}.{end}") for end in ("part", "done"))
        return cls(output, errors, work, done)

    def write(self, records: Iterable[Record]) -> None:
        """Writes answers and errors in the order of the records, over those that are there.

        Raises:
            BatchFileError: They cannot be written; those that were there are as they were.
        """
        with ExitStack() as stack:
            # The answers appear last: where they are, all is.
            answers = stack.enter_context(_appearing(self.answers))
            errors = stack.enter_context(_appearing(self.errors, unless_empty=True))
            for record in records:
                (answers if record.end == "answered" else errors).write(record.text)


@contextmanager
def _appearing(path: Path, *, unless_empty: bool = False) -> Iterator[IO[bytes]]:
    """A file that takes its place when the block ends well; `unless_empty`, there is none then if it is empty."""
    draft = path.with_name(f"{path.name}.draft")
    try:
        with draft.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if unless_empty and not draft.stat().st_size:
            path.unlink(missing_ok=True)
        else:
            draft.replace(path)
    except OSError as error:
        raise BatchFileError(
            f"{path} cannot be written: {error.strerror or error}: the same command, without --again, goes on"
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
