"""The command: parts one after another, what they found kept and shown last, and one line for each mistake."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from benchmarks.gpu import command
from benchmarks.gpu.command import measure
from benchmarks.gpu.figure import Figure
from benchmarks.gpu.part import Incomplete, Part, Setting
from engines import Engine, EngineError, FakeEngine

GOOD = [Figure(what="something", beside="another", value=2, goal=1, detail="in numbers")]
Call = Callable[..., tuple[int, str, str]]


async def good(setting: Setting) -> list[Figure]:
    return GOOD


async def failing(setting: Setting) -> list[Figure]:
    async with anyio.create_task_group() as group:
        group.start_soon(refuse)
    return GOOD


async def refuse() -> None:
    raise EngineError("the engine would not")


async def mistaken(setting: Setting) -> list[Figure]:
    raise KeyError("a mistake in the part")


async def halting(setting: Setting) -> list[Figure]:
    raise Incomplete(GOOD, "the other half needs two GPUs")


async def unwritable(setting: Setting) -> list[Figure]:
    return [Figure(what="a", beside="b", value=1, data={"engine": object()})]


@asynccontextmanager
async def opened(model: str | None, **options: Any) -> AsyncIterator[Engine]:
    async with FakeEngine() as engine:
        yield engine


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls the command with a model of no weights; its exit status, stdout and stderr."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text('{"vocab_size": 300}')
    (model / "tokenizer.json").write_text("{}")

    def called(*arguments: str, parts: Mapping[str, Part]) -> tuple[int, str, str]:
        place = ["--out", str(tmp_path / "out"), "--model", str(model)]
        try:
            measure([*arguments, *place], parts, opened)
            status = 0
        except SystemExit as ended:
            if isinstance(ended.code, str):
                capsys.readouterr()
                return 1, "", ended.code
            status = ended.code or 0
        out, err = capsys.readouterr()
        return status, out, err

    return called


def test_the_table_comes_last_and_alone_on_stdout(call: Call) -> None:
    status, out, err = call("--part", "one", parts={"one": good, "two": failing})
    assert status == 0
    title, _, *table = out.strip().splitlines()
    assert title.startswith("model (")
    assert [line.split("|")[1].strip() for line in table] == ["part", "----", "one"]
    assert "one: done" in err
    assert "two" not in err


def test_what_is_small_reaches_no_goal_and_stands_beside_what_is_not(call: Call) -> None:
    call("--part", "one", parts={"one": good})
    _, out, err = call("--part", "one", "--small", parts={"one": good})
    full, small = out.split("\nmodel, small (")
    assert "at least 1x: reached" in full
    assert "| 2.00x" in small
    assert "reached" not in small + err


@pytest.mark.parametrize("bad", [failing, mistaken, unwritable])
def test_a_part_that_fails_leaves_the_others_alone(call: Call, tmp_path: Path, bad: Part) -> None:
    status, out, err = call("--part", "all", parts={"one": good, "bad": bad, "two": good})
    assert status == 1
    assert re.findall(r"^\| (\w+)", out, re.MULTILINE) == ["part", "one", "two"]
    assert "bad: failed: " in err
    kept = json.loads((tmp_path / "out" / "gpu.json").read_text())
    assert [*kept["models"]["model"]["parts"]] == ["one", "two"]


def test_a_failure_that_is_known_is_one_line(call: Call) -> None:
    _, _, err = call("--part", "bad", parts={"bad": failing})
    assert "\nbad: failed: the engine would not\n" in err
    assert "Traceback" not in err


def test_a_part_that_hangs_is_given_up(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hanging(setting: Setting) -> list[Figure]:
        await anyio.sleep_forever()
        return GOOD

    monkeypatch.setattr(command, "_MOST_SECONDS", 0.01)
    status, out, err = call("--part", "all", parts={"one": hanging, "two": good})
    assert status == 1
    assert "one: failed: given up after 0 s" in err
    assert "| two" in out


def test_what_this_machine_cannot_measure_stays(call: Call) -> None:
    async def nothing(setting: Setting) -> list[Figure]:
        return []

    call("--part", "one", parts={"one": good})
    status, out, _ = call("--part", "one", parts={"one": nothing})
    assert status == 0
    assert "| one" in out


def test_what_is_interrupted_says_where_the_figures_are(call: Call) -> None:
    async def interrupted(setting: Setting) -> list[Figure]:
        raise KeyboardInterrupt

    status, _, err = call("--part", "all", parts={"one": good, "two": interrupted})
    assert status == 130
    assert err.splitlines()[-1].startswith("benchmarks.gpu: stopped; the parts that were done are")
    _, out, _ = call("--part", "two", parts={"two": good})
    assert re.findall(r"^\| (\w+)", out, re.MULTILINE) == ["part", "one", "two"]


def test_an_engine_is_opened_anew_after_a_failure(call: Call) -> None:
    engines: list[Engine] = []

    async def using(setting: Setting) -> list[Figure]:
        engines.append(await setting.engine())
        return GOOD

    async def spoiling(setting: Setting) -> list[Figure]:
        await using(setting)
        raise EngineError("its core died")

    parts = {"one": using, "two": spoiling, "three": using, "four": using}
    assert call("--part", "all", parts=parts)[0] == 1
    one, two, three, four = engines
    assert one is two
    assert three is not two
    assert three is four


def test_figures_of_a_part_that_could_not_measure_all_are_kept(call: Call) -> None:
    status, out, err = call("--part", "half", parts={"half": halting})
    assert status == 1
    assert "| half | something" in out
    assert "half: failed: the other half needs two GPUs" in err


def test_figures_of_earlier_calls_are_in_the_table(call: Call) -> None:
    call("--part", "two", parts={"one": good, "two": good})
    _, out, _ = call("--part", "one", parts={"one": good, "two": good})
    assert re.findall(r"^\| (\w+)", out, re.MULTILINE) == ["part", "two", "one"]


def test_no_part_begins_after_the_minutes_given(call: Call) -> None:
    status, out, err = call("--part", "all", "--minutes", "-1", parts={"one": good})
    assert (status, out) == (1, "")
    assert "one: no time is left" in err


def test_a_shape_takes_the_models_tokenizer(call: Call, tmp_path: Path) -> None:
    seen: list[Setting] = []

    async def looking(setting: Setting) -> list[Figure]:
        seen.append(setting)
        return GOOD

    (tmp_path / "drafts").mkdir()
    (tmp_path / "drafts" / "config.json").touch()
    draft = str(tmp_path / "drafts")
    arguments = ("--part", "one", "--shape", "tiny", "--draft", draft, "--vllm", "dtype=float16")
    _, out, _ = call(*arguments, parts={"one": looking})
    assert out.strip().startswith("tiny (")
    (setting,) = seen
    assert setting.draft == draft
    assert setting.options == {"load_format": "dummy", "dtype": "float16"}
    assert Path(setting.model).is_absolute()
    assert json.loads((Path(setting.model) / "config.json").read_text())["vocab_size"] == 300
    assert (Path(setting.model) / "tokenizer.json").exists()


def test_options_of_vllm_are_yaml(call: Call) -> None:
    seen: list[Mapping[str, Any]] = []

    async def looking(setting: Setting) -> list[Figure]:
        seen.append(setting.options)
        return GOOD

    given = ("max_num_seqs=64", "enforce_eager=true", "speculative_config={method: ngram}")
    call("--part", "one", "--vllm", *given, parts={"one": looking})
    assert seen == [
        {"max_num_seqs": 64, "enforce_eager": True, "speculative_config": {"method": "ngram"}}
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--vllm", "max_num_seqs"), "--vllm max_num_seqs: write KEY=VALUE"),
        (("--vllm", "=3"), "--vllm =3: write KEY=VALUE"),
        (("--draft", "nowhere"), "--draft nowhere: there is no model in this folder"),
        (("--vllm", "a={"), "--vllm a={: the value is no YAML: "),
        (("--vllm", "a=!!python/object:os.system {}"), "the value is no YAML"),
    ],
)
def test_a_wrong_option_is_told_in_a_line(
    call: Call, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    status, _, err = call("--part", "one", *arguments, parts={"one": good})
    assert status == 1
    assert told in err
    assert "\n" not in err
    assert not (tmp_path / "out").exists()


def test_a_model_without_a_vocabulary_has_no_shape(call: Call, tmp_path: Path) -> None:
    (tmp_path / "model" / "config.json").write_text("{}")
    status, _, err = call("--part", "one", "--shape", "tiny", parts={"one": good})
    assert status == 1
    assert err.endswith("config.json tells no size of a vocabulary")


def test_a_folder_without_a_model_is_told_in_a_line(call: Call, tmp_path: Path) -> None:
    (tmp_path / "model" / "config.json").unlink()
    status, _, err = call("--part", "one", parts={"one": good})
    assert status == 1
    assert err.endswith("there is no model in this folder")
