"""A model behind an OpenAI-compatible API: a vLLM server by token ids, any other by chat messages.

vLLM's own routes make contexts ids, so that forks share the server's prefix cache and a turn of the
model can be continued. Other servers take messages only; what needs ids then says so.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import anyio
import anyio.lowlevel

from ..completion import Chunk, Completion, alone, collect
from ..context import Context, Role, Segment
from ..delivery import STREAMED, WHOLE, Delivery
from ..engine import Capabilities, Engine, EngineStatistics, require_capabilities
from ..errors import CapabilityMissing, EngineDead, RequestRejected
from ..portal import OpensOnPortal
from ..sampling import Sampling
from .api_client import ApiClient, ClientStatistics
from .completion_reading import Reading, TextReading
from .connecting import authorization, transport_to
from .request_bodies import WISHES, chat_body, completion_body
from .server_address import ServerAddress
from .server_profile import ServerProfile, find_out
from .server_tokenizer import ServerTokenizer
from .wire_formats import engine_statistics, read_metrics

if TYPE_CHECKING:
    import httpx

# A whole answer comes when it is finished; no server that still does anything takes longer for a token.
_SLOWEST_SECONDS_PER_TOKEN = 0.2


class HttpEngine(Engine, OpensOnPortal["HttpEngine"]):
    """A model on a server: `async with HttpEngine(url) as engine` or `await HttpEngine.open(url)`.

    A plain `with` opens it on the loop that `Agent.run_sync` uses. Any number of calls run at once. A call is
    streamed where somebody reads its parts, and asked for whole otherwise.

    Args:
        url: The server's address, with or without `/v1`.
        model: The served model to use, or a LoRA adapter by the name that the server gave it; None is the only model
            there.
        api_key: The server's key; None takes OPENAI_API_KEY, except with a client, whose auth is its own.
        idle_seconds: How long the server may send nothing before a call fails; a call that is asked for whole may
            take 0.2 s more for each token.
        connect_seconds: How long a connection may take to come about.
        client: An httpx client of your own, for auth, proxies or certificates; you close it. Its limits hold:
            httpx's default is 100 connections, `httpx.Limits(max_connections=None)` has none. None takes aiohttp,
            which carries many times as many calls a second (on trio httpx, since aiohttp knows asyncio only).
    """

    def __init__(
        self,
        url: str,
        model: str | None = None,
        api_key: str | None = None,
        *,
        idle_seconds: float = 600,
        connect_seconds: float = 60,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self._address = ServerAddress.parse(url)
        self._headers = authorization(self._address, api_key, client)
        self._wanted = model
        self._idle_seconds = idle_seconds
        self._connect_seconds = connect_seconds
        self._client = client
        self._server: _Server | None = None
        self._refused: set[str] = set()
        self._running = 0
        self._prompt_tokens = 0
        self._generated_tokens = 0
        self._closed = False

    @classmethod
    async def open(
        cls,
        url: str,
        model: str | None = None,
        api_key: str | None = None,
        *,
        idle_seconds: float = 600,
        connect_seconds: float = 60,
        client: httpx.AsyncClient | None = None,
    ) -> Self:
        """Opens an engine that the caller closes with `aclose`.

        Raises:
            EngineUnavailable: Nothing answers at the address.
            NotAnEngine: What answers is no OpenAI-compatible server.
            UsageError: It does not serve this model.
            RequestRejected: It refuses the key.
            EngineError: Its certificate is not trusted, or a proxy wants a password.
        """
        engine = cls(
            url,
            model,
            api_key,
            idle_seconds=idle_seconds,
            connect_seconds=connect_seconds,
            client=client,
        )
        return await engine.__aenter__()

    async def __aenter__(self) -> Self:
        if self._server is None:
            transport = transport_to(
                self._address, self._headers, self._connect_seconds, self._client
            )
            api = ApiClient(self._address.url, transport, self._idle_seconds)
            try:
                self._server = _Server(
                    api, await find_out(api, self._wanted), anyio.lowlevel.current_token()
                )
            except BaseException:
                await api.aclose()
                raise
        return self

    @property
    def model(self) -> str:
        """The name that the server knows the model by."""
        if self._server is not None:
            return self._server.profile.model
        return self._wanted or self._address.url

    @property
    def capabilities(self) -> Capabilities:
        """Everything on a vLLM server; no token ids elsewhere."""
        return self._opened.profile.capabilities

    @property
    def client_statistics(self) -> ClientStatistics:
        """What this engine has sent to the server."""
        return self._opened.api.statistics

    @asynccontextmanager
    async def stream(
        self, context: Context, sampling: Sampling, delivery: Delivery = STREAMED
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """Generates on the server, which aborts the request when the connection closes.

        A call that is asked for whole is finished when the block begins.
        """
        if delivery.whole:
            async with aclosing(alone(await self._whole(context, sampling, delivery))) as whole:
                yield whole
            return
        call = self._begin(context, sampling, delivery)
        try:
            async with (
                self._events(call) as events,
                aclosing(_chunks(call.reading, events)) as chunks,
            ):
                yield chunks
        finally:
            self._end(call)

    async def generate(
        self, context: Context, sampling: Sampling, delivery: Delivery = WHOLE
    ) -> Completion:
        """Generates to the end; of a whole call, it saves the steps of a stream."""
        if not delivery.whole:
            return await super().generate(context, sampling, delivery)
        return await collect(context, alone(await self._whole(context, sampling, delivery)))

    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        """Encodes with the server's tokenizer and template; keeps text where there are no ids."""
        server = self._usable()
        if not server.profile.capabilities.token_ids:
            return Segment(role, text)
        return await server.tokenizer.encode(text, role, after)

    async def decode(self, token_ids: Sequence[int]) -> str:
        """Decodes with the server's tokenizer."""
        server = self._usable()
        if not server.profile.capabilities.token_ids:
            raise CapabilityMissing(f"{self.model} works on text only here and cannot decode ids")
        return await server.tokenizer.decode(token_ids)

    async def statistics(self) -> EngineStatistics:
        """The server's count, all its clients included; this engine's where it has none."""
        server = self._usable()
        if server.profile.has_metrics:
            return engine_statistics(read_metrics(await server.api.get_text("/metrics")))
        return EngineStatistics(
            running=self._running,
            waiting=0,
            kv_usage=0.0,
            prompt_tokens=self._prompt_tokens,
            generated_tokens=self._generated_tokens,
        )

    async def aclose(self) -> None:
        """Closes the connections, so that the server aborts what runs."""
        if not self._closed:
            self._closed = True
            if self._server is not None:
                await self._server.api.aclose()

    def _begin(self, context: Context, sampling: Sampling, delivery: Delivery) -> _Call:
        server = self._usable()
        require_capabilities(self, sampling)
        call = self._call(server, context, sampling, delivery)
        self._running += 1
        return call

    def _call(
        self, server: _Server, context: Context, sampling: Sampling, delivery: Delivery
    ) -> _Call:
        url, model, capabilities = self._address.url, self.model, server.profile.capabilities
        logprobs = sampling.logprobs or 0
        if capabilities.token_ids:
            body = completion_body(model, context, sampling, delivery, capabilities.window or 0)
            reading = Reading(url, len(body["prompt"]), logprobs)
            call = _Call(server.api, "/v1/completions", body, reading)
        else:
            body = chat_body(model, context, sampling, delivery)
            reading = TextReading(url, logprobs)
            call = _Call(server.api, "/v1/chat/completions", body, reading)
        for name in self._refused:
            body.pop(name, None)
        return call

    def _end(self, call: _Call) -> None:
        self._running -= 1
        self._prompt_tokens += call.reading.usage.prompt_tokens
        self._generated_tokens += call.reading.usage.generated_tokens

    async def _whole(self, context: Context, sampling: Sampling, delivery: Delivery) -> Chunk:
        call = self._begin(context, sampling, delivery)
        patience = call.body["max_tokens"] * _SLOWEST_SECONDS_PER_TOKEN
        try:
            while True:
                try:
                    answer = await call.api.post(call.path, call.body, patience)
                except RequestRejected as refusal:
                    self._forgo(call.body, refusal)
                else:
                    return call.reading.whole(answer)
        finally:
            self._end(call)

    @asynccontextmanager
    async def _events(self, call: _Call) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        async with AsyncExitStack() as stack:
            yield await self._enter(stack, call)

    async def _enter(self, stack: AsyncExitStack, call: _Call) -> AsyncIterator[dict[str, Any]]:
        while True:
            try:
                return await stack.enter_async_context(call.api.events(call.path, call.body))
            except RequestRejected as refusal:
                self._forgo(call.body, refusal)

    def _forgo(self, body: dict[str, Any], refusal: RequestRejected) -> None:
        """Takes out what a server refuses and a call can do without; raises a refusal of anything else."""
        named = {wish for wish in WISHES if wish in body and wish in str(refusal).lower()}
        if not named:
            raise refusal
        self._refused |= named
        for name in named:
            del body[name]

    @property
    def _opened(self) -> _Server:
        if self._server is None:
            raise RuntimeError("the engine is not open: use `async with HttpEngine(url) as engine`")
        return self._server

    def _usable(self) -> _Server:
        if self._closed:
            raise EngineDead("the engine is closed: open a new one")
        server = self._opened
        if anyio.lowlevel.current_token() != server.loop:
            raise RuntimeError(
                "this engine belongs to another event loop: open it on the loop that uses it"
            )
        return server


class _Server:
    """The server of an open engine."""

    def __init__(
        self, api: ApiClient, profile: ServerProfile, loop: anyio.lowlevel.EventLoopToken
    ) -> None:
        self.api = api
        self.profile = profile
        self.loop = loop
        self.tokenizer = ServerTokenizer(api, profile.model)


@dataclass(frozen=True, slots=True)
class _Call:
    api: ApiClient
    path: str
    body: dict[str, Any]
    reading: Reading


async def _chunks(reading: Reading, events: AsyncIterator[dict[str, Any]]) -> AsyncGenerator[Chunk]:
    async for event in events:
        if chunk := reading.feed(event):
            yield chunk
    yield reading.end()
