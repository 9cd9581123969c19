"""Whether a conversation can fit into the model's window at all, which is known before a run begins."""

from __future__ import annotations

from collections.abc import Sequence

from engines import ContextTooLong, Engine, Role, converse


async def check_window(engine: Engine, turns: Sequence[tuple[Role, str]]) -> None:
    """Refuses a conversation that fills the window by itself, as a call of the engine would.

    It is encoded only where it is so long that this is likely: most tokens have several characters. What a method adds
    to it is not known here, nor what an engine without tokens makes of it: their calls find out.

    Args:
        engine: Encodes.
        turns: All that was said.

    Raises:
        ContextTooLong: It leaves no room for a token.
    """
    window = engine.capabilities.window
    if window is None or not engine.capabilities.token_ids:
        return
    if sum(len(text) for _, text in turns) < window:
        return
    context = await converse(engine, turns, name="question")
    tokens = len(context.token_ids)
    if tokens >= window:
        raise ContextTooLong(tokens, window)
