"""A row of a batch, as it goes to whoever answers it, and what comes back. Plain data that can be pickled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..openai_api.model_request import ModelRequest

RowKind = Literal["chat", "completion", "plain"]
"""`chat` and `completion` rows are in the batch format of OpenAI, by their `url`; `plain` ones are `{id, prompt}`."""

RowId = str | int
"""What its owner calls a row; numbers are for plain rows only."""

End = Literal["answered", "failed", "unavailable"]
"""What became of a row; `unavailable` is a failure that may pass, such as an engine that did not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the input that can be answered.

    Attributes:
        line: Its number in the whole input, from 1 on.
        id: Its `custom_id`, or the `id` of a plain row.
        kind: Its format, which its answer has too.
        request: What is asked.
    """

    line: int
    id: RowId
    kind: RowKind
    request: ModelRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What became of one line of the input.

    Attributes:
        line: Its number in the whole input, from 1 on.
        end: Whether it was answered.
        text: The line for the output, or for the errors; without a newline.
        engine: The fingerprint of the engine that was asked; empty where none was.
        out_of: What of the worker's budget (`tokens`, `calls`, `seconds`, `money`) there was too little left of, so
            that the row is as good as not begun; empty where there was enough.
        remark: What whoever gave the rows should know, once for all of them; empty if nothing.
    """

    line: int
    end: End
    text: str
    engine: str = ""
    out_of: str = ""
    remark: str = ""
