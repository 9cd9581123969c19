r"""How a model writes fork and join: the tags of a block, byte for byte. Pure; it knows no engine.

A block, as two families of tuned models write it:

    Multiverse                              ThreadWeaver
    <Parallel>                              <Parallel>
    <Goal>                                  <Outlines>
    <Outline>1: ...</Outline> ...           <Outline> 1: ... </Outline> ...
    </Goal>                                 </Outlines>
    <Path>                                  <Thread>
    1: ...</Path>                           1: ... </Thread><Thread>
    <Path>                                  2: ... </Thread>
    2: ...</Path>                           </Parallel>
    <Conclusion>
    ...</Conclusion>
    </Parallel>

The model writes until the outlines end. Then each thread goes on from there at the same time, after its header; and
after the threads and the tail the model writes again, the end of the block included.
"""

from __future__ import annotations

from dataclasses import dataclass

from engines import UsageError

LABEL = r"[0-9]+(?:\.[0-9]+)*"
"""What labels look like: numbers, with dots where they are hierarchical, such as `1.2`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The tags of one family of models, and what stands between them.

    Attributes:
        parallel: The element around a block; like all names, without angle brackets.
        goals: The element around its outlines.
        outline: The element that says, after a label and a colon, what a thread is for.
        thread: The element of a thread.
        conclusion: The element in which the model concludes from the threads; None where a block has none.
        header: What a thread begins with, before its label: all of them while they are written, in the merged text
            the first.
        later_header: What the later threads begin with in the merged text.
        label_end: What follows the label in a header; empty where the model writes the colon itself.
        repair: What closes a thread that did not close itself.
        tail: What follows the last thread, before the model goes on; it opens the conclusion where there is one.
    """

    parallel: str = "Parallel"
    goals: str
    outline: str = "Outline"
    thread: str
    conclusion: str | None = None
    header: str
    later_header: str
    label_end: str = ""
    repair: str
    tail: str

    def __post_init__(self) -> None:
        """Refuses elements that cannot be told apart, and texts that would not fit together."""
        if len(set(self.elements)) < len(self.elements):
            raise UsageError(f"two of the elements {', '.join(self.elements)} have the same name")
        for element in self.elements:
            if not element.replace("_", "").isalnum():
                raise UsageError(f"{element!r} is no name of a tag: use letters and digits")
        needed = {
            "header": opening(self.thread),
            "later_header": opening(self.thread),
            "repair": closing(self.thread),
        }
        for text, tag in needed.items():
            if tag not in getattr(self, text):
                raise UsageError(f"the {text} of a dialect needs the tag {tag}")

    @property
    def elements(self) -> tuple[str, ...]:
        """The names of the elements, from the outside to the inside."""
        names = (self.parallel, self.goals, self.outline, self.thread, self.conclusion)
        return tuple(name for name in names if name is not None)

    @property
    def fork_tag(self) -> str:
        """The tag after which threads begin: the end of the outlines."""
        return closing(self.goals)

    @property
    def thread_end(self) -> str:
        """The tag that ends a thread."""
        return closing(self.thread)

    def thread_header(self, label: str, *, later: bool = False) -> str:
        r"""What stands before the text of the thread called `label`.

        Args:
            label: Its label.
            later: Whether other threads stand before it in the merged text.

        >>> THREADWEAVER.thread_header("2"), THREADWEAVER.thread_header("2", later=True)
        ('\n<Thread>\n2:', '<Thread>\n2:')
        """
        return f"{self.later_header if later else self.header}{label}{self.label_end}"


def opening(element: str) -> str:
    """The tag that opens an element."""
    return f"<{element}>"


def closing(element: str) -> str:
    """The tag that closes an element."""
    return f"</{element}>"


MULTIVERSE = Dialect(
    goals="Goal",
    thread="Path",
    conclusion="Conclusion",
    header="\n<Path>\n",
    later_header="\n<Path>\n",
    repair="\n</Path>",
    tail="\n<Conclusion>\n",
)
"""Multiverse (Yang et al. 2025): labels may be hierarchical, and a conclusion is opened after the threads."""

THREADWEAVER = Dialect(
    goals="Outlines",
    thread="Thread",
    header="\n<Thread>\n",
    later_header="<Thread>\n",
    label_end=":",
    repair="\n</Thread>",
    tail="\n",
)
"""ThreadWeaver (2025): no white space between threads, and the model itself closes the block after them."""
