"""Long documents with facts to find: made, not kept, and the same every time.

Several facts lie at different depths among sentences about nothing, and as many of the same form that are not asked for:
what is measured is which share of them a model finds. The text is that of ``engine.questions.needles``.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from engine.comparing.records import Case, Language
from engine.questions.needles import CHARACTERS_PER_TOKEN, filler_sentences, load_filler, paragraphs

MOST_TOKENS = 1_000_000  # of a document
MOST_IN_ALL = 4_000_000  # of all documents
MOST_FACTS = 8

_QUESTION = {
    "en": "What are the access codes of {places}? Answer with these numbers only, in this order.",
    "zh": "{places}的通行码分别是多少？只按这个顺序回答这些数字。",
}


def long_cases(asked: Mapping[str, Any], language: Language) -> tuple[Case, ...]:
    """Cases whose documents have about so many tokens, to be scored as ``terms``: the codes asked for.

    Args:
        asked: ``tokens`` of a document by DeepSeek-V3's tokenizer, ``cases``, ``facts`` asked for in each.

    Raises:
        ValueError: something is missing, unknown, no whole number or too large; says what.
    """
    unknown = sorted(set(map(str, asked)) - {"tokens", "cases", "facts"})
    if unknown:
        raise ValueError(unknown[0])
    tokens = _whole(asked, "tokens", 100, MOST_TOKENS)
    cases = _whole(asked, "cases", 2, MOST_IN_ALL // tokens)
    facts = _whole(asked, "facts", 1, MOST_FACTS)
    return tuple(_case(number, tokens, facts, language) for number in range(1, cases + 1))


def _whole(asked: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = asked.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise ValueError(f"{name} ({least}–{most})")


def _case(number: int, tokens: int, facts: int, language: Language) -> Case:
    wording = load_filler().zh if language == "zh" else load_filler().en
    random = Random(f"long-{number}-{tokens}-{facts}-{language}")
    places = random.sample(wording.places, 2 * facts)
    codes = random.sample(range(10_000, 100_000), 2 * facts)
    said = [wording.needle.format(place=place, code=code) for place, code in zip(places, codes, strict=True)]
    length = round(tokens * CHARACTERS_PER_TOKEN[language]) - sum(map(len, said))
    sentences = filler_sentences(random, wording, length)
    for sentence, depth in zip(said, _depths(random, facts), strict=True):
        sentences.insert(round(depth * len(sentences)), sentence)
    named = places[:facts]
    joined = (
        "、".join(named)
        if language == "zh"
        else " and ".join((", ".join(named[:-1]), named[-1]) if named[1:] else named)
    )
    document, question = paragraphs(random, sentences, wording.space), _QUESTION[language].format(places=joined)
    return Case(
        id=str(number),
        prompt=f"{document}\n\n{question}",
        terms=tuple((str(code), f"{code:,}") for code in codes[:facts]),
        given={"question": question, "places": list(named)},
    )


def _depths(random: Random, facts: int) -> list[float]:
    """One in each stretch of the document for the facts asked for, in any order; and the same for the others."""
    depths: list[float] = []
    for _ in range(2):
        stretches = [(place + random.random()) / facts for place in range(facts)]
        random.shuffle(stretches)
        depths += stretches
    return depths
