"""A plan on standard output: as lines for people, as a plan file, or as a drawing; with or without a forecast."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from planners import Plan
from planners.description import describe
from planners.mermaid import to_mermaid

from ..forecasting.forecast import Forecast
from ..planning import Preview
from ..runs.text_table import TextTable
from ..runs.words import duration, printable
from .output import NO_TERMINAL, write

_NAME_WIDTH = 15


@dataclass(frozen=True, kw_only=True)
class PlanOutput:
    """What there is to say of a plan.

    Attributes:
        plan: The plan.
        made: What making it has taken; None where it was given.
        forecast: What it would take; None where nobody asked.
    """

    plan: Plan
    made: Preview | None
    forecast: Forecast | None

    def write(self, form: Literal["text", "json", "mermaid"]) -> None:
        """Writes it; remarks that have no place in the form go to standard error."""
        match form:
            case "text":
                write("\n".join(self._text()))
            case "json":
                write(self._json())
            case "mermaid":
                write("\n".join(self._mermaid()))
        if form != "text" and self.forecast is None and self.made is not None:
            for remark in self.made.remarks:
                sys.stderr.write(f"remark: {printable(remark)}\n")

    def _text(self) -> Iterator[str]:
        width = shutil.get_terminal_size(NO_TERMINAL).columns
        yield from self._table().lines(width)
        facts = list(self._facts())
        if facts:
            yield ""
        for name, fact in facts:
            yield f"{name:<{_NAME_WIDTH}}{printable(fact)}"

    def _table(self) -> TextTable:
        rows = [(node.id, ", ".join(node.dependencies), describe(node)) for node in self.plan.nodes]
        if self.forecast is None:
            return TextTable(head=("node", "needs", "what"), rows=rows)
        head = ("node", "needs", "from ", "to ", "threads ", "tokens ", "what")
        spans, tokens = self.forecast.simulation.spans, self.forecast.tokens
        return TextTable(
            head=head,
            rows=[
                (
                    node,
                    needs,
                    duration(spans[node].start),
                    duration(spans[node].end),
                    str(spans[node].threads or ""),
                    f"{tokens[node].generated:,}" if tokens[node].generated else "",
                    what,
                )
                for node, needs, what in rows
            ],
        )

    def _facts(self) -> Iterator[tuple[str, str]]:
        if self.made is not None:
            usage = self.made.usage
            yield (
                "planned in",
                f"{duration(self.made.seconds)}, {usage.prompt_tokens:,} prompt tokens, "
                f"{usage.generated_tokens:,} generated",
            )
            for remark in self.made.remarks:
                yield "remark", remark
        if self.forecast is not None:
            yield from _forecast_facts(self.forecast)

    def _json(self) -> str:
        if self.forecast is None:
            return self.plan.to_json()
        shown = {
            "plan": json.loads(self.plan.to_json()),
            "remarks": [] if self.made is None else list(self.made.remarks),
            "forecast": forecast_data(self.forecast),
        }
        return json.dumps(shown, ensure_ascii=False, indent=2)

    def _mermaid(self) -> Iterator[str]:
        if self.forecast is None:
            yield to_mermaid(self.plan).rstrip()
            return
        simulation = self.forecast.simulation
        notes = {
            name: f"{duration(span.start)} to {duration(span.end)}"
            for name, span in simulation.spans.items()
        }
        yield to_mermaid(self.plan, marked=simulation.critical_path, notes=notes).rstrip()
        for name, fact in self._facts():
            yield f"%% {name}: {' '.join(printable(fact).split())}"


def _forecast_facts(forecast: Forecast) -> Iterator[tuple[str, str]]:
    simulation, total, rates = forecast.simulation, forecast.total, forecast.rates
    yield (
        "critical path",
        f"{' -> '.join(simulation.critical_path)}: {duration(simulation.critical_seconds)}, "
        f"{forecast.critical_tokens:,} tokens one after another",
    )
    yield "wall time", duration(simulation.seconds)
    yield (
        "tokens",
        f"about {total.prompt:,} prompt ({total.shared:,} of them shared), {total.generated:,} generated",
    )
    yield (
        "at once",
        f"up to {_many(simulation.peak_nodes, 'node')} and {_many(simulation.peak_threads, 'thread')}",
    )
    if forecast.money is not None:
        yield "money", f"{forecast.money:.4g}"
    beyond = ""
    if rates.source.startswith("measured") and simulation.peak_threads > 2 * rates.most_threads:
        beyond = f"; not with more than {_many(rates.most_threads, 'thread')} at once"
    yield "rates", f"{rates.source}{beyond}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def forecast_data(forecast: Forecast) -> dict[str, Any]:
    """A forecast as JSON data; times are in seconds."""
    simulation, total = forecast.simulation, forecast.total
    return {
        "seconds": simulation.seconds,
        "critical_path": list(simulation.critical_path),
        "critical_seconds": simulation.critical_seconds,
        "critical_tokens": forecast.critical_tokens,
        "prompt_tokens": total.prompt,
        "shared_tokens": total.shared,
        "generated_tokens": total.generated,
        "peak_nodes": simulation.peak_nodes,
        "peak_threads": simulation.peak_threads,
        "money": forecast.money,
        "rates": forecast.rates.source,
        "nodes": {
            name: {
                "start": span.start,
                "end": span.end,
                "threads": span.threads,
                "prompt_tokens": forecast.tokens[name].prompt,
                "shared_tokens": forecast.tokens[name].shared,
                "generated_tokens": forecast.tokens[name].generated,
            }
            for name, span in simulation.spans.items()
        },
    }
