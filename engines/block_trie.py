"""How many blocks of KV cache running sequences take, where equal beginnings are stored once. Pure.

    question ─┬─> thought 1        in blocks of 4:  │ques│tion├─│is 1│     6 blocks if nothing was shared,
              └─> thought 2                                   └─│is 2│     4 as it is

Two sequences share a block if it is full and all tokens up to its end are the same, as in vLLM's prefix cache. The last
block of a sequence, until it is full, is its own. A trie of contexts lies on top, so that what a sequence shares with
one that runs is neither read nor hashed again.

It knows no engine and no clock, and nothing of blocks that a cache keeps after their sequences have ended.
"""

from __future__ import annotations

from collections.abc import Sequence

from .context import Context, NoTokenIds


class BlockTrie:
    """The blocks of a multiset of live sequences.

    Args:
        block_size: Tokens in a block, at least 1.
        without: Its full blocks are not counted, such as those of the question that all share.

    Raises:
        NoTokenIds: The context to leave out has text only.

    >>> from .context import Segment
    >>> question = Context(Segment("user", "", (1, 2, 3, 4)), name="question")
    >>> trie = BlockTrie(4)
    >>> for thought in (trie.add(question.fork(str(i))) for i in range(2)):
    ...     thought.extend([5, 6])
    >>> trie.blocks, trie.unshared
    (3, 4)
    """

    def __init__(self, block_size: int, without: Context | None = None) -> None:
        if block_size < 1:
            raise ValueError(f"blocks of {block_size} tokens: at least 1 is needed")
        self._size = block_size
        # How many stretches have a block, by the hash of all tokens up to its end.
        self._users: dict[int, int] = {}
        self._stretches: dict[Context, _Stretch] = {}
        self._uncounted: frozenset[int] = frozenset()
        self._sequences = 0
        self._partial = 0
        self._unshared = 0
        if without is not None:
            # What follows it is never dropped, so that neither is it.
            _Stretch(self._stretch_of(without))
            self._uncounted = frozenset(self._users)
            for stretch in self._stretches.values():
                stretch.depth = 0

    @property
    def blocks(self) -> int:
        """Different blocks in use."""
        return len(self._users) - len(self._uncounted) + self._partial

    @property
    def unshared(self) -> int:
        """How many blocks it would take if every sequence had its own."""
        return self._unshared

    @property
    def sequences(self) -> int:
        """Live sequences."""
        return self._sequences

    def add(self, context: Context) -> LiveSequence:
        """A sequence that begins with the tokens of a context, and goes on from there.

        Raises:
            NoTokenIds: The context has text only.
        """
        stretch = _Stretch(self._stretch_of(context))
        self._count(stretch, 1)
        return LiveSequence(self, stretch)

    def _stretch_of(self, context: Context) -> _Stretch:
        """Where a context ends; what of the way there is missing is made, and has to be followed to be dropped."""
        missing = []
        node: Context | None = context
        while node is not None and node not in self._stretches:
            missing.append(node)
            node = node.parent
        if any(not node.has_token_ids for node in missing):
            raise NoTokenIds(f"context {context.path!r} has text only")
        stretch = _Stretch() if node is None else self._stretches[node]
        for node in reversed(missing):
            stretch = self._stretches[node] = _Stretch(stretch, node)
            self._append(stretch, node.segment.token_ids or ())
        return stretch

    def _append(self, stretch: _Stretch, token_ids: Sequence[int]) -> None:
        tokens = (*stretch.rest, *token_ids)
        full = len(tokens) - len(tokens) % self._size
        stretch.rest = tokens[full:]
        for start in range(0, full, self._size):
            stretch.end = hash((stretch.end, tokens[start : start + self._size]))
            stretch.blocks.append(stretch.end)
            stretch.depth += stretch.end not in self._uncounted
            self._users[stretch.end] = self._users.get(stretch.end, 0) + 1

    def _drop(self, stretch: _Stretch) -> None:
        """Frees a stretch that nothing follows, and those before it that only it followed."""
        last: _Stretch | None = stretch
        while last is not None and not last.followers:
            for block in last.blocks:
                self._users[block] -= 1
                if not self._users[block]:
                    del self._users[block]
            if last.context is not None:
                del self._stretches[last.context]
            last = last.parent
            if last is not None:
                last.followers -= 1

    def _count(self, stretch: _Stretch, times: int) -> None:
        """Counts what a live sequence that ends with this stretch has for its own, or takes it back."""
        partial = bool(stretch.rest)
        self._sequences += times
        self._partial += times * partial
        self._unshared += times * (stretch.depth + partial)


class LiveSequence:
    """A sequence that takes blocks until it is removed. Made by `BlockTrie.add`."""

    def __init__(self, trie: BlockTrie, stretch: _Stretch) -> None:
        self._trie = trie
        self._stretch = stretch
        self._live = True

    def extend(self, token_ids: Sequence[int]) -> None:
        """Adds tokens; this takes as long as there are new ones, however long the sequence is."""
        if not self._live:
            raise ValueError("a sequence that was removed does not go on: add it again")
        self._trie._count(self._stretch, -1)
        self._trie._append(self._stretch, token_ids)
        self._trie._count(self._stretch, 1)

    def remove(self) -> None:
        """Frees its blocks that no other sequence has. A second call does nothing."""
        if self._live:
            self._live = False
            self._trie._count(self._stretch, -1)
            self._trie._drop(self._stretch)


class _Stretch:
    """Tokens that follow others: those of a node of the trie of contexts, or what a live sequence has generated.

    Attributes:
        parent: What they follow.
        context: The node; None for what is generated.
        blocks: The blocks that end among them, in their order.
        end: The last full block up to here.
        rest: The tokens after it.
        depth: Full blocks from the beginning, those that are not counted left out.
        followers: Stretches that follow this one.
    """

    __slots__ = ("blocks", "context", "depth", "end", "followers", "parent", "rest")

    def __init__(self, parent: _Stretch | None = None, context: Context | None = None) -> None:
        self.parent = parent
        self.context = context
        self.blocks: list[int] = []
        self.end: int = parent.end if parent else 0
        self.rest: tuple[int, ...] = parent.rest if parent else ()
        self.depth: int = parent.depth if parent else 0
        self.followers = 0
        if parent is not None:
            parent.followers += 1
