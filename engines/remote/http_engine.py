"""A model behind an OpenAI-compatible API: a vLLM server by token ids, any other by chat messages.

vLLM's own routes make contexts ids, so that forks share the server's prefix cache and a turn of the
model can be continued. Other servers take messages only; what needs ids then says so.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

import anyio.lowlevel

from .api_client import ApiClient
from .chat_template import (
    NO_TEMPLATE,
    ends_with_mark,
    marks_before,
    opens_generation,
    plain_marks,
    roles_of,
    skeleton,
)
from .completion import Chunk, Usage, as_whole
from .context import Context, Role, Segment
from .delivery import STREAMED, Delivery
from .engine import Capabilities, Engine, EngineStatistics, require_constraint
from .errors import (
    CapabilityMissing,
    ContextTooLong,
    EngineDead,
    EngineError,
    NotAnEngine,
    RequestRejected,
    UsageError,
)
from .event_reading import Reading, TextReading
from .portal import OpensOnPortal
from .sampling import Sampling
from .wire_formats import Sample, read_metrics

_EVERY_CONSTRAINT = frozenset({"choice", "regex", "json", "grammar"})


class HttpEngine(Engine, OpensOnPortal["HttpEngine"]):
    """A model on a server: `async with HttpEngine(url) as engine` or `await HttpEngine.open(url)`.

    A plain `with` opens it on the loop that `Agent.run_sync` uses.

    Args:
        url: The server's address, with or without `/v1`.
        model: The served model to use; None is the only one there.
        api_key: The server's key; None takes OPENAI_API_KEY.
        idle_seconds: How long the server may send nothing before a call fails.
    """

    def __init__(
        self,
        url: str,
        model: str | None = None,
        api_key: str | None = None,
        *,
        idle_seconds: float = 600,
    ) -> None:
        self._api = ApiClient(url, api_key or os.environ.get("OPENAI_API_KEY"), idle_seconds)
        self._model = model
        self._capabilities: Capabilities | None = None
        self._has_metrics = False
        self._marks: dict[tuple[Role, ...], str] = {}
        self._texts: dict[int, str] = {}
        self._running = 0
        self._total = Usage()
        self._closed = False

    @classmethod
    async def open(
        cls,
        url: str,
        model: str | None = None,
        api_key: str | None = None,
        *,
        idle_seconds: float = 600,
    ) -> Self:
        """Opens an engine that the caller closes with `aclose`.

        Raises:
            EngineUnavailable: Nothing answers at the address.
            NotAnEngine: What answers is no OpenAI-compatible server.
            UsageError: It does not serve this model.
            RequestRejected: It refuses the key.
        """
        return await cls(url, model, api_key, idle_seconds=idle_seconds).__aenter__()

    async def __aenter__(self) -> Self:
        if self._capabilities is None:
            try:
                self._loop = anyio.lowlevel.current_token()
                self._capabilities = await self._find_out()
            except BaseException:
                await self.aclose()
                raise
        return self

    @property
    def model(self) -> str:
        """The name that the server knows the model by."""
        return self._model or self._api.url

    @property
    def capabilities(self) -> Capabilities:
        """Everything on a vLLM server; no token ids elsewhere."""
        if self._capabilities is None:
            raise RuntimeError("the engine is not open: use `async with HttpEngine(url) as engine`")
        return self._capabilities

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """Generates on the server, which aborts the request when the connection closes."""
        self._check_usable()
        require_constraint(self, sampling)
        if self.capabilities.token_ids:
            path, body = "/v1/completions", self._completion_request(context, sampling)
            reading = Reading(len(body["prompt"]))
        else:
            path, body = "/v1/chat/completions", self._chat_request(context, sampling)
            reading = TextReading()
        self._running += 1
        try:
            async with (
                self._api.events(path, body) as events,
                contextlib.aclosing(reading.chunks(events, self._api.url)) as chunks,
            ):
                yield as_whole(chunks) if delivery.whole else chunks
        finally:
            self._running -= 1
            self._total += reading.usage

    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        """Encodes with the server's tokenizer and template; keeps text where there are no ids."""
        self._check_usable()
        if not self.capabilities.token_ids:
            return Segment(role, text)
        roles = roles_of(after)
        if roles and roles[-1] == role:
            return Segment(role, text, await self._tokenize(text))
        ids = await self._tokenize(await self._marks_before((*roles, role)) + text)
        if ids and ends_with_mark(after, ids[0], await self._text_of(ids[0])):
            ids = ids[1:]
        return Segment(role, text, ids)

    async def decode(self, token_ids: Sequence[int]) -> str:
        """Decodes with the server's tokenizer."""
        self._check_usable()
        if not self.capabilities.token_ids:
            raise CapabilityMissing(f"{self.model} works on text only here and cannot decode ids")
        answer = await self._api.post("/detokenize", self._request(tokens=list(token_ids)))
        return str(answer["prompt"])

    async def statistics(self) -> EngineStatistics:
        """The server's count, all its clients included; this engine's where it has none."""
        self._check_usable()
        if not self._has_metrics:
            return EngineStatistics(
                running=self._running,
                waiting=0,
                kv_usage=0.0,
                prompt_tokens=self._total.prompt_tokens,
                generated_tokens=self._total.generated_tokens,
            )
        metrics = await self._metrics()

        def total(name: str) -> int:
            return int(sum(sample.value for sample in metrics.get(f"vllm:{name}", ())))

        usages = [sample.value for sample in metrics.get("vllm:kv_cache_usage_perc", ())]
        return EngineStatistics(
            running=total("num_requests_running"),
            waiting=total("num_requests_waiting"),
            # One sample an engine of a data parallel server; their caches are of one size.
            kv_usage=sum(usages) / max(len(usages), 1),
            prompt_tokens=total("prompt_tokens_total"),
            generated_tokens=total("generation_tokens_total"),
        )

    async def aclose(self) -> None:
        """Closes the connections, so that the server aborts what runs."""
        if not self._closed:
            self._closed = True
            await self._api.aclose()

    async def _find_out(self) -> Capabilities:
        """Asks what the server serves and whether it is vLLM."""
        answer = await self._api.get("/v1/models")
        card = _chosen(answer.get("data"), self._model, self._api.url)
        self._model = str(card["id"])
        is_vllm = card.get("owned_by") == "vllm"
        with contextlib.suppress(RequestRejected, NotAnEngine):
            if is_vllm:
                # The card of a LoRA adapter does not tell the window, this answer does.
                probe = await self._api.post("/tokenize", self._request(prompt="a"))
                return Capabilities(
                    token_ids=True,
                    constraints=_EVERY_CONSTRAINT,
                    window=int(probe["max_model_len"]),
                    block_size=await self._block_size(),
                )
        # A server may ignore `response_format` without a word; vLLM keeps it, also behind a proxy.
        return Capabilities(
            token_ids=False,
            constraints=frozenset({"json"} if is_vllm else ()),
            window=card.get("max_model_len"),
        )

    async def _block_size(self) -> int | None:
        try:
            metrics = await self._metrics()
        except EngineError:
            return None
        self._has_metrics = "vllm:num_requests_running" in metrics
        sizes = [s.label("block_size") for s in metrics.get("vllm:cache_config_info", ())]
        return int(sizes[0]) if sizes and sizes[0] and sizes[0].isdigit() else None

    async def _metrics(self) -> dict[str, list[Sample]]:
        return read_metrics(await self._api.get_text("/metrics"))

    def _completion_request(self, context: Context, sampling: Sampling) -> dict[str, Any]:
        prompt = context.token_ids
        window = self.capabilities.window or 0
        if len(prompt) >= window:
            raise ContextTooLong(len(prompt), window)
        body = self._generation_request(sampling) | {
            "prompt": prompt,
            "return_token_ids": True,
            # The server refuses more than its window.
            "max_tokens": min(sampling.max_tokens, window - len(prompt)),
            "top_k": sampling.top_k,
            "stop_token_ids": sampling.stop_token_ids,
            "ignore_eos": sampling.ignore_eos,
            # What is left out, the server takes from the model's generation_config.json.
            "repetition_penalty": 1.0,
            "min_p": 0.0,
        }
        if constraint := sampling.constraint:
            body["structured_outputs"] = {constraint.kind: constraint.value}
        return body

    def _chat_request(self, context: Context, sampling: Sampling) -> dict[str, Any]:
        messages = [{"role": turn.role, "content": turn.text} for turn in context.turns]
        if messages[-1]["role"] == "assistant" and messages.pop()["content"]:
            raise CapabilityMissing(
                f"{self.model} takes chat messages only and cannot continue the model's own turn, "
                f"which needs token ids: use a vLLM server or --engine local"
            )
        body = self._generation_request(sampling) | {
            "messages": messages,
            "max_tokens": sampling.max_tokens,
        }
        if constraint := sampling.constraint:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": constraint.value},
            }
        return body

    def _generation_request(self, sampling: Sampling) -> dict[str, Any]:
        """What both ways to generate have in common."""
        body = self._request(
            stream=True,
            stream_options={"include_usage": True},
            temperature=sampling.temperature,
            top_p=sampling.top_p,
        )
        if sampling.stop:
            body["stop"] = sampling.stop
        if sampling.seed is not None:
            body["seed"] = sampling.seed
        return body

    async def _tokenize(self, text: str) -> tuple[int, ...]:
        if not text:
            return ()
        body = self._request(prompt=text, add_special_tokens=False)
        return tuple((await self._api.post("/tokenize", body))["tokens"])

    async def _text_of(self, token_id: int) -> str:
        if token_id not in self._texts:
            self._texts[token_id] = await self.decode([token_id])
        return self._texts[token_id]

    async def _marks_before(self, roles: tuple[Role, ...]) -> str:
        if roles not in self._marks:
            self._marks[roles] = await self._render_marks(roles)
        return self._marks[roles]

    async def _render_marks(self, roles: tuple[Role, ...]) -> str:
        generation = opens_generation(roles[-1])
        messages = skeleton(roles[:-1] if generation else roles)
        body = self._request(messages=messages, add_generation_prompt=generation)
        try:
            ids = (await self._api.post("/tokenize", body))["tokens"]
        except RequestRejected as error:
            if NO_TEMPLATE in str(error):
                return plain_marks(roles)
            raise RequestRejected(
                f"the chat template of {self.model} refuses the turns {', '.join(roles)}: {error}"
            ) from error
        return marks_before(await self.decode(ids), len(roles) - 1)

    def _request(self, **fields: Any) -> dict[str, Any]:
        return {"model": self._model, **fields}

    def _check_usable(self) -> None:
        if self._closed:
            raise EngineDead("the engine is closed: open a new one")
        if self._capabilities is not None and anyio.lowlevel.current_token() != self._loop:
            raise RuntimeError(
                "this engine belongs to another event loop: open it on the loop that uses it"
            )


def _chosen(cards: Any, wanted: str | None, url: str) -> dict[str, Any]:
    """The model card to use."""
    if not isinstance(cards, list) or not all(isinstance(c, dict) and "id" in c for c in cards):
        raise NotAnEngine(
            f"{url} sent no list of models, so it is no OpenAI-compatible API: check the address"
        )
    # Adapters have a parent; without a choice the model itself is meant.
    fitting = [c for c in cards if c["id"] == wanted or (wanted is None and not c.get("parent"))]
    if len(fitting) == 1:
        return dict(fitting[0])
    served = ", ".join(str(card["id"]) for card in cards) or "nothing"
    problem = "has no single model" if wanted is None else f"does not serve {wanted!r}"
    raise UsageError(f"{url} {problem}: choose one of its models ({served})")
