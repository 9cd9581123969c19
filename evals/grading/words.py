"""Texts without what does not matter when answers in words are compared. Pure."""

from __future__ import annotations

import re
import string
import unicodedata

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
# Dashes and curled quotes are no ASCII.
_SIGNS = string.punctuation + "\u2013\u2014\u2018\u2019\u201c\u201d"
_PUNCTUATION = str.maketrans(dict.fromkeys(_SIGNS, " "))


def normalised(text: str) -> str:
    """Without case, punctuation, articles and further blanks, as SQuAD compares answers (Rajpurkar et al. 2016).

    Accents do not matter either, since models leave them out.

    >>> normalised("The  Statue, of Unity!"), normalised("Motherland-Calls"), normalised("É")
    ('statue of unity', 'motherland calls', 'e')
    """
    letters = unicodedata.normalize("NFKD", text)
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(_ARTICLES.sub(" ", bare.casefold().translate(_PUNCTUATION)).split())
