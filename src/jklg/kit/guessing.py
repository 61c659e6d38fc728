"""How many guesses a password takes from somebody who knows what people choose.

zxcvbn's lists (30 000 leaked passwords, English words, names) and its finders of keyboard walks, sequences and dates say what
each part of a password is worth; the cheapest way to put the parts together is what the whole is worth. zxcvbn's own total is
not used: it takes seconds for 128 well-chosen characters, and it keeps the words about one person in a dictionary that all share.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from zxcvbn import matching, scoring
from zxcvbn.frequency_lists import FREQUENCY_LISTS

LOOKED_AT = 32
"""Characters. What follows them can only make a password better. The time grows with the square: 4 ms at worst for so many."""

_RANKS: dict[str, int] = {}
for _words in FREQUENCY_LISTS.values():
    for _rank, _word in enumerate(_words, 1):
        _RANKS[_word] = min(_rank, _RANKS.get(_word, _rank))
_LONGEST_WORD = max(map(len, _RANKS))

# How letters are disguised. Some signs stand for two letters, hence two alphabets.
_SIGNS = str.maketrans("4@8({[<369$50+%21!|7", "aabcccceggssotxziiit")
_OTHER_SIGNS = str.maketrans("4@8({[<369$50+%21!|7", "aabcccceggssotxzllll")


def guesses_log10(password: str, about: Iterable[str] = ()) -> float:
    """The decimal logarithm of the guesses. `about`: words that are tried first, because they are about this person or site."""
    own = {word: rank for rank, word in enumerate(_pieces(about), 1)}
    return _cheapest(password[:LOOKED_AT], own)


def _pieces(about: Iterable[str]) -> list[str]:
    """Names and addresses whole, without their signs, and in their parts: `Asha Rao` is also `asharao`, `asha` and `rao`."""
    found: dict[str, None] = {}
    for text in about:
        text = text[:254].lower()
        parts = re.findall(r"[^\W_]+", text)
        for piece in (text, "".join(parts), *parts):
            if len(piece) > 2:
                found[piece] = None
    return list(found)


def _cheapest(text: str, own: Mapping[str, int], *, whole: bool = True) -> float:
    """The sum of the cheapest parts that together are `text`; a character that belongs to no part is worth ten guesses."""
    best = [0.0] + [math.inf] * len(text)
    ending_at: list[list[tuple[int, float]]] = [[] for _ in range(len(text) + 1)]
    for start, end, cost in _parts(text, own, repeats=whole):
        ending_at[end].append((start, cost))
    for end in range(1, len(text) + 1):
        best[end] = min([best[end - 1] + 1.0, *(best[start] + cost for start, cost in ending_at[end])])
    return best[-1]


def _parts(text: str, own: Mapping[str, int], *, repeats: bool) -> Iterator[tuple[int, int, float]]:
    """(start, end, decimal logarithm of its guesses) of every part that is not just characters."""
    yield from _words_in(text, own)
    for year in re.finditer(r"(19|20)\d\d", text, re.ASCII):
        yield year.start(), year.end(), 2.0
    for find in (matching.spatial_match, matching.sequence_match, matching.date_match):
        for match in find(text, _ranked_dictionaries={}):
            yield match["i"], match["j"] + 1, _worth(match, text)
    if repeats:
        for match in re.finditer(r"(.+?)\1+", text, re.DOTALL):
            times = len(match[0]) // len(match[1])
            yield match.start(), match.end(), _cheapest(match[1], own, whole=False) + math.log10(times)


def _words_in(text: str, own: Mapping[str, int]) -> Iterator[tuple[int, int, float]]:
    """Words as they are, backwards, and disguised; one that needed turning round or undressing is worth twice as much."""
    lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    plain, other = lower.translate(_SIGNS), lower.translate(_OTHER_SIGNS)
    longest = max([_LONGEST_WORD, *map(len, own)])
    for start in range(len(text)):
        for end in range(start + 3, min(start + longest, len(text)) + 1):
            as_is = lower[start:end]
            readings = ((as_is, 1), (as_is[::-1], 2), (plain[start:end], 2), (other[start:end], 2))
            ranks = [rank * dress for word, dress in readings if (rank := own.get(word) or _RANKS.get(word))]
            if ranks:
                capitals = scoring.uppercase_variations({"token": text[start:end]})
                yield start, end, math.log10(min(ranks) * capitals)


def _worth(match: dict[str, Any], text: str) -> float:
    return math.log10(float(scoring.estimate_guesses(match, text)))
