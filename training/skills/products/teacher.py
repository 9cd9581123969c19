"""What a perfect model says of a work, in one chain or in blocks of a dialect. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from engines import Context, Sampling
from reasoning.forking.dialect import Dialect, closing, opening

from .work import Work


@dataclass(frozen=True, slots=True)
class Chained:
    """Says everything in one chain.

    Attributes:
        work: What is written.
        answer: What stands in the box.
    """

    work: Work
    answer: str

    def __call__(self, context: Context, sampling: Sampling) -> str:
        """The whole of it."""
        return f"{self.work.chain}{_box(self.answer)}"


@dataclass(frozen=True, slots=True)
class Forked:
    """Says it in a block where the work has parts.

    Attributes:
        work: What is written.
        answer: What stands in the box.
        dialect: The tags.
        nested: Whether threads have blocks too, with labels such as `1.2`.
    """

    work: Work
    answer: str
    dialect: Dialect
    nested: bool

    def __call__(self, context: Context, sampling: Sampling) -> str:
        """What belongs at this place: the beginning, a thread, or what follows after threads."""
        work, labels = self.work, []
        *_, last = names = context.path.split("/")
        for name in names:
            if name.startswith("thread-"):
                labels.append(name.removeprefix("thread-"))
                work = work.parts[int(labels[-1]) - 1]
        if last.startswith("round-"):
            return self._concluded(work) + self._end(labels)
        if work.parts and (self.nested or not labels):
            return self._begun(labels, "\n") + self._outlined(work, labels)
        return self._begun(labels, " ") + work.chain + self._end(labels)

    def _begun(self, labels: list[str], space: str) -> str:
        """What a thread says first: after a label the colon, where the header has none."""
        return f"{'' if self.dialect.label_end else ':'}{space}" if labels else ""

    def _outlined(self, work: Work, labels: list[str]) -> str:
        """As the invitation shows it and the grammar for models that are invited wants it."""
        element = self.dialect.outline
        outlines = " ".join(
            f"{opening(element)}{'.'.join([*labels, str(number)])}: {part.goal}{closing(element)}"
            for number, part in enumerate(work.parts, start=1)
        )
        head = f"{opening(self.dialect.parallel)}\n{opening(self.dialect.goals)}"
        return f"{head}\n{outlines}\n{self.dialect.fork_tag}"

    def _concluded(self, work: Work) -> str:
        end = closing(self.dialect.parallel)
        if self.dialect.conclusion is None:
            return f"{end}\n{work.lines}"
        return f"{work.lines}{closing(self.dialect.conclusion)}\n{end}"

    def _end(self, labels: list[str]) -> str:
        return self.dialect.thread_end if labels else _box(self.answer)


def _box(answer: str) -> str:
    return f"\n\n\\boxed{{{answer}}}"
