"""The text formats that inference servers answer in: server-sent events and metrics. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

_SAMPLE = re.compile(
    r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>[-+]?[\d.]+(?:[eE][-+]?\d+)?)(?:\s|$)"
)


class EventDecoder:
    r"""Cuts a stream of bytes into the data of its events; every `data` line is one event.

    Lines end at line feeds only. httpx's line iterator also ends them at U+2028 and others, which
    JSON may hold.

    >>> decoder = EventDecoder()
    >>> decoder.feed(b'data: {"a"'), decoder.feed(b': 1}\n\ndata: [DONE]\n\n')
    ([], ['{"a": 1}', '[DONE]'])
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[str]:
        """The events that this piece completes."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        return [
            line.removeprefix(b"data:").strip().decode(errors="replace")
            for line in lines
            if line.startswith(b"data:")
        ]


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
