"""What is said under a grammar or a schema is what vLLM's engine of constraints would let a model say."""

from __future__ import annotations

import json
import re
from functools import cache
from random import Random
from typing import Any

import pytest

from engines import Grammar, JsonSchema
from training.skills.word_problems import SKILL

from .reading import solved

xgrammar = pytest.importorskip("xgrammar")

_LETTERS = [*map(chr, range(32, 127)), "\n"]
_END = len(_LETTERS)
_COMPILER = xgrammar.GrammarCompiler(
    xgrammar.TokenizerInfo([*_LETTERS, "</s>"], stop_token_ids=[_END])
)


@cache
def compiled(rules: str) -> Any:
    return _COMPILER.compile_grammar(xgrammar.Grammar.from_ebnf(rules))


@cache
def compiled_schema(schema: str) -> Any:
    # As vLLM compiles it.
    return _COMPILER.compile_json_schema(schema, any_whitespace=True)


def accepts(grammar: Any, text: str) -> bool:
    matcher = xgrammar.GrammarMatcher(grammar)
    return bool(matcher.accept_string(text) and matcher.accept_token(_END))


def test_plans_and_verdicts_are_what_their_constraints_allow() -> None:
    plans = blocks = verdicts = 0
    for number in range(40):
        for call in solved(SKILL.lesson(Random(f"constraint {number}"))).calls:
            match call.sampling.constraint:
                case Grammar(rules=rules):
                    assert accepts(compiled(rules), call.said.text), call.said.text
                    spoilt = re.sub(r"1(\.|:) ", "1 ", call.said.text)
                    assert spoilt == call.said.text or not accepts(compiled(rules), spoilt)
                    plans += call.said.text.endswith("join()")
                    blocks += not call.said.text.endswith("join()")
                case JsonSchema(definition=schema):
                    assert accepts(compiled_schema(json.dumps(schema)), call.said.text)
                    verdicts += 1
    assert plans > 20
    assert blocks > 2
    assert verdicts > 20
