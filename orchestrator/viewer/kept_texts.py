"""The texts of a run, by their keys: prompts with the places where contexts forked, outputs, calls of tools. Read only.

    c17     a call of the engine: what it went on from, in pieces, and what it generated
    t3      a call of a tool
    n12     what was asked of a node and what it gave, where a picture has only the beginning
    plan    what the planner wrote

A key is looked up in the journal, and in what the picture keeps; none is ever the name of a file.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engines import Sampling

from ..journal.packing import unpack_passages, unpack_text
from ..journal.schema import connect_to_read

_KEY = re.compile(r"([ct])([1-9][0-9]{0,15})")
_OUTPUT = "SELECT calls.id, context, text, passages, sampling FROM calls JOIN requests ON requests.id = request"
_PARTS = "SELECT text, passages FROM parts WHERE call = ? ORDER BY rowid"
_TOOLS = "SELECT id, tool, arguments, state, result FROM tools"
_CONTEXTS = "SELECT id, parent, name, role, text FROM contexts"
_CONTEXT = f"""
{_CONTEXTS} WHERE id = :id
UNION ALL SELECT id, context, NULL, 'assistant', text FROM calls WHERE id = :id
"""

Text = dict[str, Any]
"""A text as the page gets it."""


@dataclass(slots=True)
class AllTexts:
    """The texts of a run as a file holds them: prompts are a trie, so that what contexts share is there once.

    Attributes:
        pieces: The place of the piece before, the role, the text and the name of the fork; the place of nothing is -1.
        texts: As `KeptTexts.get` gives them, by key, with the place of the last piece as `context` instead of `turns`,
            and with the place of a `piece` instead of an `output` that others went on from.
    """

    pieces: list[tuple[int, str, str, str | None]] = field(default_factory=list)
    texts: dict[str, Text] = field(default_factory=dict)
    _places: dict[int, int] = field(default_factory=dict)
    _made: dict[int, int] = field(default_factory=dict)

    def say_once(self) -> None:
        """Outputs that are pieces are told as such."""
        for key, text in self.texts.items():
            if key.startswith("c") and (place := self._made.get(int(key[1:]))) is not None:
                del text["output"]
                text["piece"] = place

    def place(self, context: int | None, rows: Mapping[int, tuple[Any, ...]]) -> int:
        """The place of a context, with what it goes on from."""
        missing = []
        while context and context not in self._places and context in rows:
            missing.append(rows[context])
            context = _parent(context, rows[context][1])
        place = self._places.get(context, -1) if context else -1
        for id, _, name, role, text in reversed(missing):
            if name is not None or text:
                fork = None if name is None else _told(name)
                self.pieces.append((place, role, _told(text), fork))
                place = len(self.pieces) - 1
                self._made[id] = place
            self._places[id] = place
        return place

    def data(self) -> dict[str, Any]:
        """As JSON data."""
        return {"pieces": self.pieces, "texts": self.texts}


class KeptTexts:
    """The texts of one run.

    Args:
        path: Its journal.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str) -> Text | None:
        """The text of a key; None where there is none.

        Raises:
            JournalError: The journal cannot be read.
        """
        found = _KEY.fullmatch(key)
        if found is None:
            return None
        kind, id = found[1], int(found[2])
        with connect_to_read(self._path) as connection:
            return _call(connection, id) if kind == "c" else _tool(connection, id)

    def everything(self) -> AllTexts:
        """All texts, with what contexts share said once.

        Raises:
            JournalError: The journal cannot be read.
        """
        texts = AllTexts()
        with connect_to_read(self._path) as connection:
            connection.execute("BEGIN")
            calls = list(connection.execute(f"{_OUTPUT} ORDER BY calls.id"))
            rows = {row[0]: row for row in connection.execute(_CONTEXTS)}
            for id, context, text, *_ in calls:
                rows[id] = (id, context, None, "assistant", text)
            for row in calls:
                place = texts.place(row[1], rows)
                texts.texts[f"c{row[0]}"] = {"context": place, **_output(connection, row)}
            texts.say_once()
            for id, *tool in connection.execute(_TOOLS):
                texts.texts[f"t{id}"] = _tool_data(*tool)
        return texts

    def passages(self) -> Iterator[tuple[str, str]]:
        """All texts to be searched, with a key each: outputs, prompts under the first call that has them, and tools.

        Raises:
            JournalError: The journal cannot be read.
        """
        with connect_to_read(self._path) as connection:
            connection.execute("BEGIN")
            contexts = {id: row for id, *row in connection.execute(_CONTEXTS)}
            told: set[int] = set()
            for id, context, text, *_ in connection.execute(f"{_OUTPUT} ORDER BY calls.id"):
                while context in contexts and context not in told:
                    told.add(context)
                    parent, _, _, prompt = contexts[context]
                    yield f"c{id}", _told(prompt)
                    context = parent
                yield f"c{id}", _told(text)
            for id, tool, arguments, _, result in connection.execute(_TOOLS):
                yield f"t{id}", f"{_told(tool)} {arguments} {result or ''}"


def conversation(asked: str, output: str) -> Text:
    """What was asked of somebody and what was given, in the form of a call."""
    turns = [{"role": "user", "text": asked, "fork": None}] if asked else []
    return {"turns": turns, "output": output, "passages": []}


def snippets(
    texts: Iterable[tuple[str, str]], query: str, known: Mapping[str, str], most: int
) -> dict[str, Any]:
    """Where a query is found, case apart, with what is around it; at most so many hits, one for each key."""
    wanted, hits = query.casefold(), dict[str, Text]()
    for key, text in texts:
        if key in hits or key not in known:
            continue
        # Of a few letters casefold makes two, so that the place may be off by some characters, which a snippet bears.
        place = text.casefold().find(wanted)
        if place >= 0:
            if len(hits) == most:
                return {"hits": list(hits.values()), "more": True}
            hits[key] = {"key": key, "node": known[key], "snippet": _around(text, place, query)}
    return {"hits": list(hits.values()), "more": False}


def _around(text: str, place: int, query: str) -> str:
    start, end = max(0, place - 40), place + len(query) + 80
    before, after = "…" if start else "", "…" if end < len(text) else ""
    return f"{before}{text[start:end]}{after}"


def _call(connection: sqlite3.Connection, id: int) -> Text | None:
    for row in connection.execute(f"{_OUTPUT} WHERE calls.id = ?", (id,)):
        return {"turns": _turns(connection, row[1]), **_output(connection, row)}
    return None


def _turns(connection: sqlite3.Connection, context: int) -> list[Text]:
    """What a call went on from, a piece for each context that adds something."""
    turns = []
    while context:
        rows = connection.execute(_CONTEXT, {"id": context}).fetchall()
        if not rows:
            break
        _, parent, name, role, text = rows[0]
        context = _parent(context, parent)
        if name is not None or text:
            fork = None if name is None else _told(name)
            turns.append({"role": role, "text": _told(text), "fork": fork})
    return turns[::-1]


def _parent(id: int, parent: int | None) -> int:
    """What a context goes on from, which came before it; in a damaged journal they might go round in a circle."""
    return parent if parent is not None and parent < id else 0


def _output(connection: sqlite3.Connection, row: tuple[Any, ...]) -> Text:
    """What a call generated, or received so far, and who wrote it where several did."""
    id, _, text, packed, sampling = row
    parts = [(text, packed)]
    if text is None:
        parts = connection.execute(_PARTS, (id,)).fetchall()
    passages = [passage for _, packed in parts for passage in unpack_passages(packed)]
    names: tuple[str, ...] = ()
    if passages:
        team = Sampling.model_validate_json(sampling).collaboration
        names = () if team is None else tuple(str(worker) for worker in team.workers)
    return {
        "output": "".join(_told(text) for text, _ in parts),
        "passages": [
            {
                "worker": None if p.worker is None else names[p.worker],
                "tokens": p.tokens,
                "generated": p.generated,
            }
            for p in passages
        ],
    }


def _tool(connection: sqlite3.Connection, id: int) -> Text | None:
    for _, *tool in connection.execute(f"{_TOOLS} WHERE id = ?", (id,)):
        return _tool_data(*tool)
    return None


def _tool_data(tool: str | bytes, arguments: str, state: str, result: str | None) -> Text:
    output = None if result is None else _data(result)
    return {
        "tool": _told(tool),
        "state": state,
        "arguments": _data(arguments),
        "output": output,
    }


def _data(text: str) -> Any:
    """JSON data, in which no number is infinite."""
    return json.loads(text, parse_constant=str)


def _told(text: str | bytes | None) -> str:
    """A text that every encoder of JSON takes: half a surrogate pair is replaced."""
    if text is None or isinstance(text, str):
        return text or ""
    return unpack_text(text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
