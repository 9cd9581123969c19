from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from engines import Context, NoTokenIds, Segment
from engines.block_trie import BlockTrie, LiveSequence

ids = st.lists(st.integers(0, 1), max_size=9)


def context(token_ids: Sequence[int], name: str = "root") -> Context:
    return Context(Segment("user", "", tuple(token_ids)), name=name)


def blocks_of(sequence: Sequence[int], size: int) -> list[tuple[int, ...]]:
    """Its full blocks, each with all before it."""
    return [tuple(sequence[:end]) for end in range(size, len(sequence) + 1, size)]


class RecountedTrie(RuleBasedStateMachine):
    """A trie beside lists of ids, in which every block is counted anew after every step."""

    contexts = Bundle("contexts")
    live = Bundle("live")

    @initialize(target=contexts, size=st.integers(1, 4), left_out=st.booleans(), token_ids=ids)
    def begin(self, size: int, left_out: bool, token_ids: list[int]) -> Context:
        root = context(token_ids)
        self.size = size
        self.left_out = set(blocks_of(token_ids, size)) if left_out else set()
        self.trie = BlockTrie(size, root if left_out else None)
        self.known: dict[LiveSequence, list[int]] = {}
        return root

    @rule(target=contexts, parent=contexts, token_ids=ids, fork=st.booleans())
    def go_on(self, parent: Context, token_ids: list[int], fork: bool) -> Context:
        # Names need not be unique here.
        segment = Segment("assistant", "", tuple(token_ids))
        return parent.fork("child", segment) if fork else parent.extend(segment)

    @rule(target=contexts, token_ids=ids)
    def another_root(self, token_ids: list[int]) -> Context:
        return context(token_ids)

    @rule(target=live, begin=contexts)
    def add(self, begin: Context) -> LiveSequence:
        sequence = self.trie.add(begin)
        self.known[sequence] = list(begin.token_ids)
        return sequence

    @rule(sequence=live, token_ids=ids)
    def extend(self, sequence: LiveSequence, token_ids: list[int]) -> None:
        sequence.extend(token_ids)
        self.known[sequence] += token_ids

    @rule(sequence=consumes(live))
    def remove(self, sequence: LiveSequence) -> None:
        sequence.remove()
        sequence.remove()
        del self.known[sequence]

    @invariant()
    def recount(self) -> None:
        full = [blocks_of(sequence, self.size) for sequence in self.known.values()]
        partial = sum(len(sequence) % self.size > 0 for sequence in self.known.values())
        counted = [block for blocks in full for block in blocks if block not in self.left_out]
        assert self.trie.sequences == len(self.known)
        assert self.trie.blocks == len(set(counted)) + partial
        assert self.trie.unshared == len(counted) + partial
        if not self.known:
            assert self.trie.blocks == self.trie.unshared == 0


TestRecountedTrie = RecountedTrie.TestCase
TestRecountedTrie.settings = settings(max_examples=50, stateful_step_count=30)


@given(st.lists(st.tuples(ids, ids), max_size=8), st.integers(1, 4))
def test_nothing_is_kept_of_sequences_that_were_removed(
    said: list[tuple[list[int], list[int]]], size: int
) -> None:
    trie, root = BlockTrie(size), context([1, 0, 1, 1])
    sequences = [
        trie.add(root.fork(str(i), context(own).segment)) for i, (own, _) in enumerate(said)
    ]
    for sequence, (_, generated) in zip(sequences, said, strict=True):
        sequence.extend(generated)
        sequence.remove()
    assert (trie._users, trie._stretches) == ({}, {})


def test_threads_share_the_question_and_each_has_its_last_block() -> None:
    question = context(range(10))
    trie = BlockTrie(4)
    threads = [trie.add(question.fork(str(i))) for i in range(3)]
    assert (trie.blocks, trie.unshared) == (2 + 3, 3 * 3)
    threads[0].extend([7, 7])
    threads[1].extend([8, 8])
    threads[2].extend([7, 7])
    # The third block of the first and the last is full now, and the same.
    assert (trie.blocks, trie.unshared) == (2 + 2, 3 * 3)
    threads[2].extend([7])
    assert (trie.blocks, trie.unshared) == (2 + 2 + 1, 3 * 3 + 1)


def test_blocks_after_different_tokens_are_different() -> None:
    trie = BlockTrie(2)
    trie.add(context([1, 2, 3, 4]))
    trie.add(context([0, 2, 3, 4]))
    assert trie.blocks == 4


def test_what_runs_already_is_not_read_again() -> None:
    class Unreadable(tuple[int, ...]):
        __slots__ = ()
        reads = 0

        def __iter__(self):  # type: ignore[no-untyped-def]
            Unreadable.reads += 1
            return super().__iter__()

    question = Context(Segment("user", "", Unreadable(range(100))), name="root")
    trie = BlockTrie(16)
    first = trie.add(question.fork("0"))
    assert Unreadable.reads == 1
    trie.add(question.fork("1").extend(Segment("assistant", "", (1, 2))))
    assert Unreadable.reads == 1
    first.remove()
    trie.add(question.fork("2"))
    assert Unreadable.reads == 1


def test_a_sequence_that_was_removed_does_not_go_on() -> None:
    trie = BlockTrie(4)
    sequence = trie.add(context([1, 2, 3]))
    sequence.remove()
    with pytest.raises(ValueError, match="add it again"):
        sequence.extend([1])
    assert trie.blocks == 0


def test_texts_have_no_blocks() -> None:
    trie = BlockTrie(4)
    texts = context([1, 2, 3, 4]).extend(Segment("user", "five"))
    with pytest.raises(NoTokenIds, match="context 'root' has text only"):
        trie.add(texts)
    assert trie.blocks == 0
    with pytest.raises(NoTokenIds):
        BlockTrie(4, without=texts)


def test_blocks_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="blocks of 0 tokens"):
        BlockTrie(0)
