"""Kinds of situations, and templates: one way to tell a situation and to ask for something. Pure.

situation ─ draw a question, a wording of each fact, a way to join them ─> template ─ draw numbers, nouns ─> problem

A template is held out if one of its wordings is, or if it is one of the combinations that are. The first wording of
each fact and question that is not held out is the usual one: in those a problem is said again before it is planned.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random

from engines import Role

from .asides import ASIDES, SCENES
from .held_out import is_held_out
from .nouns import Nouns
from .steps import Step, results_of, steps_of
from .written_numbers import in_words, with_commas, written

Wordings = Sequence[str]
"""Ways to say the same: clauses that begin in lower case and have no full stop; `{a}` to `{z}` are numbers."""

_SLOT = re.compile(r"\{(\w+)\}")
_PRONOUN = re.compile(r"\{(he|his|him)\}")
_NAMED = {"he": "{Name}", "his": "{Name}'s", "him": "{Name}"}
_PRICE = re.compile(r"\$(\{\w\})")
_SENTENCE = re.compile(r"(?:^|(?<=[.?!] ))[a-z]")
# What refers to something that was told just before.
_REFERENCE = re.compile(
    r"\{(?:he|his|him)\}|\b(?:its?|they|them|theirs?|these|those|this)\b"
    r"|\b(?:is|was|are|do|does|makes?) that\b|\bthat (?:is|was|makes|comes)\b"
)
_BEFORE_A_VOWEL = re.compile(r"\b([Aa])(?= (?:8|1[18]\b|eight|eleven))")
_TRIES = 200
_LARGEST = 100_000
_SHARE_OF_WORDS = 0.12
_SHARE_OF_ASIDES = 0.2
_SHARE_OF_ASIDES_BEFORE = 0.3
_SHARE_OF_SCENES = 0.15
_SHARE_OF_DOLLARS = 0.15
_SHARE_OF_PERCENT = 0.3
_USUAL_ENDING = "{told}. {asked}"
# How the last fact and the question make one sentence, where they do, or all of it is one.
_ENDINGS = (*[_USUAL_ENDING] * 6, "{told}. If {last}, {asked}", "{told}. {asking} if {last}?")
_ONE_SENTENCE = ("if {all}, {asked}", "{asking} if {all}?", "given that {all}, {asked}")
_MOST_IN_ONE_SENTENCE = 2
# How two facts are joined, where they are not two sentences.
_JOINS = (". ", ". ", ". ", " and ", ", and ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something that can be asked about a situation.

    Attributes:
        formula: The answer, in terms of the situation's numbers.
        wordings: Ways to ask it.
        facts: What has to be told for it beside the situation's own facts.
        largest: No step gives more.
    """

    formula: str
    wordings: Wordings
    facts: Sequence[Wordings] = ()
    largest: int = _LARGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A kind of situation.

    Attributes:
        name: Unique.
        numbers: By letter: the range that it is from, both ends included; a tuple of three has steps; a formula of
            letters before it.
        facts: What is told, in this order.
        questions: What may be asked.
        orderless: Whether the facts can be told in any order.
        pools: Nouns that stand for a kind, where not all of it make sense: see `Nouns`.
    """

    name: str
    numbers: Mapping[str, tuple[int, ...] | str]
    facts: Sequence[Wordings]
    questions: Sequence[Question]
    orderless: bool = False
    pools: Mapping[str, str] = field(default_factory=dict)

    def template(self, random: Random) -> Template:
        """One of its templates."""
        question = random.choice(self.questions)
        told = [(random.choice(wordings), _usual(wordings)) for wordings in self.facts]
        if self.orderless:
            random.shuffle(told)
        told += [(random.choice(wordings), _usual(wordings)) for wordings in question.facts]
        facts = [fact for fact, _ in told]
        joins = [random.choice(_JOINS) for _ in facts[1:]]
        # Three in one sentence are hard to read.
        joins = [
            ". " if place and joins[place - 1] != ". " else join for place, join in enumerate(joins)
        ]
        asked = random.choice(question.wordings)
        endings = _ENDINGS if _can_end_with_if(facts, asked) else _ENDINGS[:1]
        if len(endings) > 1 and len(facts) <= _MOST_IN_ONE_SENTENCE:
            endings += _ONE_SENTENCE
        ending = random.choice(endings)
        usual = (*(usual for _, usual in told), _usual(question.wordings))
        return Template(self, question, tuple(facts), tuple(joins), asked, ending, usual)


@dataclass(frozen=True, slots=True)
class Template:
    """A way to tell a situation and to ask for something, without its numbers and nouns.

    Attributes:
        situation: Which.
        question: What is asked for.
        facts: The wordings of its facts, in order.
        joins: What stands between these.
        asked: The wording of the question.
        ending: How the last fact and the question stand together.
        usual: The same facts, in the same order, and the same question, in their usual wordings.
    """

    situation: Situation
    question: Question
    facts: tuple[str, ...]
    joins: tuple[str, ...]
    asked: str
    ending: str
    usual: tuple[str, ...]

    @property
    def id(self) -> str:
        """Says all of it."""
        return "|".join(
            (
                self.situation.name,
                self.question.formula,
                *self.facts,
                *self.joins,
                self.asked,
                self.ending,
            )
        )

    @property
    def held_out(self) -> bool:
        """Whether training never sees it, not even as what is said again."""
        told = (*self.facts, self.asked)
        return any(map(is_held_out, told)) or (told != self.usual and is_held_out(self.id))

    def problem(self, random: Random, nouns: Nouns) -> WordProblem | None:
        """A problem with such numbers that every step gives a sensible one; None if none was found."""
        text = self._text(random)
        if _PRONOUN.search(text):
            nouns.set_apart()
        letters = [name for name in _SLOT.findall(text) if len(name) == 1]
        order = list(dict.fromkeys(letters))
        for _ in range(_TRIES):
            values = _drawn(self.situation.numbers, random)
            values["z"] = Fraction(random.randint(2, 60))
            steps = steps_of(self.question.formula, values, order)
            told = [values[letter] for letter in order]
            finest = max(value.denominator for value in told)
            results = results_of(steps)
            sensible = all(_is_sensible(value, finest) for value in (*told, *results))
            if sensible and max(results) <= self.question.largest:
                filled = _filled(text, _Varied(values, nouns, random))
                return WordProblem(filled, steps, self.id, self._restated(values, nouns))
        return None

    def _restated(self, values: Mapping[str, Fraction], nouns: Nouns) -> str:
        """With the nouns that the problem has, names in the place of pronouns, and digits."""

        def word(found: re.Match[str]) -> str:
            name = found[1]
            return written(values[name]) if name in values else nouns.known(name)

        text = _PRONOUN.sub(lambda found: _NAMED[found[1]], ". ".join(self.usual))
        return _filled(text, word)

    def _text(self, random: Random) -> str:
        facts, last = self.facts, ""
        if "{last}" in self.ending:
            facts, last = facts[:-1], facts[-1]
        told = facts[0] + "".join(map(operator.add, self.joins, facts[1:]))
        before: list[str] = []
        if random.random() < _SHARE_OF_SCENES:
            before.append(random.choice(SCENES))
        if random.random() < _SHARE_OF_ASIDES:
            aside = random.choice(ASIDES)
            between = "{told}" in self.ending and random.random() >= _SHARE_OF_ASIDES_BEFORE
            # What follows an aside would seem to refer to it.
            if not between or _REFERENCE.search(f"{last} {self.asked}"):
                before.append(aside)
            else:
                told = f"{told}. {aside}"
        parts = {
            "told": told,
            "last": last,
            "all": " and ".join(facts),
            "asked": self.asked,
            "asking": self.asked[:-1],
        }
        text = _SLOT.sub(lambda found: parts[found[1]], self.ending)
        return _readable(". ".join([*before, text]), random)


@dataclass(frozen=True, slots=True)
class WordProblem:
    """A problem.

    Attributes:
        text: The question.
        steps: How it is computed, one after another.
        template: The id of the template that it was made from.
        restated: What matters of it, clause by clause in usual words: what is thought before it is planned. Empty where
            there is nothing to understand.
        before: What was asked and answered before it.
    """

    text: str
    steps: tuple[Step, ...]
    template: str
    restated: str = ""
    before: tuple[tuple[Role, str], ...] = ()

    @property
    def answer(self) -> Fraction:
        """What is asked for."""
        return results_of(self.steps)[-1]


def _usual(wordings: Wordings) -> str:
    """The first that lessons may show."""
    return next(wording for wording in wordings if not is_held_out(wording))


def _can_end_with_if(facts: Sequence[str], asked: str) -> bool:
    one_question = asked.endswith("?") and ". " not in asked and not asked.startswith(("if", "{"))
    return len(facts) > 1 and one_question and not facts[-1].startswith("then ")


def _readable(text: str, random: Random) -> str:
    """A person has a name before a pronoun; some write "5 dollars" and "5 percent"."""
    first = _PRONOUN.search(text)
    if first and "{Name}" not in text[: first.start()]:
        text = text[: first.start()] + _NAMED[first[1]] + text[first.end() :]
    if random.random() < _SHARE_OF_DOLLARS:
        text = _PRICE.sub(r"\1 dollars", text)
    return text.replace("}%", "} percent") if random.random() < _SHARE_OF_PERCENT else text


def _drawn(numbers: Mapping[str, tuple[int, ...] | str], random: Random) -> dict[str, Fraction]:
    values: dict[str, Fraction] = {}
    for letter, source in numbers.items():
        if isinstance(source, str):
            values[letter] = results_of(steps_of(source, values, list(values)))[-1]
        else:
            least, most, *step = source
            # Small ones more often than others.
            upper = most if random.random() < 0.5 else min(most, max(least, 20))
            values[letter] = Fraction(random.randrange(least, upper + 1, *step))
    return values


def _is_sensible(value: Fraction, finest: int) -> bool:
    """Whether it is above 0, not too large, and whole, or at least no finer than what the text has."""
    return 0 < value <= _LARGEST and finest % value.denominator == 0


def _filled(text: str, word: Callable[[re.Match[str]], str]) -> str:
    """With a word in the place of each slot."""
    filled = _BEFORE_A_VOWEL.sub(r"\1n", _SLOT.sub(word, text))
    return _SENTENCE.sub(lambda found: found[0].upper(), filled)


@dataclass(frozen=True, slots=True)
class _Varied:
    """Numbers as people write them, now in digits and now in words, and nouns."""

    values: Mapping[str, Fraction]
    nouns: Nouns
    random: Random

    def __call__(self, found: re.Match[str]) -> str:
        name, random = found[1], self.random
        if name not in self.values:
            return self.nouns[name]
        value = self.values[name]
        # Not "$twelve", "ten%" or "two:3".
        before, behind = found.string[: found.start()], found.string[found.end() :]
        plain = not (before.endswith(("$", ":")) or behind.startswith(("%", ":")))
        if plain and random.random() < _SHARE_OF_WORDS:
            return in_words(value) or written(value)
        return with_commas(value) if value >= 1000 and random.random() < 0.5 else written(value)
