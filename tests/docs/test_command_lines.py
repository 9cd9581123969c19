from __future__ import annotations

import argparse
import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from engines import Sampling, UsageError
from orchestrator.command_line import GROUP
from orchestrator.commands.options import agent_options
from orchestrator.commands.settings import Settings
from orchestrator.commands.thinking_options import method_of
from tests.docs.snippets import DOCUMENTS, Command, commands
from tests.meta.sources import ROOT

LOADED: dict[str, Any] = {entry.name: entry.load() for entry in entry_points(group=GROUP)}
COMMANDS = list(commands())


class Refused(Exception):
    pass


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise Refused(message)


def parsed(arguments: list[str]) -> argparse.Namespace:
    command, *rest = arguments
    parser = Parser(prog=command, allow_abbrev=False)
    LOADED[command].configure(parser)
    return parser.parse_args(rest)


def check(arguments: list[str]) -> None:
    """Refuses what the command would refuse before it opens an engine or a file of the reader's.

    Raises:
        Refused: An argument is not there, or lacks its value.
        UsageError: A name or a setting is not there, or does not take the value.
    """
    found = parsed(arguments)
    if arguments[0] in ("run", "plan"):
        agent_options(found)
    elif getattr(found, "method", None):
        found.set = found.set or []
        method_of(found, Settings(found), Sampling())


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.place)
def test_a_command_in_a_document_can_be_run(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.setenv("KEY", "a key that a page names")
    check(command.arguments)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "Why?", "--such"], "--such"),
        (["run", "Why?", "--method", "thinking"], "thinking"),
        (["run", "Why?", "--set", "method.sample=3"], "sample"),
        (["run", "Why?", "--tools", "examples.arithmetic:NONE"], "NONE"),
        (
            ["batch", "in.jsonl", "-o", "out.jsonl", "--method", "beam", "--set", "method.width=0"],
            "width",
        ),
    ],
)
def test_a_command_that_cannot_be_run_is_seen(arguments: list[str], told: str) -> None:
    with pytest.raises((Refused, UsageError), match=told):
        check(arguments)


def test_every_command_is_in_a_document() -> None:
    assert {command.arguments[0] for command in COMMANDS} >= set(LOADED)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_in_a_sentence_exists_with_its_options(document: Path) -> None:
    for text in re.findall(r"`forkjoin ([a-z][^`]*)`", document.read_text(encoding="utf-8")):
        name, _, rest = text.partition(" ")
        parser = argparse.ArgumentParser()
        LOADED[name].configure(parser)
        known = set(re.findall(r"--[a-z-]+", parser.format_help()))
        assert set(re.findall(r"(?<![\w-])--[a-z-]+", rest)) <= known
