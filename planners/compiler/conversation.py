"""What a planner and its model have said to each other.

It only grows: every prompt has all that was said before as its prefix, so that an engine finds it in its KV cache. It
knows nothing of plans.
"""

from __future__ import annotations

from collections.abc import Sequence

from engines import Chunk, Context, Engine, Role, Segment, converse


class Conversation:
    """One conversation with an engine.

    Args:
        engine: Speaks for the model.
        prompt: What was said so far; the model's turn is open.

    Attributes:
        context: What was said so far.
        tokens: How many the model has generated, by the engine's own count.
    """

    def __init__(self, engine: Engine, prompt: Context) -> None:
        self.engine = engine
        self.context = prompt
        self.tokens = 0

    async def ask(self, text: str, name: str) -> None:
        """Says something and opens the model's turn, on a fork called `name`.

        The path has this name from now on, so that what the model says next has a seed and a place in the journal of
        its own.
        """
        turns: list[tuple[Role, str]] = [("user", text), ("assistant", "")]
        self.context = await converse(self.engine, turns, after=self.context, name=name)

    def hear(self, chunks: Sequence[Chunk]) -> None:
        """Takes what the model said in one call, whether the call came to its end or was left."""
        ids = tuple(id for chunk in chunks for id in chunk.token_ids)
        self._add("".join(chunk.text for chunk in chunks), ids)
        self.tokens += chunks[-1].usage.generated_tokens if chunks else 0

    async def hear_part(self, chunks: Sequence[Chunk], length: int) -> None:
        """Takes the first characters only of what the model said; the tokens are counted all the same."""
        text = "".join(chunk.text for chunk in chunks)[:length]
        ids: list[int] = []
        covered = 0
        for chunk in chunks:
            # Ids whose text has not come out yet belong to what is left out.
            if covered == length or covered + len(chunk.text) > length:
                break
            covered += len(chunk.text)
            ids += chunk.token_ids
        # The model's own ids as far as they go.
        rest = await self.engine.encode(text[covered:], role="assistant", after=self.context)
        self._add(text, (*ids, *(rest.token_ids or ())))
        self.tokens += chunks[-1].usage.generated_tokens

    def _add(self, text: str, ids: tuple[int, ...]) -> None:
        segment = Segment("assistant", text, ids if self.context.has_token_ids else None)
        self.context = self.context.extend(segment)
