"""Contexts: immutable prefixes that share their parents, so that what is common is stored and computed once.

A context is a node of a trie. Forking it is free, and the forks' common prefix is one KV cache in the engine.
Token ids are stitched from segments; text is never tokenised a second time, since decoding and encoding again
changes the ids of every sixth output or so and loses the cache. Pure: it knows no engine.
"""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

Role = Literal["system", "user", "assistant"]


class NoTokenIds(ValueError):
    """The context was made by an engine that works on text only."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a conversation, as an engine encoded or generated it.

    Attributes:
        role: Who speaks. A segment with the role of the one before it goes on with the same turn.
        text: The content, without the chat template's marks.
        token_ids: The ids to append to the sequence, the template's marks included; None on a text-only engine.
    """

    role: Role
    text: str
    token_ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """A prefix of a conversation: its parent and the segment that this node adds.

    Attributes:
        segment: What this node adds to its parent.
        parent: The prefix before it; None at the root.
        name: Unique among the forks of one parent; None where the context only goes on.
    """

    segment: Segment
    parent: Context | None = None
    name: str | None = None
    _digest: bytes | None = field(default=None, init=False, repr=False)

    def extend(self, segment: Segment) -> Context:
        """Goes on after this context on the same path."""
        return Context(segment, self)

    def fork(self, name: str, segment: Segment | None = None) -> Context:
        """Starts a branch called `name`, which may begin with a segment of its own.

        >>> root = Context(Segment("user", "2 + 2?", (5, 6)), name="root")
        >>> [root.fork(f"sample-{i}").path for i in range(2)]
        ['root/sample-0', 'root/sample-1']
        """
        ids = None if self.segment.token_ids is None else ()
        return Context(segment or Segment(self.segment.role, "", ids), self, name)

    @property
    def lineage(self) -> tuple[Context, ...]:
        """The nodes from the root to this one."""
        nodes = []
        node: Context | None = self
        while node is not None:
            nodes.append(node)
            node = node.parent
        return tuple(reversed(nodes))

    @property
    def digest(self) -> bytes:
        """16 bytes that stand for names, roles, texts and ids from the root to here, in every process the same."""
        nodes = []
        node: Context | None = self
        while node is not None and node._digest is None:
            nodes.append(node)
            node = node.parent
        digest = b"" if node is None or node._digest is None else node._digest
        for node in reversed(nodes):
            digest = _digest(digest, node)
            # It only remembers what follows from the rest.
            object.__setattr__(node, "_digest", digest)
        return digest

    @property
    def path(self) -> str:
        """The names from the root, joined by slashes: the same in every run of the same code."""
        return "/".join(node.name for node in self.lineage if node.name is not None)

    @property
    def has_token_ids(self) -> bool:
        """Whether the sequence exists as token ids."""
        return self.segment.token_ids is not None

    @property
    def token_ids(self) -> tuple[int, ...]:
        """The whole sequence.

        Raises:
            NoTokenIds: A segment came from an engine without token ids.
        """
        pieces = [node.segment.token_ids for node in self.lineage]
        if None in pieces:
            raise NoTokenIds(f"context {self.path!r} has text only")
        # A long prompt is put together at every call: a loop in Python would take five times as long.
        return tuple(chain.from_iterable(piece for piece in pieces if piece is not None))

    @property
    def turns(self) -> tuple[Segment, ...]:
        """The conversation with each turn in one piece; ids are left out."""
        merged: list[Segment] = []
        for node in self.lineage:
            role, text = node.segment.role, node.segment.text
            if merged and merged[-1].role == role:
                merged[-1] = Segment(role, merged[-1].text + text)
            else:
                merged.append(Segment(role, text))
        return tuple(merged)


def _digest(before: bytes, node: Context) -> bytes:
    segment = node.segment
    head = "\0".join((segment.role, "" if node.name is None else f"/{node.name}", segment.text))
    digest = hashlib.blake2b(before, digest_size=16)
    digest.update(head.encode("utf-8", "surrogatepass"))
    # No text holds this byte, so that ids cannot be taken for text.
    digest.update(
        b"\xff" if segment.token_ids is None else b"\xff" + array("I", segment.token_ids).tobytes()
    )
    return digest.digest()
