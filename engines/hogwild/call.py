"""One call: what it asks for, and what it has of the model once it has begun. It knows no event loop.

prompt, sampling ─ first turn ─> decoder, and who writes with it: a `Session` of workers, or a `PlainWriter`
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..collaboration import Collaboration
from ..completion import Chunk
from ..delivery import Delivery
from ..errors import ContextTooLong
from ..sampling import Sampling
from .admission import check_ends, check_ids, check_memory
from .layout import views
from .model.sampler import Sampler
from .model.tokenizing import ModelTokenizer
from .model.torch_decoder import TorchDecoder
from .model.torch_model import TorchModel
from .plain_writer import PlainWriter
from .rounds import Writing, advance
from .session import Session

# A thread cannot be interrupted: a call that is left goes on for so many at most.
_MOST_ROUNDS = 16


@dataclass(eq=False)
class Call:
    """A call.

    Attributes:
        prompt: Its ids.
        sampling: How it samples.
        delivery: How it is served.
    """

    prompt: Sequence[int]
    sampling: Sampling
    delivery: Delivery
    _decoder: TorchDecoder | None = None
    _writing: Writing | None = None

    @property
    def has_begun(self) -> bool:
        """Whether it has had a turn."""
        return self._decoder is not None

    @property
    def cache_bytes(self) -> int:
        """What its cache takes."""
        return 0 if self._decoder is None else self._decoder.blocks.bytes

    def check(self, model: TorchModel) -> None:
        """Refuses what cannot be done, before it begins.

        Raises:
            ContextTooLong: No token fits into the window after the prompt.
            RequestRejected: The model does not know an id of the prompt, or it is a collaboration with stop texts or
                ids, or one whose cache would not fit.
        """
        check_ids(self.prompt, model.vocabulary)
        if len(self.prompt) >= model.window:
            raise ContextTooLong(len(self.prompt), model.window)
        if self.sampling.collaboration is not None:
            check_ends(self.sampling)
            check_memory(
                self.sampling.collaboration,
                prompt=len(self.prompt),
                max_tokens=self._room(model),
                window=model.window,
                device=model.device.type,
                token_bytes=model.token_bytes,
                free_bytes=model.free_bytes,
            )

    def go_on(self, model: TorchModel, tokenizer: ModelTokenizer) -> Chunk | None:
        """Does some rounds; what is new then, and None while the prompt is being read.

        Raises:
            RequestRejected: There is no memory for its cache.
        """
        if self._writing is None:
            if self.sampling.collaboration is None:
                self._writing = self._alone(model, tokenizer)
            else:
                self._writing = self._together(model, tokenizer, self.sampling.collaboration)
        rounds = _MOST_ROUNDS if self.delivery.whole else self.delivery.interval
        return advance(self._writing, min(rounds, _MOST_ROUNDS))

    def free(self) -> None:
        """Lets the cache go at once, whatever still holds the call, such as the traceback of an error."""
        if self._decoder is not None:
            self._decoder.free()
        self._decoder = self._writing = None

    def _room(self, model: TorchModel) -> int:
        return min(self.sampling.max_tokens, model.window - len(self.prompt))

    def _alone(self, model: TorchModel, tokenizer: ModelTokenizer) -> Writing:
        self._decoder = model.decoder(((0,),), Sampler([self.sampling], device=model.device))
        return PlainWriter(
            self.prompt,
            self.sampling,
            self._decoder,
            tokenizer,
            eos_ids=model.eos_ids,
            room=self._room(model),
        )

    def _together(
        self, model: TorchModel, tokenizer: ModelTokenizer, collaboration: Collaboration
    ) -> Writing:
        seen = views(collaboration.layout, len(collaboration.workers)).of
        sampling = self.sampling.model_copy(update={"logprobs": None})
        banned = tokenizer.special_ids.union(
            model.eos_ids, *map(tokenizer.ids_of, collaboration.banned)
        )
        sampler = Sampler(
            [sampling.for_branch(f"worker-{block}") for block in range(len(seen))],
            # A tokenizer may know more ids than the model.
            banned=[id for id in banned if id < model.vocabulary],
            device=model.device,
        )
        self._decoder = model.decoder(seen, sampler)
        return Session(self.prompt, sampling, self._decoder, tokenizer, window=model.window)
