from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engines import Usage
from orchestrator import (
    CallNoticed,
    Event,
    GenerationFinished,
    NodeFinished,
    NodePlanned,
    NodeStarted,
    PlanText,
    RunFinished,
    RunStarted,
    TokensGenerated,
)
from orchestrator.telemetry import Tracing
from orchestrator.telemetry.attributes import SCHEMA_URL
from planners import Call, Reduce, Think
from tests.orchestrator.processes import in_process

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

SECOND = 10**9
EPOCH = 1_700_000_000 * SECOND


def called(node: str, number: int, time: float, finish: Any = "stop", **more: Any) -> Event:
    return GenerationFinished(
        time=time,
        node=node,
        call=number,
        path=f"root/{node}/{number}",
        usage=Usage(prompt_tokens=20, cached_tokens=16, generated_tokens=number),
        finish_reason=finish,
        seconds=0.5,
        **more,
    )


RUN: tuple[Event, ...] = (
    RunStarted(question="a secret", model="Qwen"),
    PlanText(delta="a secret"),
    called("(planner)", 5, 1.0),
    NodePlanned(node=Call(id="sum", tool="add", arguments={"a": "a secret"})),
    NodePlanned(node=Think(id="why", prompt="a secret", method="self-consistency")),
    NodePlanned(node=Reduce(id="all", inputs=("sum", "why"), reducer="first")),
    NodePlanned(node=Call(id="lost", tool="add")),
    NodeStarted(node="sum", time=1.0),
    NodeStarted(node="why", time=1.5),
    NodeFinished(node="sum", status="failed", reason="no luck", time=2.0),
    NodeFinished(node="lost", status="cancelled", reason="no luck", time=2.0),
    TokensGenerated(node="why", tokens=3, time=2.0),
    CallNoticed(node="why", path="root/why/7", what="retried", reason="429", time=2.25),
    called("why", 7, 3.0, "length", limited_by="tokens"),
    called("why", 9, 3.0, "aborted"),
    called("why", 8, 3.0, "failed"),
    called("why", 6, 3.0, replayed=True),
    NodeFinished(node="why", status="ok", result="a secret", time=3.5),
    NodeStarted(node="all", time=3.5),
    NodeFinished(node="all", status="ok", result="a secret", time=3.5),
    RunFinished(
        status="ok", answer="a secret", usage=Usage(prompt_tokens=80), critical_path=7, time=4.0
    ),
)


def spans_of(*events: Event, **options: Any) -> tuple[ReadableSpan, ...]:
    """What is exported of a run."""
    trace = pytest.importorskip("opentelemetry.sdk.trace")
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = trace.TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing = Tracing(tracer_provider=provider, clock=lambda: EPOCH, **options)
    for event in events:
        tracing.record(event)
    found = exporter.get_finished_spans()
    provider.shutdown()
    return found


def attributes_of(spans: tuple[ReadableSpan, ...], name: str) -> list[Mapping[str, Any]]:
    return [dict(span.attributes or {}) for span in spans if span.name == name]


def tree(spans: tuple[ReadableSpan, ...], parent: int | None = None) -> dict[str, Any]:
    """The names of spans, each with those below it."""
    return {
        f"{span.name} {span.attributes.get('forkjoin.path', '') if span.attributes else ''}".strip(): tree(
            spans, span.context.span_id
        )
        for span in spans
        if (None if span.parent is None else span.parent.span_id) == parent
    }


def test_spans_are_a_tree_of_the_run_its_nodes_and_their_calls() -> None:
    spans = spans_of(*RUN)
    assert tree(spans) == {
        "invoke_workflow forkjoin": {
            "chat Qwen root/(planner)/5": {},
            "execute_tool add": {},
            "invoke_agent self-consistency": {
                "chat Qwen root/why/7": {},
                "chat Qwen root/why/9": {},
                "chat Qwen root/why/8": {},
            },
            "reduce first": {},
        }
    }
    assert len({span.context.trace_id for span in spans}) == 1


def test_calls_carry_their_tokens_and_how_they_ended() -> None:
    spans = spans_of(*RUN, provider="openai")
    calls = {row["forkjoin.path"]: row for row in attributes_of(spans, "chat Qwen")}
    assert calls["root/why/7"] == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "Qwen",
        "gen_ai.response.finish_reasons": ("length",),
        "gen_ai.usage.input_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 16,
        "gen_ai.usage.output_tokens": 7,
        "forkjoin.node": "why",
        "forkjoin.path": "root/why/7",
        "forkjoin.limited_by": "tokens",
    }
    assert sum(row["gen_ai.usage.output_tokens"] for row in calls.values()) == 5 + 7 + 9 + 8
    (run,) = attributes_of(spans, "invoke_workflow forkjoin")
    assert run["forkjoin.usage.input_tokens"] == 80
    assert run["forkjoin.replayed_calls"] == 1
    assert run["forkjoin.critical_path"] == 7


def test_what_failed_is_an_error_and_what_was_not_needed_is_none() -> None:
    spans = spans_of(*RUN)
    errors = {
        (span.name, (span.attributes or {}).get("forkjoin.path"), span.status.description)
        for span in spans
        if not span.status.is_ok and not span.status.is_unset
    }
    assert errors == {("execute_tool add", None, "no luck"), ("chat Qwen", "root/why/8", "")}
    failed = [span for span in spans if "error.type" in (span.attributes or {})]
    assert len(failed) == 2


@pytest.mark.parametrize(("status", "error"), [("failed", True), ("cancelled", False)])
def test_a_run_that_ends_early_ends_the_spans_of_its_nodes(status: Any, error: bool) -> None:
    end = RunFinished(status=status, reason="no luck", usage=Usage(), time=2.5)
    spans = spans_of(*RUN[:9], end)
    assert {span.name for span in spans} == {
        "chat Qwen",
        "execute_tool add",
        "invoke_agent self-consistency",
        "invoke_workflow forkjoin",
    }
    assert {span.end_time for span in spans[1:]} == {EPOCH + 5 * SECOND // 2}
    assert (spans[-1].status.description == "no luck") is error


def test_spans_are_as_long_as_what_they_show() -> None:
    times = {
        (span.name, (span.attributes or {}).get("forkjoin.path")): (
            ((span.start_time or 0) - EPOCH) / SECOND,
            ((span.end_time or 0) - EPOCH) / SECOND,
        )
        for span in spans_of(*RUN)
    }
    assert times["invoke_workflow forkjoin", None] == (0.0, 4.0)
    assert times["execute_tool add", None] == (1.0, 2.0)
    assert times["chat Qwen", "root/why/7"] == (2.5, 3.0)


def test_what_happened_to_a_call_is_an_event_of_its_node() -> None:
    (span,) = [span for span in spans_of(*RUN) if span.name.startswith("invoke_agent")]
    (event,) = span.events
    assert (event.name, event.timestamp) == ("retried", EPOCH + 9 * SECOND // 4)
    assert event.attributes == {"forkjoin.path": "root/why/7", "forkjoin.reason": "429"}


def test_no_prompt_and_no_output_is_in_a_span() -> None:
    assert not any("a secret" in span.to_json() for span in spans_of(*RUN))


def test_every_span_names_the_conventions_that_it_follows() -> None:
    scopes = {span.instrumentation_scope for span in spans_of(*RUN)}
    assert {scope and (scope.name, scope.schema_url) for scope in scopes} == {
        ("forkjoin", SCHEMA_URL)
    }


def test_a_share_of_calls_is_traced_the_same_one_each_time_and_all_that_failed() -> None:
    calls = [called("n", number, 1.0) for number in range(400)]
    failed = [called("n", number, 1.0, "failed") for number in range(400, 420)]
    events = (RUN[0], *calls, *failed, RUN[-1])
    first, second = (attributes_of(spans_of(*events, call_ratio=0.25), "chat Qwen") for _ in "12")
    assert first == second
    assert 60 + 20 < len(first) < 140 + 20
    assert sum("error.type" in row for row in first) == 20
    assert len(attributes_of(spans_of(*events, call_ratio=0.0), "chat Qwen")) == 20


def test_runs_one_after_another_are_traces_of_their_own_even_if_one_had_no_end() -> None:
    spans = spans_of(*RUN[:9], *RUN, *RUN)
    runs = [span for span in spans if span.name == "invoke_workflow forkjoin"]
    traces = [
        tuple(span for span in spans if span.context.trace_id == run.context.trace_id)
        for run in runs
    ]
    assert len(runs) == 2
    assert [tree(trace) for trace in traces] == [tree(spans_of(*RUN))] * 2


def test_without_an_sdk_nothing_is_made_or_kept() -> None:
    tracing = Tracing()
    for event in RUN[:-1]:
        tracing.record(event)
    statistics = tracing.statistics()
    assert (statistics.open_nodes, statistics.calls, statistics.calls_left_out) == (0, 0, 0)


def test_statistics_say_what_was_traced() -> None:
    trace = pytest.importorskip("opentelemetry.sdk.trace")
    tracing = Tracing(tracer_provider=trace.TracerProvider(shutdown_on_exit=False))
    for event in RUN[:17]:
        tracing.record(event)
    statistics = tracing.statistics()
    assert statistics.open_nodes == 1
    assert (statistics.calls, statistics.calls_left_out, statistics.calls_replayed) == (4, 0, 1)


def test_opentelemetry_is_loaded_when_it_is_used() -> None:
    code = "import orchestrator.telemetry, sys; print('opentelemetry' in sys.modules)"
    done = in_process(sys.executable, "-c", code, folder=Path.cwd())
    assert (done.stdout, done.stderr) == ("False\n", "")
