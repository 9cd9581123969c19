"""Grammars under test: compiled for the engine that enforces them in vLLM, and texts drawn from them."""

from __future__ import annotations

import random
from typing import Any

import pytest

from planners import ToolSpecification, plan_grammar

xgrammar = pytest.importorskip("xgrammar")

# A made-up vocabulary: one token a byte that plans are written with, and the end of the sequence.
LETTERS = [chr(code) for code in range(32, 127)] + ["\n", "é"]
END = len(LETTERS)


def compiled(text: str) -> Any:
    information = xgrammar.TokenizerInfo([*LETTERS, "</s>"], stop_token_ids=[END])
    return xgrammar.GrammarCompiler(information).compile_grammar(xgrammar.Grammar.from_ebnf(text))


def rules(*tools: ToolSpecification, **bounds: Any) -> str:
    return plan_grammar(tools, **{"min_steps": 1, "max_steps": 2, **bounds})


def accepts(grammar: Any, text: str) -> bool:
    matcher = xgrammar.GrammarMatcher(grammar)
    return bool(matcher.accept_string(text) and matcher.accept_token(END))


def derived(grammar: Any, source: random.Random) -> str:
    """A random text of the grammar, one allowed character after another."""
    matcher = xgrammar.GrammarMatcher(grammar)
    bitmask = xgrammar.allocate_token_bitmask(1, END + 1)
    written: list[str] = []
    while True:
        matcher.fill_next_token_bitmask(bitmask)
        words = bitmask[0].tolist()
        allowed = [token for token in range(END + 1) if words[token // 32] >> token % 32 & 1]
        token = source.choice(allowed)
        # Else nearly every text would be as long as it may be, and a reference rare.
        for letter in '"$':
            if LETTERS.index(letter) in allowed and source.random() < 0.2:
                token = LETTERS.index(letter)
        assert matcher.accept_token(token)
        if token == END:
            return "".join(written)
        written.append(LETTERS[token])
