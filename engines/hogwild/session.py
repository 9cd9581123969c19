r"""A collaboration over one attention cache, round by round (Rodionov et al. 2025, Hogwild! Inference, section 3).

    read      the prompt, and what stands before the others' steps and before one's own
    rounds    a token of every worker in one pass, until a finished step has the answer or the room is used up
                  step: opening, tokens ... blank line     then its block moves into the history, and the next begins
    close     what is unfinished ends; where it has no answer either, all blocks become history and the closing asks for
              it: nothing is read twice

Pure: it knows who has said what and what is put in, but no tensors and no threads. The transcript grows by whole steps
in the order of their ends, those of one round in the order of the workers. A token belongs to the step in which it was
sampled, also where it holds more than the blank line that ends it (as "\n\nSo" does): what is in the cache is neither
divided nor encoded again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..completion import Chunk, FinishReason, Passage, Usage
from ..sampling import Sampling
from .decoder import PIECE, Decoder
from .layout import views
from .steps import Openings, answers, final_answer
from .tokenizer import Reader, Tokenizer
from .worker import Worker


@dataclass
class _Unsent:
    """What of the transcript no chunk has told yet."""

    text: str = ""
    ids: list[int] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)


class Session:
    """What some workers write after one prompt.

    Where a limit leaves fewer tokens than there are workers, the first of them take these. The closing and the tokens
    of its answer always have their room: a window that has none beside the prompt ends the session at once, with
    nothing, and `max_tokens` not above `answer_tokens` leaves the workers none. Without a closing no answer is asked
    for.

    Args:
        prompt: At least one id.
        sampling: With a collaboration; how tokens are drawn is the decoder's.
        decoder: Has the blocks of `views` for this layout and so many workers.
        tokenizer: The model's.
        window: The longest sequence in tokens.
    """

    def __init__(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        decoder: Decoder,
        tokenizer: Tokenizer,
        *,
        window: int,
    ) -> None:
        rules = sampling.collaboration
        if rules is None:
            raise ValueError("a session needs a sampling with a collaboration")
        self._rules = rules
        self._decoder = decoder
        self._tokenizer = tokenizer
        self._views = views(rules.layout, len(rules.workers))
        seen = self._views.of[0]
        self._prompt = prompt
        self._others = tokenizer.encode(rules.others) if self._views.others in seen else ()
        self._own = tokenizer.encode(rules.own) if self._views.own in seen else ()
        self._closing = tokenizer.encode(rules.closing) if rules.answer_tokens else ()
        self._answer_tokens = min(rules.answer_tokens, sampling.max_tokens) if self._closing else 0
        self._limit = sampling.max_tokens - self._answer_tokens
        pause = tokenizer.encode(rules.pause)
        self._workers = [
            Worker(
                number,
                self._reader(),
                rules.step_tokens,
                pause,
                answer=rules.answer,
                moves_steps=self._views.moves_steps,
            )
            for number in range(len(rules.workers))
        ]
        # Whose steps are in the transcript, but with an end that is still to be fed.
        self._ended: list[Worker] = []
        self._openings = Openings(rules)
        self._transcript = self._reader()
        self._unsent = _Unsent()
        self._read = len(prompt)
        self._answered = 0
        end = len(pause) * len(self._workers) + len(self._closing) + self._answer_tokens
        self._room = window - end
        self._rounds = self._run()

    @property
    def wrote(self) -> list[int]:
        """How many tokens each worker has written so far."""
        return [worker.wrote for worker in self._workers]

    def advance(self) -> Chunk | None:
        """Does one round; not to be called after the last chunk, which has a finish reason.

        Returns:
            What is new, drafts included; None while the prompt is read, which takes a call for every piece of it.

        Raises:
            RequestRejected: There is no memory for it.
        """
        return next(self._rounds)

    def _run(self) -> Iterator[Chunk | None]:
        if self._length + len(self._others) + len(self._own) <= self._room:
            yield from self._begin()
            answered = False
            while not answered and (workers := self._next_round()):
                answered = self._has_answer(self._write(workers))
                if not answered:
                    yield self._chunk()
            # One that stands in an unfinished step is better than one that is asked for.
            if answered or self._has_answer(self._workers):
                self._pause()
                yield self._end("stop")
                return
            yield from self._close()
        yield self._end("length")

    def _has_answer(self, workers: Sequence[Worker]) -> bool:
        return any(final_answer(worker.written, self._rules.answer) for worker in workers)

    def _begin(self) -> Iterator[None]:
        for worker in self._workers:
            self._open(worker)
            worker.begin()
        self._read += len(self._others) + len(self._own)
        prompt, own = self._hold_back()
        for start in range(0, len(prompt), PIECE):
            self._decoder.read(prompt[start : start + PIECE])
            yield
        self._decoder.read(self._others, self._views.others)
        self._decoder.read(own, self._views.own)

    def _hold_back(self) -> tuple[Sequence[int], Sequence[int]]:
        """The prompt and what stands before one's own, as they are read.

        Where there is nothing that a worker could begin with, as headers are empty, the last token before its own is
        not read for all, but is what each is fed first.
        """
        prompt, own = self._prompt, self._own
        if all(worker.unfed for worker in self._workers):
            return prompt, own
        self._room -= len(self._workers) - 1
        if not self._next_round():
            return prompt, own
        for worker in self._workers:
            worker.unfed.insert(0, (own or prompt)[-1])
        return (prompt, own[:-1]) if own else (prompt[:-1], own)

    def _next_round(self) -> list[Worker]:
        """Who takes part in the next round: nobody where the room is used up."""
        left = self._limit - self._generated
        if not left:
            return []
        going = [worker for worker in self._workers if worker.goes_on][:left]
        if self._length + sum(worker.next_tokens for worker in going) > self._room:
            return []
        return [worker for worker in self._workers if worker in going or not worker.goes_on]

    def _write(self, workers: Sequence[Worker]) -> list[Worker]:
        """Does a round; the workers whose steps end in it."""
        sampled = self._decoder.write({worker.number: worker.feed for worker in workers})
        for worker in workers:
            goes_on = worker.goes_on
            if worker.ended:
                if self._views.moves_steps:
                    self._decoder.commit(worker.number)
                self._ended.remove(worker)
                worker.begin()
            if goes_on:
                worker.write(sampled[worker.number].token_id)
                self._openings.count()
        ended = [worker for worker in workers if worker.ended]
        for worker in ended:
            self._finish(worker)
            self._open(worker)
        return ended

    def _open(self, worker: Worker) -> None:
        worker.opening = self._tokenizer.encode(self._openings.next(worker.number))

    def _finish(self, worker: Worker) -> None:
        self._append(worker.number, worker.ids, worker.generated)
        self._ended.append(worker)

    def _pause(self) -> None:
        for worker in self._workers:
            if worker.is_writing:
                worker.pause()
                self._finish(worker)

    def _close(self) -> Iterator[Chunk]:
        self._pause()
        if self._answer_tokens:
            self._commit_all()
            yield from self._answer()

    def _commit_all(self) -> None:
        if self._ended:
            self._decoder.write({worker.number: worker.unfed for worker in self._ended})
        # Where steps move, the history has the order of the transcript.
        for worker in self._ended if self._views.moves_steps else self._workers:
            self._decoder.commit(worker.number)

    def _answer(self) -> Iterator[Chunk]:
        reader = self._reader()
        ids, feed = [*self._closing], self._closing
        text = "".join(map(reader.read, ids))
        before, most = len(answers(text, self._rules.answer)), self._answer_tokens
        self._read += len(ids)
        while True:
            token = self._decoder.write({0: feed}, greedy=True)[0].token_id
            ids.append(token)
            feed = (token,)
            text += reader.read(token)
            self._answered += 1
            if len(answers(text, self._rules.answer)) > before or self._answered == most:
                break
            yield self._chunk()
        self._append(None, ids, self._answered)

    def _append(self, worker: int | None, ids: Sequence[int], generated: int) -> None:
        self._unsent.text += "".join(map(self._transcript.read, ids))
        self._unsent.ids += ids
        self._unsent.passages.append(Passage(worker, len(ids), generated))

    def _end(self, finish_reason: FinishReason) -> Chunk:
        self._unsent.text += self._transcript.rest()
        return self._chunk(finish_reason)

    def _chunk(self, finish_reason: FinishReason | None = None) -> Chunk:
        new, self._unsent = self._unsent, _Unsent()
        drafts = (worker.draft() for worker in self._workers)
        return Chunk(
            text=new.text,
            token_ids=tuple(new.ids),
            usage=Usage(prompt_tokens=self._put_in, generated_tokens=self._generated),
            finish_reason=finish_reason,
            passages=tuple(new.passages),
            drafts=tuple(draft for draft in drafts if draft is not None),
        )

    def _reader(self) -> Reader:
        return self._tokenizer.reader(skip_special_tokens=False)

    @property
    def _put_in(self) -> int:
        return self._read + sum(worker.put_in for worker in self._workers)

    @property
    def _generated(self) -> int:
        return self._answered + sum(worker.wrote for worker in self._workers)

    @property
    def _length(self) -> int:
        return self._put_in + self._generated
