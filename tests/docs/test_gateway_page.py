from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from engines import UsageError
from orchestrator.commands.serve import ServeCommand
from orchestrator.openai_api import api_error
from orchestrator.openai_api.api_error import ApiError
from orchestrator.openai_api.model_request import read_request
from tests.docs.test_command_lines import Parser
from tests.meta.sources import ROOT

PAGE = (ROOT / "docs" / "gateway.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table in a part of the page, without its head."""
    part = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    table = [line for line in part.splitlines() if line.startswith("| ")]
    return [line.strip("| ").split(" | ") for line in table[1:]]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def connected(gateway: str) -> httpx.Client:
    """A client that waits as long as a busy machine takes."""
    return httpx.Client(base_url=gateway, timeout=300, trust_env=False)


def ask(gateway: str, model: str = "@self-consistency:n=2", **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "What is 12 times 7?"}]
    body = {"model": model, "messages": messages, **fields}
    with connected(gateway) as client:
        found: dict[str, Any] = client.post("/v1/chat/completions", json=body).json()
    return found


def test_every_field_of_an_answer_is_there(gateway: str) -> None:
    answer = ask(gateway)
    told = {f"forkjoin.{name}" for name in answer["forkjoin"]}
    message = {f"choices[0].message.{name}" for name in answer["choices"][0]["message"]}
    listed = [name for row in rows("What comes back") for name in names(row[0])]
    listed = [name if "." in name or name == "usage" else f"forkjoin.{name}" for name in listed]
    known = {*told, *message, "usage", "usage.forkjoin", "forkjoin.reasoning_content"}
    assert set(listed) <= known | {"choices[0].message.reasoning"}
    assert told <= set(listed)


def test_every_metric_is_counted(gateway: str) -> None:
    ask(gateway)
    with connected(gateway) as client:
        counted = client.get("/metrics").text
    listed = [name for row in rows("Metrics") for name in names(row[0])]
    assert [name for name in listed if name not in counted] == []
    kept = re.findall(r"^# TYPE (forkjoin_\w+) (\w+)$", counted, re.MULTILINE)
    assert {name for name, _ in kept if not name.endswith("_created")} <= set(listed)


@pytest.mark.parametrize("heading", ["Limits", "Keys"])
def test_every_option_is_one_of_the_command(heading: str) -> None:
    parser = Parser()
    ServeCommand().configure(parser)
    part = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(--[a-z-]+)", part)) <= set(parser._option_string_actions)


def test_fields_are_taken_as_the_page_says(gateway: str) -> None:
    harmless = next(row for row in rows("Fields of a request") if "`user`" in row[0])
    body = {"messages": [{"role": "user", "content": "Why?"}]}
    for name in names(harmless[0]):
        read_request("chat", {**body, name: "anything"})
    read_request("chat", {**body, "presence_penalty": 0})
    refused: list[dict[str, Any]] = [{"presence_penalty": 1}, {"audio": {}}]
    for field in refused:
        with pytest.raises(UsageError):
            read_request("chat", {**body, **field})


def test_errors_have_the_codes_of_the_page(gateway: str) -> None:
    listed = {name: row[0] for row in rows("Errors") for name in names(row[1])}
    for model, status, code in (
        ("@nothing", "400", "invalid_value"),
        ("another", "404", "model_not_found"),
    ):
        assert ask(gateway, model)["error"]["code"] == code
        assert listed[code] == status


def test_the_page_lists_all_errors_that_there_are() -> None:
    told = [each for _, each in api_error._ERRORS]
    known = {(each.status, each.code) for each in (*told, *api_error._REFUSED.values())}
    known |= {(status, code) for status, code in api_error._CODES.items()}
    known |= {(error.status, str(error.code)) for error in _raised()}
    listed = [(int(row[0]), name) for row in rows("Errors") for name in names(row[1])]
    assert sorted(listed) == sorted(known)


def _raised() -> Iterator[ApiError]:
    """The errors that the server makes by itself, as its source has them."""
    for path in sorted((ROOT / "orchestrator").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ApiError":
                given = {each.arg: ast.unparse(each.value) for each in node.keywords}
                status, code = ast.unparse(node.args[0]), given.get("code", "")
                if status.isdigit():
                    yield ApiError(int(status), "", code=code.strip("\"'"))


def test_each_code_that_a_status_has_is_told(gateway: str) -> None:
    listed = {name: row[0] for row in rows("Errors") for name in names(row[1])}
    path = "/v1/chat/completions"
    json = {"content-type": "application/json"}
    with connected(gateway) as client:
        answers = {
            "not_found": client.get("/nothing"),
            "method_not_allowed": client.get(path),
            "unsupported_media_type": client.post(path, content=b"{}"),
            "body_too_large": client.post(path, headers=json, content=b" " * (4 * 2**20 + 1)),
            "unreadable_request": client.post(path, headers=json, content=b"{"),
            "budget_exhausted": _chat(client, {"forkjoin": {"budget": {"tokens": 1}}}),
            "context_length_exceeded": _chat(client, {}, "x" * 1_100_000),
        }
    for code, answer in answers.items():
        assert answer.json()["error"]["code"] == code
        assert str(answer.status_code) == listed[code]


def _chat(client: httpx.Client, more: dict[str, Any], question: str = "Why?") -> httpx.Response:
    body = {"model": "@self-consistency", "messages": [{"role": "user", "content": question}]}
    return client.post("/v1/chat/completions", json=body | more)
