from __future__ import annotations

import re
from io import StringIO

import pytest
from rich.console import Console

from engines import FakeEngine, Usage
from orchestrator import (
    Agent,
    CallNoticed,
    Event,
    GenerationFinished,
    GenerationStarted,
    NodeFinished,
    NodePlanned,
    NodeStarted,
    PlanFinished,
    PlanText,
    RunFinished,
    RunStarted,
    TokensGenerated,
    tool,
)
from orchestrator.progress import Progress, opening
from orchestrator.runs import screen
from orchestrator.runs.words import describe
from planners import Call, Node, Reduce, Reference, Template, Think
from tests.orchestrator.plans import by_path, given

STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
HOSTILE = "[bold]x[/bold] [link=http://e.vil]y[/] \x1b[2J\x1b]0;title\x07\x9b31m\x08 é"


@pytest.fixture(autouse=True)
def only_the_last_frame_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread draws the others from time to time, however far the events have come."""
    monkeypatch.setattr(screen, "_FRAMES_PER_SECOND", 1e-6)


def shown(*events: Event, terminal: bool, width: int = 120) -> str:
    file = StringIO()
    console = Console(file=file, force_terminal=terminal, width=width, color_system="truecolor")
    with Progress(console) as progress:
        for event in events:
            progress.show(event)
    return file.getvalue()


def usage(tokens: int) -> Usage:
    return Usage(generated_tokens=tokens)


RUN: tuple[Event, ...] = (
    RunStarted(question="?", model="fake"),
    PlanText(delta="1. multiply(1"),
    PlanText(delta='2, 7)\n2. think("why'),
    NodePlanned(node=Call(id="1", tool="multiply", arguments={"a": 12, "b": 7})),
    NodeStarted(node="1", time=1.0),
    PlanText(delta='?")\njoin()'),
    NodePlanned(node=Think(id="2", prompt="why?")),
    NodeStarted(node="2", time=1.5),
    NodeFinished(node="1", status="ok", result=84.0, time=2.0),
    PlanFinished(text="..."),
    TokensGenerated(node="2", tokens=4),
    TokensGenerated(node="2", tokens=5),
    GenerationFinished(node="2", path="root/2", usage=usage(9), finish_reason="length", seconds=1),
    NodeFinished(
        node="2", status="truncated", reason="it reached its limit", result="so", time=4.0
    ),
    NodePlanned(node=Reduce(id="3", inputs=("1", "2"), reducer="first")),
    NodeStarted(node="3", time=4.0),
    NodeFinished(node="3", status="failed", reason="no luck", time=4.25),
    RunFinished(status="failed", reason="no luck", usage=usage(9)),
)


def test_without_a_terminal_every_event_is_a_line() -> None:
    assert shown(*RUN, terminal=False).splitlines() == [
        "running on fake",
        "plan  1. multiply(12, 7)",
        "▶ 1  multiply(12, 7)",
        'plan  2. think("why?")',
        "▶ 2  think: why?",
        "✓ 1  84.0  (1.0 s)",
        "plan  join()",
        "✂ 2  so (it reached its limit)  (9 tokens, 2.5 s)",
        "▶ 3  first of 1, 2",
        "✗ 3  no luck  (0.2 s)",
    ]


def begun(call: int, path: str) -> Event:
    return GenerationStarted(node="1", call=call, path=f"root/1/{path}")


def ended(call: int) -> Event:
    return GenerationFinished(
        node="1", call=call, path="", usage=usage(9), finish_reason="stop", seconds=1
    )


SEARCH: tuple[Event, ...] = (
    NodePlanned(node=Think(id="1")),
    NodeStarted(node="1"),
    begun(0, "step-0"),
    begun(1, "step-1"),
    ended(0),
    ended(1),
    begun(2, "wave-0/verdict"),
    ended(2),
    begun(3, "step-1/step-0"),
    begun(4, "step-1/step-1"),
)


def test_without_a_terminal_a_search_tells_when_it_goes_a_step_deeper() -> None:
    assert shown(*SEARCH, terminal=False).splitlines() == [
        "▶ 1  think: the question",
        "  1  step 1  (0 calls done, 0 tokens)",
        "  1  step 2  (3 calls done, 27 tokens)",
    ]


def test_a_terminal_shows_how_far_a_search_has_come() -> None:
    text = STYLE.sub("", shown(*SEARCH, terminal=True))
    assert "step 2, 3 of 5 calls done" in text
    end = NodeFinished(node="1", status="ok", result="24")
    text = STYLE.sub("", shown(*SEARCH, end, terminal=True))
    assert "calls done" not in text.splitlines()[1]


def test_a_node_of_many_calls_that_is_no_search_has_no_steps() -> None:
    events = (*SEARCH[:2], begun(0, "sample-0"), begun(1, "sample-1"), ended(0))
    assert "  1 of 2 calls done" in STYLE.sub("", shown(*events, terminal=True))
    assert len(shown(*events, terminal=False).splitlines()) == 1


CALLS: tuple[Event, ...] = (
    *RUN[:4],
    NodeStarted(node="1"),
    CallNoticed(node="1", path="root/1", what="retried", reason="429:\nslow down"),
    CallNoticed(node="1", path="root/1", what="hedged", reason="slow"),
    CallNoticed(node="1", path="root/1", what="retried", reason="429"),
    GenerationFinished(
        node="1", path="root/1", usage=usage(9), finish_reason="stop", seconds=0, replayed=True
    ),
    NodeFinished(node="1", status="ok", result=1),
)


def test_without_a_terminal_what_happened_to_calls_is_told_at_once_and_counted_at_the_end() -> None:
    lines = shown(*CALLS, RUN[-1], terminal=False).splitlines()
    assert lines[3:6] == ["  1  retried: 429: slow down", "  1  hedged: slow", "  1  retried: 429"]
    assert lines[-1] == "1 hedged · 2 retried · 1 answered by the journal"


def test_a_terminal_counts_what_happened_to_calls() -> None:
    assert "running on fake · 1 hedged · 2 retried · 1 answered by the journal" in STYLE.sub(
        "", shown(*CALLS[:1], *CALLS[3:], terminal=True)
    )


def test_lines_are_not_wrapped_to_the_width_of_a_terminal_that_is_not_there() -> None:
    question = " ".join(["word"] * 16)
    events = (NodePlanned(node=Think(id="1", prompt=question)), NodeStarted(node="1"))
    assert shown(*events, terminal=False, width=20) == f"▶ 1  think: {question}\n"


def test_what_a_node_does_is_one_line() -> None:
    events = (NodePlanned(node=Think(id="1", prompt="so\n\nwhy?")), NodeStarted(node="1"))
    assert shown(*events, terminal=False) == "▶ 1  think: so why?\n"


def test_a_terminal_shows_the_plan_while_it_is_written() -> None:
    text = STYLE.sub("", shown(*RUN[:7], terminal=True))
    assert '2. think("why?")' in text


def test_a_terminal_shows_a_table_of_nodes() -> None:
    last = STYLE.sub("", shown(*RUN, terminal=True))
    assert "1. multiply" not in last, "the table says what the plan said"
    assert re.search(r"✓\s+1\s+multiply\(12, 7\)\s+0\s+1\.0\s+84\.0", last)
    assert re.search(r"✂\s+2\s+think: why\?\s+9\s+2\.5\s+so \(it reached its limit\)", last)
    assert re.search(r"✗\s+3\s+first of 1, 2\s+0\s+0\.2\s+no luck", last)


def test_a_terminal_shows_tokens_while_a_node_runs() -> None:
    events = (
        NodePlanned(node=Think(id="1")),
        NodeStarted(node="1", time=0.0),
        TokensGenerated(node="1", tokens=1234),
    )
    assert "1,234" in shown(*events, terminal=True)


def test_an_interrupt_is_answered_at_once_on_a_terminal() -> None:
    file = StringIO()

    def interrupt() -> None:
        with Progress(Console(file=file, force_terminal=True, width=80)) as progress:
            progress.show(RunStarted(question="?", model="fake"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert "stopping" in file.getvalue()


@pytest.mark.parametrize("terminal", [False, True])
def test_what_a_model_or_tool_says_is_shown_and_never_obeyed(terminal: bool) -> None:
    text = shown(
        RunStarted(question="?", model=HOSTILE),
        PlanText(delta=f"{HOSTILE}\n"),
        NodePlanned(node=Think(id="1", prompt=HOSTILE)),
        NodePlanned(node=Call(id="2", tool="f", arguments={"a": HOSTILE})),
        NodeStarted(node="1"),
        NodeStarted(node="2"),
        NodeFinished(node="1", status="ok", result=HOSTILE),
        NodeFinished(node="2", status="failed", reason=HOSTILE),
        PlanFinished(text=HOSTILE),
        terminal=terminal,
        width=400,
    )
    assert "[bold]x[/bold] [link=http://e.vil]y[/]" in text
    for obeyed in ("\x1b[2J", "\x1b]", "\x07", "\x9b", "\x08"):
        assert obeyed not in text
    if not terminal:
        assert "\x1b" not in text


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (Call(id="1", tool="f"), "f()"),
        (Call(id="1", tool="f", arguments={"a": "x", "b": [1]}), "f(x, [1])"),
        (Call(id="1", tool="f", arguments={"a": Reference(node="0", field="n")}), "f($0.n)"),
        (Think(id="1"), "think: the question"),
        (Think(id="1", prompt=Template(parts=("so ", Reference(node="0")))), "think: so $0"),
        (Think(id="1", prompt="why?", after="0"), "think after 0: why?"),
        (Think(id="1", prompt="Given: 5. Find 5*5.", title="Find 5*5."), "think: Find 5*5."),
        (Reduce(id="1", inputs=("a", "b"), reducer="majority"), "majority of a, b"),
    ],
)
def test_a_node_is_described_in_a_few_words(node: Node, words: str) -> None:
    assert describe(node) == words


@pytest.mark.anyio
@pytest.mark.parametrize("terminal", [False, True])
async def test_a_whole_run_is_shown(terminal: bool) -> None:
    @tool
    async def breaks() -> None:
        raise ValueError("no luck")

    file = StringIO()
    engine = FakeEngine(by_path({"root/2": "I say \\boxed{[bold]}"}))
    plan = given(
        Call(id="1", tool="breaks"),
        Think(id="2"),
        Reduce(id="3", inputs=("1", "2"), reducer="first"),
    )
    agent = Agent(engine, tools=[breaks], planner=plan)
    with Progress(Console(file=file, force_terminal=terminal, width=120)) as progress:
        progress.starting("http://127.0.0.1:8000/v1", None)
        await agent.run("Why?", subscribers=[progress.show])
    text = STYLE.sub("", file.getvalue())
    assert "breaks raised ValueError: no luck" in text
    assert "[bold]" in text
    if not terminal:
        assert text.splitlines()[0] == "running on fake"
        assert re.search(r"^✓ 3  \[bold\]  \(\d+\.\d s\)$", text, re.MULTILINE)


def test_an_engine_in_this_process_is_announced_with_its_model() -> None:
    file = StringIO()
    with Progress(Console(file=file)) as progress:
        progress.starting("local", None)
        progress.starting("local", "Qwen/Qwen3-8B")
        progress.starting("hogwild", None)
    assert file.getvalue().splitlines() == [
        "starting vLLM with the embedded model; this takes a minute",
        "starting vLLM with Qwen/Qwen3-8B; this takes a minute",
        "loading the embedded model with PyTorch; this takes some seconds",
    ]


def test_what_was_recorded_is_read_and_not_connected_to() -> None:
    assert opening("replay:old/one.jsonl", None) == "reading recorded samples of old/one.jsonl"
    assert opening("http://a:8000/v1", None) == "connecting to http://a:8000/v1"
