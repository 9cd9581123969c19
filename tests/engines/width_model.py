"""A model of an engine that serves many calls at once, to try controllers of its width on. Pure: it has its own time.

All calls that run go on equally fast, and a call that ends makes room for the next one. Who runs takes measurements
as `AdaptiveLimiter` does, a second apart; here when calls end.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from engines.width.controller import Measurement, WidthController

Curve = Callable[[float], float]


@dataclass(frozen=True)
class Sample:
    """A second or so of a run: its end, the width, and the true throughput over it."""

    seconds: float
    width: int
    throughput: float


@dataclass
class CrowdedEngine:
    """An engine.

    Attributes:
        throughput: Tokens per second with so many calls running; may be exchanged while it works.
        kv_calls: How many calls fill the KV cache.
        tokens: How long a call is, about.
        noise: The relative standard deviation of its speed, from second to second.
        demand: How many calls want to run.
    """

    throughput: Curve
    kv_calls: float = 10_000
    tokens: int = 600
    noise: float = 0.1
    demand: int = 10_000
    seed: int = 0
    now: float = 0.0
    generated: float = 0.0
    # What each call has generated that has run from the start; calls end when it reaches their mark.
    _progress: float = 0.0
    _marks: list[float] = field(default_factory=list)

    def run(self, controller: WidthController, seconds: float) -> list[Sample]:
        random = Random(self.seed)
        samples = []
        begun, before, end = self.now, self.generated, self.now + seconds
        speed = 1.0
        while self.now < end:
            self._fill(controller.width, random)
            self._finish_one(speed)
            if self.now - begun >= 1:
                samples.append(
                    Sample(
                        self.now, controller.width, (self.generated - before) / (self.now - begun)
                    )
                )
                # A slot is handed on before anybody looks.
                self._fill(controller.width, random)
                controller.observe(self._measurement())
                begun, before = self.now, self.generated
                speed = max(0.2, random.gauss(1, self.noise))
        return samples

    def _fill(self, width: int, random: Random) -> None:
        while len(self._marks) < min(width, self.demand):
            length = random.uniform(0.2, 1.8) * self.tokens
            heapq.heappush(self._marks, self._progress + length)

    def _finish_one(self, speed: float) -> None:
        running = len(self._marks)
        step = heapq.heappop(self._marks) - self._progress
        self._progress += step
        self.generated += step * running
        self.now += step * running / (self.throughput(running) * speed)

    def _measurement(self) -> Measurement:
        in_flight = len(self._marks)
        running = min(in_flight, int(self.kv_calls))
        return Measurement(
            seconds=self.now,
            tokens=int(self.generated),
            in_flight=in_flight,
            waiting=max(0, self.demand - in_flight),
            running=running,
            kv_usage=running / self.kv_calls,
        )
