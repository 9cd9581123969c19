"""Hogwild! over any engine with token ids: workers that write on one board and read it now and then.

    Alice   ── call ──┬─ call ──────┬─ call ─┬─ ...         a call ends with its step, or after `refresh` tokens;
                      ↓             ↓        ↓              the next begins at once, with the board as it is then
    board   prompt | Alice [1] | Bob [1] | Alice [2] ...
                                  ↑
    Bob     ── call ────── call ──┴───── call ───── ...     nobody waits for anybody

Over one cache (`Hogwild`) each sees every token of the others at once and computes none again. Here text takes the
place of the cache: the common history is the prefix of all calls, and computed once; what is behind it, each call
computes anew. What is enforced over one cache cannot be here: nothing is banned (`Collaboration.banned`: a step may
hold `#` and `</think>`), and a model may end its turn, which ends its step; after three turns without a word a worker
has nothing more to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engines import (
    CapabilityMissing,
    Context,
    ContextTooLong,
    Engine,
    Status,
    Usage,
    UsageError,
)

from ..answer import Answer, Branch
from ..branching import remark_on_lost, require_candidates
from ..extraction import extract_answer
from .board import Board, Marks
from .closing import close
from .desk import Desk
from .team import (
    Team,
    conclusion,
    limit_of_window,
    reason_of_others,
    remark_on_cut_steps,
    remark_on_weakness,
)
from .writing import Writing


@dataclass(frozen=True, kw_only=True)
class Blackboard(Team):
    """Workers that read each other's texts, until one of them boxes the answer; else it is asked for at the end.

    Attributes:
        refresh: Tokens after which a worker looks again at what the others are writing, and shows them what it has
            written; 0 is at the ends of its steps only. The smaller, the more is computed again.
    """

    refresh: int = 64

    def __post_init__(self) -> None:
        """Refuses what `Team` refuses, and a refresh before any token."""
        super().__post_init__()
        if self.refresh < 0:
            raise UsageError(f"a refresh after {self.refresh} tokens: at least 0 is needed")

    async def solve(self, context: Context, engine: Engine) -> Answer:
        """Lets all of them write.

        Raises:
            CapabilityMissing: The engine has no token ids.
            ContextTooLong: The window has no room for a first token of a worker.
            NoCandidates: All workers failed.
        """
        if not engine.capabilities.token_ids:
            raise CapabilityMissing(
                f"workers go on with the model's own turn, and {engine.model} takes no token ids here: "
                f"use vLLM, as a server or with --engine local"
            )
        prompt = await self.invited(context, engine)
        board = await self._board(prompt, engine)
        writing = Writing(prompt, board, self.sampling, engine)
        await writing.run()
        # One that stands in an unfinished step is better than one that is asked for.
        for worker in range(self.workers):
            board.look(worker)
        if not any(desk.asked for desk in board.desks):
            window = engine.capabilities.window or 0
            raise ContextTooLong(board.tokens, window, workers=self.workers)
        return await self._answer(prompt, board, writing.usage, engine)

    async def _board(self, prompt: Context, engine: Engine) -> Board:
        asked = self.collaboration
        texts = (asked.others, asked.own, asked.pause, asked.closing)
        others, own, pause, closing = [
            await engine.encode(text, role="assistant", after=prompt) for text in texts
        ]
        return Board(
            prompt,
            asked,
            Marks(others=others, own=own, pause=pause, closing=closing),
            max_tokens=self.sampling.max_tokens,
            refresh=self.refresh,
            window=engine.capabilities.window,
        )

    async def _answer(
        self, prompt: Context, board: Board, usage: Sequence[Usage], engine: Engine
    ) -> Answer:
        """What they came to, with each of them as a branch."""
        written, limit = board.written, ""
        if board.found is None and any(desk.end is None for desk in board.desks):
            limit = limit_of_window(engine.capabilities.window)
        branches = [
            _branch(board, worker, prompt.fork(desk.name).path, usage[worker], written, limit)
            for worker, desk in enumerate(board.desks)
        ]
        require_candidates(branches, "workers")
        boxed = None if board.found is None else board.found.value
        whole = Answer(text="", context=written)
        if boxed is None:
            whole = replace(await self._asked(board, written, engine), limit=limit)
        value, remark = conclusion(boxed, whole.value, _after(prompt, written)[0])
        text, ids = _after(prompt, whole.context or written)
        remark = "; ".join(filter(None, (remark, whole.remark)))
        whole = replace(whole, text=text, token_ids=ids, value=value, remark=remark)
        weak = remark_on_weakness(
            [_remark_on_steps(desk) for desk in board.desks], self.step_tokens
        )
        lost = remark_on_lost(branches, "workers")
        return whole.after(branches, remark="; ".join(filter(None, (weak, lost))))

    async def _asked(self, board: Board, written: Context, engine: Engine) -> Answer:
        """What is said where no worker had the answer, when it is asked for."""
        limits = [desk.limited_by for desk in board.desks if desk.limited_by is not None]
        cut = any(desk.end != "silence" for desk in board.desks)
        said = Answer(text="", context=written)
        if self.answer_tokens:
            limit = {"max_tokens": self.answer_tokens, "temperature": 0.0}
            sampling = self.sampling.model_copy(update=limit)
            said = await close(board.asking(written), self.collaboration, sampling, engine)
        return replace(
            said,
            truncated=said.truncated or cut,
            limited_by=said.limited_by or next(iter(limits), None),
        )


def _branch(
    board: Board, worker: int, path: str, usage: Usage, written: Context, limit: str
) -> Branch:
    """A worker with its own steps. The one that answered stands where the answer does."""
    desk, found = board.desks[worker], board.found
    answered = found is not None and found.worker == worker
    status: Status = "truncated"
    reason, remark = "", _remark_on_steps(desk)
    if answered:
        status = "ok"
    elif desk.end == "failure":
        status, reason = "failed", desk.reason
    elif desk.end == "silence":
        status, remark = "ok", "it had nothing more to say"
    elif found is not None and desk.end is None:
        status, reason = "cancelled", reason_of_others(board.desks[found.worker].name)
    said = desk.said
    answer = Answer(
        text=said.text,
        value=found.value if answered and found else extract_answer(said.text),
        token_ids=said.token_ids or (),
        context=written if answered else None,
        usage=usage,
        critical_path=usage.generated_tokens,
        truncated=status != "ok",
        limited_by=desk.limited_by,
        limit=limit if desk.end is None else "",
        remark=remark,
    )
    return Branch(path=path, status=status, answer=answer, reason=reason)


def _remark_on_steps(desk: Desk) -> str:
    begun = len(desk.finished) + bool(desk.unfinished.text)
    return remark_on_cut_steps(desk.cut, begun, desk.step_tokens)


def _after(prompt: Context, end: Context) -> tuple[str, tuple[int, ...]]:
    """All that was said after the prompt, with its ids."""
    said = end.lineage[len(prompt.lineage) :]
    return "".join(node.segment.text for node in said), end.token_ids[len(prompt.token_ids) :]
