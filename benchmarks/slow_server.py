"""A server that answers every completion after 200 ms, and does so little else that clients are what is measured.

python -m benchmarks.slow_server      prints its address and runs until it is stopped

It speaks just enough HTTP and vLLM for `HttpEngine`: GET /peak gives the most completions in flight at once since it
was asked before.
"""

from __future__ import annotations

import asyncio  # noqa: TID251 -- a protocol on the bare loop costs the least
import json
from typing import Any

MODEL = "slow"
ANSWER_SECONDS = 0.2
PROMPT_IDS = list(range(200))
ANSWER_IDS = list(range(1000, 1100))


def response(body: dict[str, Any], status: str = "200 OK") -> bytes:
    data = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


COMPLETION = response(
    {
        "id": "cmpl-0",
        "object": "text_completion",
        "created": 0,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "text": " word" * len(ANSWER_IDS),
                "logprobs": None,
                "finish_reason": "length",
                "stop_reason": None,
                "token_ids": ANSWER_IDS,
                "prompt_token_ids": PROMPT_IDS,
            }
        ],
        "usage": {"prompt_tokens": 200, "completion_tokens": 100, "total_tokens": 300},
    }
)
PAGES = {
    b"/v1/models": response({"data": [{"id": MODEL, "owned_by": "vllm"}]}),
    b"/tokenize": response({"tokens": [1], "max_model_len": 100_000}),
    b"/metrics": response({"detail": "no metrics"}, "404 Not Found"),
}


class Flight:
    """Counts the completions that wait for their answers."""

    def __init__(self) -> None:
        self.now = 0
        self.peak = 0

    def begin(self) -> None:
        self.now += 1
        self.peak = max(self.peak, self.now)

    def take_peak(self) -> int:
        peak, self.peak = self.peak, self.now
        return peak


class Connection(asyncio.Protocol):
    """One connection; its requests come one after another."""

    def __init__(self, flight: Flight) -> None:
        self._flight = flight
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._received[:end]
        _, found, length = head.lower().partition(b"content-length:")
        size = int(length.split(b"\r\n", 1)[0]) if found else 0
        if len(self._received) >= end + 4 + size:
            self._received = b""
            self._answer(head.split(b" ", 2)[1])

    def _answer(self, path: bytes) -> None:
        if path == b"/v1/completions":
            self._flight.begin()
            asyncio.get_running_loop().call_later(ANSWER_SECONDS, self._complete)
        elif path == b"/peak":
            self._transport.write(response({"peak": self._flight.take_peak()}))
        else:
            self._transport.write(PAGES[path])

    def _complete(self) -> None:
        self._flight.now -= 1
        self._transport.write(COMPLETION)


async def main() -> None:
    flight = Flight()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(flight), "127.0.0.1", 0, backlog=4096)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
