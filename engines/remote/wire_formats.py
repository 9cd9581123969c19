"""The text formats that inference servers answer in: server-sent events and metrics. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..engine import EngineStatistics

_SAMPLE = re.compile(
    r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?:\s|$)"
)


class EventDecoder:
    r"""Cuts a stream of bytes into the data of its events; every `data` line is one event.

    Lines end at line feeds only: JSON may hold what else ends lines of text, such as U+2028.

    >>> decoder = EventDecoder()
    >>> decoder.feed(b'data: {"a"'), decoder.feed(b': 1}\n\ndata: [DONE]\n\n')
    ([], [b'{"a": 1}', b'[DONE]'])
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """The events that this piece completes."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        return [line.removeprefix(b"data:").strip() for line in lines if line.startswith(b"data:")]

    def end(self) -> list[bytes]:
        """The event that the end of the stream completes, where its line does not end."""
        return self.feed(b"\n")


@dataclass(frozen=True, slots=True)
class Sample:
    """A line of a metrics page; `labels` as they stand there."""

    labels: str
    value: float

    def label(self, name: str) -> str | None:
        """The value of one label."""
        found = re.search(rf'(?:^|,){name}="([^"]*)"', self.labels)
        return found and found[1]


def read_metrics(page: str) -> dict[str, list[Sample]]:
    r"""The samples of a metrics page by metric.

    >>> page = '# TYPE a gauge\na{engine="0"} 1.0\na{engine="1"} 2.0'
    >>> read_metrics(page)["a"][1].label("engine")
    '1'
    """
    samples: defaultdict[str, list[Sample]] = defaultdict(list)
    for line in page.splitlines():
        if match := _SAMPLE.match(line):
            samples[match["name"]].append(Sample(match["labels"] or "", float(match["value"])))
    return samples


def engine_statistics(metrics: Mapping[str, Sequence[Sample]]) -> EngineStatistics:
    """What vLLM's metrics say that it does."""

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
