"""A server that takes as long as a small replica would: a bounded prefix cache, and steps that slow with the batch.

python -m benchmarks.replica_server      prints its address and runs until it is stopped

It speaks just enough HTTP and vLLM for `HttpEngine`. Its answer to a prompt is the prompt's last id, again and again.
"""

from __future__ import annotations

import asyncio  # noqa: TID251 -- a protocol on the bare loop costs the least
import json
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from benchmarks.slow_server import MODEL, PAGES, response

BLOCK = 16
CACHED_BLOCKS = 2_000
PREFILL_TOKENS_A_SECOND = 20_000
ANSWER_TOKENS = 50
STEP_SECONDS = 0.004
SECONDS_A_SEQUENCE = 0.00005


class PrefixCache:
    """The blocks computed last."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[int, None] = OrderedDict()

    def tokens_of(self, ids: Sequence[int]) -> int:
        """How many tokens of a prompt are there already; then all of them are."""
        cached = before = 0
        for end in range(BLOCK, len(ids) + 1, BLOCK):
            before = hash((before, *ids[end - BLOCK : end]))
            if before in self._blocks and cached == end - BLOCK:
                cached = end
            self._blocks[before] = None
            self._blocks.move_to_end(before)
        while len(self._blocks) > CACHED_BLOCKS:
            self._blocks.popitem(last=False)
        return cached


class Replica:
    """What all connections share."""

    def __init__(self) -> None:
        self.cache = PrefixCache()
        self.running = 0


class Connection(asyncio.Protocol):
    """One connection; its requests come one after another."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._received = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._replica.running -= 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        _, sized, length = head.lower().partition(b"content-length:")
        size = int(length.split(b"\r\n", 1)[0]) if sized else 0
        if found and len(body) >= size:
            self._received = b""
            self._answer(head.split(b" ", 2)[1], body)

    def _answer(self, path: bytes, body: bytes) -> None:
        if path != b"/v1/completions":
            self._transport.write(PAGES[path])
            return
        ids = json.loads(body)["prompt"]
        cached = self._replica.cache.tokens_of(ids)
        self._replica.running += 1
        step = STEP_SECONDS + SECONDS_A_SEQUENCE * self._replica.running
        seconds = (len(ids) - cached) / PREFILL_TOKENS_A_SECOND + ANSWER_TOKENS * step
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, self._complete, ids, cached)

    def _complete(self, ids: Sequence[int], cached: int) -> None:
        self._timer = None
        self._replica.running -= 1
        self._transport.write(response(completion(ids, cached)))


def completion(ids: Sequence[int], cached: int) -> dict[str, Any]:
    """vLLM's answer to a prompt."""
    return {
        "id": "cmpl-0",
        "object": "text_completion",
        "created": 0,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "text": "",
                "logprobs": None,
                "finish_reason": "length",
                "stop_reason": None,
                "token_ids": [ids[-1]] * ANSWER_TOKENS,
            }
        ],
        "usage": {
            "prompt_tokens": len(ids),
            "completion_tokens": ANSWER_TOKENS,
            "total_tokens": len(ids) + ANSWER_TOKENS,
            "prompt_tokens_details": {"cached_tokens": cached},
        },
    }


async def main() -> None:
    replica = Replica()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(replica), "127.0.0.1", 0, backlog=4096)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
