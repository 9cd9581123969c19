"""The threads of a run, from the paths of its calls: a trie, of which only what has calls or forks is a thread. Pure.

    root/1/sample-0          1 ─┬─ sample-0
    root/1/sample-1/check       └─ sample-1/check

Paths come one after another, so a thread may turn up between another and what was its parent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(slots=True, eq=False)
class _Fork:
    path: str
    parent: _Fork | None
    children: dict[str, _Fork] = field(default_factory=dict)
    is_thread: bool = False


class Thread(NamedTuple):
    """Where a thread is.

    Attributes:
        path: Its id.
        parent: The thread that it forked from; None if there is none.
        name: What tells it from its siblings: the last name of its path, or several where nothing forked.
        made: Whether it is new, or only its parent is.
    """

    path: str
    parent: str | None
    name: str
    made: bool


class PathTrie:
    """The threads of one node.

    Args:
        node: The node's name, which stands in the paths of its calls.
    """

    def __init__(self, node: str) -> None:
        self._node = node
        self._root = _Fork("", None)

    def add(self, path: str) -> Iterator[Thread]:
        """Makes a thread of a path; gives what became new or other by that, parents before their children."""
        fork, forked = self._root, None
        for name in path.split("/"):
            child = fork.children.get(name)
            if child is None:
                child = _Fork(f"{fork.path}/{name}" if fork.parent else name, fork)
                fork.children[name] = child
                if len(fork.children) == 2 and fork.parent is not None and not fork.is_thread:
                    forked = fork
            fork = child
        if forked is not None:
            yield from self._make(forked)
        if not fork.is_thread:
            yield from self._make(fork)

    def _make(self, fork: _Fork) -> Iterator[Thread]:
        """Makes a thread; those that are next beneath it have another parent now."""
        fork.is_thread = True
        yield self._told(fork, made=True)
        beneath = list(fork.children.values())
        while beneath:
            child = beneath.pop()
            if child.is_thread:
                yield self._told(child, made=False)
            else:
                beneath += child.children.values()

    def _told(self, fork: _Fork, *, made: bool) -> Thread:
        above = fork.parent
        while above is not None and not above.is_thread:
            above = above.parent
        if above is not None:
            return Thread(fork.path, above.path, fork.path[len(above.path) + 1 :], made)
        return Thread(fork.path, None, self._name(fork.path), made)

    def _name(self, path: str) -> str:
        """The name of a thread that has no parent: what comes after the node's own name, if anything does."""
        names = path.split("/")
        if self._node not in names:
            return path
        own = len(names) - names[::-1].index(self._node)
        return "/".join(names[own:] or names[-1:])
