from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engines import FakeEngine, Sampling
from engines.fake_workers import ScriptedWorkers
from orchestrator import (
    Agent,
    CallNoticed,
    GenerationStarted,
    NodePlanned,
    NodeStarted,
    RunStarted,
    RunUnreadable,
)
from orchestrator.events import EventBus
from orchestrator.runs.run_folder import RunFolder
from orchestrator.viewer.run_picture import RunPicture
from planners import Call, Think
from reasoning import ChainOfThought, Hogwild
from tests.backends import run_virtually
from tests.orchestrator.plans import given
from tests.orchestrator.viewer.large_run import write_large_search
from tests.orchestrator.viewer.viewed_runs import (
    ONCE,
    agent_for,
    by_id,
    killed_and_resumed_run,
    only,
    picture_of,
    plan_run,
    search_run,
)


def test_a_plan_is_drawn_with_what_became_of_it() -> None:
    _, data = picture_of(plan_run())
    nodes, run = by_id(data["nodes"]), data["run"]
    assert {id: node["state"] for id, node in nodes.items()} == {
        "sum": "ok",
        "bad": "failed",
        "votes": "ok",
        "quick": "ok",
        "end": "ok",
    }
    assert (run["state"], data["live"], run["question"]) == ("ok", False, "Well?")
    assert run["nodes"] == {"ok": 4, "failed": 1}
    assert nodes["votes"]["depends"] == ["sum"]
    assert nodes["votes"]["asked"] == "Is it $sum?"
    assert (nodes["votes"]["what"], nodes["end"]["what"]) == ("self-consistency", "synthesise")
    assert json.loads(nodes["sum"]["asked"]) == {"a": 1, "b": 2}
    assert (nodes["sum"]["result"], nodes["bad"]["reason"]) == (
        "3",
        "breaks raised ValueError: no luck",
    )
    # The votes had to wait for the tool, and the reduction for the votes.
    assert [id for id, node in nodes.items() if node["critical"]] == ["sum", "votes", "end"]
    assert run["critical_seconds"] == pytest.approx(run["seconds"], abs=0.01)
    assert nodes["sum"]["end"] - nodes["sum"]["start"] == pytest.approx(3)


def test_what_nodes_and_threads_took_adds_up_to_the_run() -> None:
    _, data = picture_of(plan_run())
    for entities in (data["nodes"], data["threads"], data["calls"]):
        for name in ("prompt_tokens", "cached_tokens", "generated_tokens"):
            assert sum(one["usage"][name] for one in entities) == data["run"]["usage"][name]
    assert sum(node["calls"] for node in data["nodes"]) == len(data["calls"])
    assert any(node["cached_share"] for node in data["nodes"])


def test_calls_are_found_in_the_journal_with_their_texts() -> None:
    picture, data = picture_of(plan_run())
    for call in data["calls"]:
        text = picture.text(call["text"])
        assert text is not None
        # The engine says where it was asked.
        assert text["output"].startswith(f"I think of {call['thread']}. ")
        assert text["output"].startswith(call["preview"])
        forks = [turn["fork"] for turn in text["turns"] if turn["fork"]]
        assert "/".join(forks) == call["thread"]
        assert "Well?" in text["turns"][0]["text"]


def test_a_call_of_a_tool_has_its_arguments_and_what_came_of_them() -> None:
    picture, data = picture_of(plan_run())
    node = by_id(data["nodes"])["sum"]
    text = picture.text(node["text"])
    assert text is not None
    assert (text["arguments"], text["output"]) == ({"a": 1, "b": 2}, 3)


def test_threads_are_a_tree_and_say_which_was_chosen() -> None:
    _, data = picture_of(plan_run())
    threads = by_id(data["threads"])
    samples = [t for t in threads.values() if t["node"] == "votes" and t["calls"]]
    assert len(samples) > 1
    assert {sample["parent"] for sample in samples} == {"root/votes"}
    names = {f"sample-{number}" for number in range(len(samples))}
    assert {sample["name"] for sample in samples} == names
    assert sum(sample["chosen"] for sample in samples) == 1
    assert {sample["value"] for sample in samples} <= {"0", "1"}
    assert threads["root/votes"]["state"] == "ok"


def test_a_search_says_what_was_passed_over_and_why() -> None:
    _, data = picture_of(search_run())
    threads = [thread for thread in data["threads"] if "/step-" in thread["id"]]
    passed = [thread for thread in threads if thread["state"] == "passed-over"]
    assert passed
    assert all(thread["score"] is not None for thread in threads)
    for thread in passed:
        assert re.fullmatch(
            r"passed over: \d of 6 went on, the least with 0\.\d+", thread["reason"]
        )
    selections = [one for one in data["decisions"] if one["kind"] == "selection"]
    assert [one["wave"] for one in selections] == list(range(len(selections)))
    chosen = {path for one in selections for path, _ in one["data"]["chosen"]}
    assert not chosen & {thread["id"] for thread in passed}
    assert chosen - {"root/1"} <= {thread["id"] for thread in threads}


def test_reasons_are_told_before_the_samples_are_there(tmp_path: Path) -> None:
    shutil.copytree(search_run(), tmp_path / "run")
    (tmp_path / "run" / "samples.jsonl").unlink()
    _, whole = picture_of(search_run())
    _, early = picture_of(tmp_path / "run")

    def told(data: dict[str, Any]) -> dict[str, str]:
        passed = [t for t in data["threads"] if t["state"] == "passed-over"]
        return {thread["id"]: thread["reason"] for thread in passed}

    assert told(early) == told(whole)


def test_what_a_page_has_seen_and_what_is_new_make_the_whole(tmp_path: Path) -> None:
    """Whoever follows a run has the same in the end as who comes then."""
    for run in (plan_run(), search_run(), killed_and_resumed_run()):
        folder = tmp_path / run.name
        shutil.copytree(run, folder)
        lines = (run / "events.jsonl").read_text().splitlines(keepends=True)
        (folder / "samples.jsonl").unlink()
        (folder / "events.jsonl").write_text("")
        picture, seen, version = RunPicture(folder), dict[str, dict[Any, Any]](), 0
        for end in range(0, len(lines) + 1, 3):
            with (folder / "events.jsonl").open("a") as file:
                file.write("".join(lines[end : end + 3]))
            picture.look()
            version = _merge(seen, picture.data(version))
        shutil.copy(run / "samples.jsonl", folder)
        picture.look()
        _merge(seen, picture.data(version))
        _, whole = picture_of(run)
        # A layout that grows is another one than that of the whole.
        moved = {"version", "layer", "place"}
        for kind in ("nodes", "threads", "calls", "decisions"):
            expected = {_key(one): _without(one, moved) for one in whole[kind]}
            assert {key: _without(one, moved) for key, one in seen[kind].items()} == expected


def _merge(seen: dict[str, dict[Any, Any]], data: dict[str, Any]) -> int:
    for kind in ("nodes", "threads", "calls", "decisions"):
        for one in data[kind]:
            seen.setdefault(kind, {})[_key(one)] = json.loads(json.dumps(one))
        seen.setdefault(kind, {})
    return int(data["version"])


def _key(entity: dict[str, Any]) -> Any:
    return entity.get("id", entity.get("path"))


def _without(entity: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in entity.items() if name not in names}


def test_nothing_is_told_twice() -> None:
    picture, data = picture_of(plan_run())
    picture.look()
    again = picture.data(data["version"])
    assert again["version"] == data["version"]
    assert not any(again[kind] for kind in ("nodes", "threads", "calls", "decisions"))


def test_a_run_that_was_killed_and_resumed_has_two_lives() -> None:
    picture, data = picture_of(killed_and_resumed_run())
    (resumed,) = data["run"]["lives"]
    nodes = by_id(data["nodes"])
    # The tool had ended, and was not called again; what ran went on after.
    assert nodes["sum"]["end"] == pytest.approx(3, abs=0.1)
    assert nodes["votes"]["start"] < resumed < nodes["votes"]["end"]
    states = {(call["state"], call["replayed"]) for call in data["calls"]}
    assert states == {("stop", False), ("stop", True), ("aborted", False)}
    assert data["run"]["calls"]["replayed"] == sum(call["replayed"] for call in data["calls"])
    # What the journal answered was paid once.
    counted = [call for call in data["calls"] if not call["replayed"]]
    generated = sum(call["usage"]["generated_tokens"] for call in counted)
    assert sum(node["usage"]["generated_tokens"] for node in data["nodes"]) == generated
    replayed = next(call for call in data["calls"] if call["replayed"])
    assert picture.text(replayed["text"]) is not None


def test_a_run_that_nobody_works_on_any_more_is_interrupted(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, {"question": "Why?"}) as folder:
        bus = EventBus(lambda: 0.0, (folder.write,))
        bus.emit(RunStarted(question="Why?", model="fake"))
        bus.emit(NodePlanned(node=Think(id="why", prompt="why?")))
        bus.emit(NodeStarted(node="why"))
        bus.emit(GenerationStarted(node="why", call=1, path="root/why"))
        bus.emit(CallNoticed(node="why", path="root/why", what="retried", reason="429"))
        picture, live = picture_of(folder.path)
    picture.look()
    dead = picture.data(live["version"])
    assert (live["live"], live["run"]["state"]) == (True, "running")
    assert (dead["live"], dead["run"]["state"]) == (False, "interrupted")
    assert by_id(live["nodes"])["why"]["state"] == "running"
    assert by_id(live["calls"])[1]["notices"] == [{"what": "retried", "reason": "429"}]
    assert by_id(dead["nodes"])["why"]["state"] == "cancelled"
    assert by_id(dead["calls"])[1]["state"] == "aborted"


def test_a_run_without_journal_and_with_a_newer_one_is_drawn_without_texts(tmp_path: Path) -> None:
    for name, spoil in (("none", _unlink), ("newer", _make_newer)):
        folder = tmp_path / name
        shutil.copytree(plan_run(), folder)
        spoil(folder / "journal.sqlite")
        picture, data = picture_of(folder)
        assert data["run"]["note"]
        assert str(tmp_path) not in data["run"]["note"]
        assert len(data["nodes"]) == 5
        assert all(call["text"] is None for call in data["calls"])
        assert picture.text("c1") is None
        assert picture.search("think")["hits"] == []
        assert picture.texts()["pieces"] == []


def _unlink(journal: Path) -> None:
    for path in journal.parent.glob(f"{journal.name}*"):
        path.unlink()


def _make_newer(journal: Path) -> None:
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute("PRAGMA user_version = 99")


def test_a_newer_run_is_refused_in_a_line_and_torn_lines_are_passed_over(tmp_path: Path) -> None:
    shutil.copytree(plan_run(), tmp_path / "run")
    with (tmp_path / "run" / "events.jsonl").open("a") as file:
        file.write('{"kind": "from-the-future", "time": 9}\n[]\nnonsense\n{"kind": "node-sta')
    _, data = picture_of(tmp_path / "run")
    assert data["run"]["state"] == "ok"
    (tmp_path / "run" / "config.yaml").write_text("schema_version: 99\n")
    with pytest.raises(RunUnreadable, match="newer forkjoin"):
        RunPicture(tmp_path / "run")


def test_workers_that_write_one_call_are_one_call_with_passages(tmp_path: Path) -> None:
    workers = ScriptedWorkers(("I add.\n\nSo \\boxed{4}.\n\n", "No.\n\n"))
    method = Hogwild(workers=2)
    agent = Agent(FakeEngine(workers), planner="single", method=method, runs=tmp_path, calls=ONCE)
    run_virtually(lambda: agent.run("2 + 2?"))
    picture, data = picture_of(only(tmp_path))
    (call,) = data["calls"]
    assert call["workers"] == 2
    text = picture.text(call["text"])
    assert text is not None
    assert {passage["worker"] for passage in text["passages"]} >= {"Alice", "Bob"}


def test_a_run_inside_a_node_is_that_nodes(tmp_path: Path) -> None:
    async def main() -> None:
        inner = Agent(FakeEngine("\\boxed{42}"), planner="single", method="self-consistency")
        tools = [inner.as_tool(name="maths", description="Knows numbers.")]
        node = Call(id="a", tool="maths", arguments={"question": "6 * 7?"})
        agent = agent_for(tmp_path, planner=given(node), tools=tools)
        await agent.run("Well?")

    run_virtually(main)
    picture, data = picture_of(only(tmp_path))
    (node,) = data["nodes"]
    assert (node["id"], node["state"], node["calls"]) == ("a", "ok", len(data["calls"]))
    assert {call["thread"].partition("/")[0] for call in data["calls"]} == {"a"}
    assert all(picture.text(call["text"]) for call in data["calls"])


def test_keys_are_looked_up_and_never_files() -> None:
    picture, _ = picture_of(plan_run())
    for key in (
        "",
        "c0",
        "c99999",
        "t99",
        "config.yaml",
        "../config.yaml",
        "c1 OR 1=1",
        "c1\N{FULLWIDTH DIGIT ONE}",
        "n0",
        "plan",
    ):
        assert picture.text(key) is None, key


def test_a_search_finds_outputs_prompts_and_tools() -> None:
    picture, _ = picture_of(plan_run())
    found = picture.search("THINK OF ROOT/quick")["hits"]
    # What was said is in the prompt of the reduction too.
    assert [hit["node"] for hit in found] == ["quick", "end"]
    assert "think of root/quick" in found[0]["snippet"]
    assert picture.search("well?")["hits"]
    assert [hit["node"] for hit in picture.search("slow_sum")["hits"]] == ["sum"]
    assert picture.search("  ") == picture.search("nowhere") == {"hits": [], "more": False}
    everything = picture.search("e")["hits"]
    assert len({hit["key"] for hit in everything}) == len(everything)


def test_all_texts_of_a_file_are_those_of_the_server(tmp_path: Path) -> None:
    for run in (plan_run(), search_run(), write_large_search(tmp_path / "run", threads=30)):
        picture, data = picture_of(run)
        texts = json.loads(json.dumps(picture.texts()))
        for call in data["calls"]:
            entry = texts["texts"][call["text"]]
            turns, place = [], entry["context"]
            while place >= 0:
                place, role, text, fork = texts["pieces"][place]
                turns.append({"role": role, "text": text, "fork": fork})
            output = entry["output"] if "output" in entry else texts["pieces"][entry["piece"]][2]
            served = picture.text(call["text"])
            told = {"output": output, "passages": entry["passages"], "turns": turns[::-1]}
            assert served == told
        contexts = [tuple(piece) for piece in texts["pieces"]]
        assert len(set(contexts)) == len(contexts)


def test_an_output_that_others_went_on_from_is_in_a_file_once(tmp_path: Path) -> None:
    picture, data = picture_of(write_large_search(tmp_path / "run", threads=30))
    told = json.dumps(picture.texts())
    outputs = [picture.text(call["text"])["output"] for call in data["calls"]]  # type: ignore[index]
    assert all(told.count(json.dumps(output)) == 1 for output in outputs)


def test_long_results_are_cut_and_told_by_their_key(tmp_path: Path) -> None:
    long = "so " * 2_000
    method = ChainOfThought(sampling=Sampling(max_tokens=10_000))
    agent = Agent(FakeEngine(long), planner="single", method=method, runs=tmp_path)
    run_virtually(lambda: agent.run("Well?"))
    picture, data = picture_of(only(tmp_path))
    (node,) = data["nodes"]
    assert len(node["result"]) == 2_000
    text = picture.text(node["text"])
    assert text is not None
    assert text["output"] == long.strip()
    assert picture.texts()["texts"][node["text"]] == text
