from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.orchestrator import here as commands_here
from tests.orchestrator.batch.lines import chat, plain, read
from tests.orchestrator.here import Here
from tests.ports import held_port

here = commands_here.run_here

MINE = '''
import anyio
from engines import EngineDead, EngineUnavailable, FakeEngine, RequestRejected
from pathlib import Path

async def reply(context, sampling):
    """Says who it is to, later ones sooner; some fail, and some fail until a file is there."""
    text = context.turns[-2].text
    await anyio.sleep(0)
    for _ in range(9 - len(text) % 9):
        await anyio.sleep(0)
    if "shorten" in text:
        Path("in.jsonl").write_bytes(b"")
    if "fragile" in text and not Path("free").exists():
        1 / 0
    if "reject" in text:
        raise RequestRejected("not this")
    if "busy" in text and not Path("free").exists():
        raise EngineUnavailable("busy")
    return f"{text} with {sampling.seed}: \\\\boxed{{{len(text)}}}"

def engine():
    return FakeEngine(reply)

async def dying(context, sampling):
    if "busy" in context.turns[-2].text:
        raise EngineDead("gone")
    return "ok"

def dead():
    return FakeEngine(dying)

def crash():
    raise ValueError("cannot open\\nmy model")

class Crashing(FakeEngine):
    async def __aenter__(self):
        crash()

def crashing():
    return Crashing(reply)

def other():
    class Other(FakeEngine):
        model = "other"
    return Other(reply)
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path


def put(folder: Path, *lines: str | bytes) -> None:
    encoded = [line.encode() if isinstance(line, str) else line for line in lines]
    (folder / "in.jsonl").write_bytes(b"".join(line + b"\n" for line in encoded))


OPTIONS = ("batch", "in.jsonl", "-o", "out.jsonl", "--engine", "mine:engine", "--attempts", "1")


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix != ".py"} - {"__pycache__"}


def test_answers_come_in_the_order_of_the_rows_in_their_formats(folder: Path, here: Here) -> None:
    put(folder, *(chat(f"c{i}", "x" * i) if i % 2 else plain(i, "y" * i) for i in range(1, 40)))
    done = here(*OPTIONS)
    assert done.returncode == 0
    assert done.stdout == "39 of 39 rows answered: out.jsonl\n"
    rows = read(folder / "out.jsonl")
    assert [row.get("custom_id", row["id"]) for row in rows] == [
        f"c{i}" if i % 2 else i for i in range(1, 40)
    ]
    assert left(folder) == {"in.jsonl", "out.jsonl", "out.jsonl.done"}
    openai, ours = rows[0], rows[1]
    assert openai["error"] is None
    response = openai["response"]
    assert response["status_code"] == 200
    body = response["body"]
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["message"]["content"] == "x with None: \\boxed{1}"
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["usage"]["completion_tokens"] == body["forkjoin"]["critical_path"] == 22
    assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + 22
    assert (ours["text"], ours["answer"]) == ("yy with None: \\boxed{2}", "2")


def test_what_fails_is_in_its_own_file_and_the_rest_is_answered(folder: Path, here: Here) -> None:
    put(
        folder,
        plain("a"),
        "{",
        chat("b", n=2),
        chat("c", "reject"),
        b"\xff",
        plain("a"),
        plain("d", ""),
        plain("e"),
    )
    done = here(*OPTIONS)
    assert done.returncode == 1
    assert done.stdout == "2 of 8 rows answered: out.jsonl\n6 failed: out.errors.jsonl\n"
    assert [row["id"] for row in read(folder / "out.jsonl")] == ["a", "e"]
    errors = read(folder / "out.errors.jsonl")
    assert [error["line"] for error in errors] == [2, 3, 4, 5, 6, 7]
    assert [error.get("custom_id", error["id"]) for error in errors] == [
        *(None, "b", "c", None, "a", "d")
    ]
    codes = [error["error"]["code"] for error in errors]
    assert codes == ["invalid_request"] * 2 + ["engine_error"] + ["invalid_request"] * 3
    assert left(folder) == {"in.jsonl", "out.jsonl", "out.errors.jsonl", "out.jsonl.done"}
    again = here(*OPTIONS)
    assert (again.returncode, "nothing is done" in again.stdout) == (1, True)


def test_what_may_pass_is_done_again_and_nothing_else(folder: Path, here: Here) -> None:
    put(folder, plain("a"), plain("b", "busy"), plain("c", "reject"), plain("d"))
    done = here(*OPTIONS)
    assert done.returncode == 1
    assert "1 of them may succeed later: the same command tries them again" in done.stdout
    assert [row["line"] for row in read(folder / "out.errors.jsonl")] == [2, 3]
    first = (folder / "out.jsonl").read_bytes()
    assert first.count(b"\n") == 2
    (folder / "free").touch()
    done = here(*OPTIONS)
    assert done.returncode == 1
    assert [row["id"] for row in read(folder / "out.jsonl")] == ["a", "b", "d"]
    assert [row["line"] for row in read(folder / "out.errors.jsonl")] == [3]
    assert "out.jsonl.part" not in left(folder)


def test_how_to_go_on_with_what_was_begun_anew_leaves_out_again(folder: Path, here: Here) -> None:
    put(folder, plain("a"), plain("b", "busy"))
    assert "the same command without --again tries them again" in here(*OPTIONS, "--again").stdout
    done = here(*OPTIONS, "--again", "--engine", "mine:dead", "--width", "1")
    assert done.returncode == 1
    assert "1 of 2 rows are done: the same command without --again goes on" in done.stderr
    (folder / "free").touch()
    assert here(*OPTIONS).returncode == 0


def test_an_input_that_loses_lines_meanwhile_is_no_smaller_batch(folder: Path, here: Here) -> None:
    put(folder, plain("a", "shorten"), *(plain(i, "y" * 1000) for i in range(1000)))
    done = here(*OPTIONS, "--width", "1")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "forkjoin: in.jsonl has lost lines since the batch began: begin anew with --again"
    )
    assert not (folder / "out.jsonl").exists()


def test_a_budget_ends_the_batch_and_a_larger_one_goes_on(folder: Path, here: Here) -> None:
    put(folder, *(plain(i) for i in range(20)))
    done = here(*OPTIONS, "--budget", "calls=8")
    assert done.returncode == 1
    assert len(read(folder / "out.jsonl")) == 8
    assert done.stdout.splitlines()[1:] == [
        "12 are left, since the budget ran out of calls: the same command goes on, and its budget counts anew"
    ]
    assert left(folder) == {"in.jsonl", "out.jsonl", "out.jsonl.part"}
    done = here(*OPTIONS, "--budget", "calls=12")
    assert done.returncode == 0
    assert [row["id"] for row in read(folder / "out.jsonl")] == list(range(20))
    assert left(folder) == {"in.jsonl", "out.jsonl", "out.jsonl.done"}


def test_a_budget_of_no_time_ends_too(folder: Path, here: Here) -> None:
    put(folder, *(plain(i) for i in range(20)))
    done = here(*OPTIONS, "--budget", "seconds=0.000001")
    assert done.returncode == 1
    assert "are left, since the budget ran out of seconds" in done.stdout
    assert not (folder / "out.errors.jsonl").exists()


def test_what_is_finished_before_a_bug_of_an_engine_is_kept(folder: Path, here: Here) -> None:
    put(folder, *(plain(i, "fragile" if i == 7 else "y") for i in range(20)))
    # Those that were begun with it are let end, and no more are begun.
    with pytest.raises(ZeroDivisionError):
        here(*OPTIONS, "--width", "9")
    assert 8 <= (folder / "out.jsonl.part").read_bytes().count(b"\nA ") < 19
    (folder / "free").touch()
    done = here(*OPTIONS)
    assert (done.returncode, len(read(folder / "out.jsonl"))) == (0, 20)


@pytest.mark.parametrize("name", ["crash", "crashing"])
def test_an_engine_of_ones_own_that_does_not_open_is_told_in_a_line(
    folder: Path, here: Here, name: str
) -> None:
    put(folder, plain("a"))
    done = here(*OPTIONS, "--engine", f"mine:{name}")
    assert done.returncode == 2
    said = f"forkjoin: --engine mine:{name}: ValueError: cannot open my model"
    assert done.stderr.splitlines()[-1] == said
    assert left(folder) == {"in.jsonl"}


def test_fields_of_its_owner_and_blank_lines_at_the_end_are_nothing(
    folder: Path, here: Here
) -> None:
    put(folder, plain("a", level=3, answer="4", temperature=0), "", plain("b", n=2), "", " ")
    done = here(*OPTIONS)
    assert done.stdout.startswith("1 of 3 rows answered")
    errors = [row["error"]["message"] for row in read(folder / "out.errors.jsonl")]
    assert errors[0] == "the line is empty"
    assert errors[1].startswith("n of 2 cannot be honoured")


def test_rows_that_name_another_model_are_answered_and_it_is_said_once(
    folder: Path, here: Here
) -> None:
    put(folder, *(chat(str(i), model="gpt-4o-mini") for i in range(9)), chat("own", model="fake"))
    done = here(*OPTIONS)
    assert done.returncode == 0
    said = "rows name the model gpt-4o-mini; they are answered by fake"
    assert done.stderr.splitlines().count(said) == 1
    put(folder, chat("own", model="fake"))
    assert "rows name" not in here(*OPTIONS, "--again").stderr


def test_a_body_that_is_null_is_told_as_such(folder: Path, here: Here) -> None:
    url = "/v1/chat/completions"
    rows = [{"custom_id": "a", "url": url, "body": None}, {"custom_id": "b", "url": url}]
    put(folder, *map(json.dumps, rows))
    here(*OPTIONS)
    assert [row["error"]["message"] for row in read(folder / "out.errors.jsonl")] == [
        "body has to be an object, and is null",
        "body has to be an object, and is missing",
    ]


def test_no_ray_cluster_is_told_before_anything_is_read(
    folder: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held_port() as port:
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
        done = here(*OPTIONS, "--backend", "ray")
    assert done.returncode == 2
    assert done.stderr.startswith("forkjoin: no Ray cluster answers at 127.0.0.1:")
    assert len(done.stderr.splitlines()) == 1
    assert left(folder) == set()


@pytest.mark.parametrize("parts", [2, 3, 11])
def test_shards_one_after_another_are_the_whole(folder: Path, here: Here, parts: int) -> None:
    lines = [chat(f"c{i % 17}", "x" * i, seed=i) if i % 3 else plain(i) for i in range(1, 21)]
    put(folder, *lines, "{", plain("last", "reject"))
    assert here(*OPTIONS, "--seed", "1").returncode == 1
    for number in range(1, parts + 1):
        assert here(*OPTIONS, "--seed", "1", "--shards", f"{parts}/{number}").returncode in (0, 1)
    for kind in ("", ".errors"):
        shards = sorted(folder.glob(f"out.*-of-*{parts}{kind}.jsonl"))
        whole = (folder / f"out{kind}.jsonl").read_bytes()
        assert b"".join(path.read_bytes() for path in shards) == whole
    assert len(list(folder.glob(f"out.*-of-{parts}.jsonl"))) == parts


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf"])
def test_an_empty_file_has_no_rows(folder: Path, here: Here, content: bytes) -> None:
    (folder / "in.jsonl").write_bytes(content)
    done = here(*OPTIONS)
    assert (done.returncode, done.stdout) == (0, "0 of 0 rows answered: out.jsonl\n")
    assert (folder / "out.jsonl").read_bytes() == b""


def test_marks_and_ends_of_lines_make_no_difference(folder: Path, here: Here) -> None:
    lines = [chat("a"), plain("b", "ä\u2028\U0001f600 </s>\x00")]
    put(folder, *lines)
    assert here(*OPTIONS).returncode == 0
    expected = (folder / "out.jsonl").read_bytes()
    content = b"\xef\xbb\xbf" + "\r\n".join(lines).encode()
    (folder / "in.jsonl").write_bytes(content)
    assert here(*OPTIONS, "--again").returncode == 0
    assert (folder / "out.jsonl").read_bytes() == expected
    assert "\u2028" in read(folder / "out.jsonl")[1]["text"]


def test_another_engine_does_not_go_on(folder: Path, here: Here) -> None:
    put(folder, plain("a"), plain("b", "busy"))
    here(*OPTIONS)
    (folder / "free").touch()
    done = here(*OPTIONS, "--engine", "mine:other")
    assert done.returncode == 2
    assert "'fake', and this one is 'other'" in done.stderr
    assert "1 of 2 rows are done: the same command goes on" in done.stderr
    assert here(*OPTIONS).returncode == 0


def test_a_batch_does_not_go_on_with_another_input_or_other_settings(
    folder: Path, here: Here
) -> None:
    put(folder, plain("a"), plain("b", "busy"))
    here(*OPTIONS)
    work = (folder / "out.jsonl.part").read_bytes()
    other = here(*OPTIONS, "--max-tokens", "3")
    assert other.returncode == 2
    assert other.stderr == (
        "forkjoin: out.jsonl.part was begun with --max-tokens 512, and this is 3: write the same, or begin anew with "
        "--again\n"
    )
    put(folder, plain("a"), plain("b", "busy"), plain("c"))
    other = here(*OPTIONS)
    assert other.returncode == 2
    assert "was begun with another input" in other.stderr
    assert (folder / "out.jsonl.part").read_bytes() == work
    (folder / "free").touch()
    assert here(*OPTIONS, "--max-tokens", "3", "--again").returncode == 0
    assert len(read(folder / "out.jsonl")) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--shards", "0/0"], "--shards 0/0: write N/i"),
        (["--shards", "2/3"], "--shards 2/3"),
        (["--shards", "two"], "--shards two"),
        (["--shards", "3/-1"], "--shards 3/-1"),
        (["--backend", "spark"], "choose from local, ray"),
        (["--method", "none"], "there is no method 'none'"),
        (["--engine", "mine:nothing"], "has no 'nothing'"),
        (["-o", "in.jsonl/out.jsonl"], "the folder in.jsonl cannot be made: File exists"),
        (["-o", "in.jsonl"], "in.jsonl is the input"),
        (["-o", "sub"], "sub is no file"),
        (["--budget", "hours=3"], "--budget hours=3"),
    ],
)
def test_a_usage_that_cannot_be_is_one_line_and_leaves_nothing(
    folder: Path, here: Here, options: list[str], message: str
) -> None:
    put(folder, plain("a"))
    (folder / "sub").mkdir()
    done = here(*OPTIONS, *options)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert done.stdout == ""
    assert left(folder) == {"in.jsonl", "sub"}


def test_the_folder_of_the_output_is_made(folder: Path, here: Here) -> None:
    put(folder, plain("a"))
    assert here(*OPTIONS, "-o", "new/deep/out.jsonl").returncode == 0
    assert left(folder / "new" / "deep") == {"out.jsonl", "out.jsonl.done"}


def test_an_input_that_is_not_there_is_told(folder: Path, here: Here) -> None:
    done = here(*OPTIONS)
    assert done.returncode == 2
    assert done.stderr.startswith("forkjoin: in.jsonl is no file")


def test_no_text_hurts(folder: Path, here: Here) -> None:
    texts = ["\x1b[2J", "a\u2028\u2029\x85", "<|im_end|>", "\\boxed{" * 50, "\x00", "'\"\\" * 9]
    put(folder, *(plain(f"{text}{i}", text) for i, text in enumerate(texts)))
    done = here(*OPTIONS)
    assert done.returncode == 0
    rows = read(folder / "out.jsonl")
    assert [row["id"] for row in rows] == [f"{text}{i}" for i, text in enumerate(texts)]
    assert all(json.dumps(row["text"]) for row in rows)
