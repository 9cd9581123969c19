"""Grammars that hold a model to the tags of a dialect, for models that were not tuned to write them. Pure.

ForkJoin asks for three kinds of text, and each has its grammar (GBNF notation):

    opening     a line <Parallel> <Goal> outlines 1 to n, of a line each </Goal>
    thread      after `<Path> 1`:  : text </Path>
    rest        after `<Conclusion>`:  text </Conclusion> </Parallel> text, to the model's own end

What matches all of them in turn makes a balanced block. How long texts are, the sampling bounds.
"""

from __future__ import annotations

from typing import Literal

from engines import Grammar

from .dialect import Dialect, closing, opening

Part = Literal["opening", "thread", "rest"]

# Of one thread nothing is gained, and a weak model always stops there.
_FEWEST_OUTLINES = 2
# Engines compile each number: 0.6 s for so many.
_MOST_OUTLINES = 1000
_FIRST = "[^< \\n]"


def grammar(dialect: Dialect, part: Part, max_paths: int) -> Grammar:
    """What a model may write where the interpreter asks for this part.

    Texts hold anything, but that `<` is not followed by a slash, by the first letter of a tag, or by `|`, which begins
    the marks of chat templates. Where a model means such a `<`, as in `a<P`, it has to write a space after it.

    Args:
        dialect: The tags.
        part: Where the model stands: at the beginning of its turn, after the header of a thread, or after the tail of
            a block.
        max_paths: The most outlines of the block, which has at least 2 where it may have them; no more than 1000 are
            ever allowed.
    """
    rules = {"opening": _opening, "thread": _thread, "rest": _rest}[part]
    return Grammar(rules="\n".join(rules(dialect, min(max_paths, _MOST_OUTLINES))) + "\n")


def _opening(dialect: Dialect, max_paths: int) -> list[str]:
    lines = [
        _line("root", dialect, opening(dialect.parallel), "block"),
        f'block ::= "\\n{opening(dialect.goals)}\\n{opening(dialect.outline)}" " "? outline1',
        # What is around each number is a rule of its own, so that only the numbers are compiled again and again.
        f'said ::= ": " {_FIRST} goal',
        _line("goal", dialect, closing(dialect.outline)),
        f'more ::= " {opening(dialect.outline)}" " "?',
        f'end ::= "\\n{dialect.fork_tag}"',
    ]
    for number in range(1, max_paths + 1):
        more = [f"more outline{number + 1}"] if number < max_paths else []
        end = ["end"] if number >= min(_FEWEST_OUTLINES, max_paths) else []
        lines.append(f'outline{number} ::= "{number}" said ({" | ".join(more + end)})')
    return lines


def _thread(dialect: Dialect, max_paths: int) -> list[str]:
    colon = "" if dialect.label_end else '":" '
    return [
        f"root ::= {colon}[ \\n] {_FIRST} thought",
        _text("thought", dialect, dialect.thread_end),
    ]


def _rest(dialect: Dialect, max_paths: int) -> list[str]:
    end = closing(dialect.parallel)
    last = f'last ::= [^<]* ("<"+ [^{_harmful(dialect)}] last)?'
    if dialect.conclusion is None:
        return [f'root ::= "{end}" last', last]
    return [
        _text("root", dialect, closing(dialect.conclusion), "after"),
        f'after ::= "\\n{end}" last',
        last,
    ]


def _text(name: str, dialect: Dialect, tag: str, following: str = "") -> str:
    """The rule of a text up to a tag.

    The tag is in the rule of the text, so that the text cannot end anywhere else. An engine then knows the tokens that
    may follow without trying; with `text "tag"` it takes 100 ms at every token, and here less than one.
    """
    return f'{name} ::= [^<]* "<"+ ([^{_harmful(dialect)}] {name} | "{tag[1:]}" {following})'


def _line(name: str, dialect: Dialect, tag: str, following: str = "") -> str:
    """The rule of a text up to a tag that comes where its first line ends, at the latest.

    Else a weak model fills all of its tokens before it comes to the tag.
    """
    return (
        f'{name} ::= [^<\\n]* ("\\n{tag}" {following}'
        f' | "<"+ ([^{_harmful(dialect)}\\n] {name} | "{tag[1:]}" {following}))'
    )


def _harmful(dialect: Dialect) -> str:
    """What may not follow `<` in a text: one character each, since more of them are more states to compile."""
    return "".join(sorted({*"</|", *(element[0] for element in dialect.elements)}))
