"""What is asked beyond the tokenizer: facts, problems, long texts, a stream to time."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from engine.questions.answer_sheet import ask as sheet
from engine.questions.asking import nonce
from engine.questions.facts import Fact, load_facts, pick
from engine.questions.needles import ask as message
from engine.questions.needles import haystack
from engine.questions.problems import generate
from engine.references import Reference
from engine.targets.endpoint import Ask
from engine.targets.talk import Talk

BATCH = 10
RECORDED = pick(0, 90, (2, 3, 4, 5))
"""The facts that a reference records."""
_FACT_TOKENS, _PROBLEM_TOKENS = 1_600, 4_000
_LENGTHS = (512, 2_048, 8_192)


def facts_asks(facts: Sequence[Fact], random: Random, lang: str = "en") -> list[Ask]:
    """Requests of ten facts each."""
    batches = [facts[at : at + BATCH] for at in range(0, len(facts), BATCH)]
    return [
        Ask(f"facts:{lang}:" + ",".join(fact.id for fact in batch), sheet(batch, lang, nonce(random)), _FACT_TOKENS,
            prompt_tokens=30 + 25 * len(batch))
        for batch in batches
    ]  # fmt: skip


def telling_facts(references: Sequence[Reference], count: int, random: Random) -> list[Fact]:
    """Facts on which the references differ most; among equals the harder ones, then by lot."""
    recorded = {name for reference in references for name in reference.facts}
    known = [fact for fact in load_facts() if fact.id in recorded]

    def differs(fact: Fact) -> int:
        usual = {
            max(counts, key=lambda text: counts[text])
            for reference in references
            if (counts := reference.facts.get(fact.id))
        }
        return len(usual)

    return sorted(known, key=lambda fact: (-differs(fact), -fact.level, random.random()))[:count]


def problems_ask(level: int, count: int, random: Random, lang: str = "en") -> Ask:
    """A request of freshly made problems; its id says how to make them again."""
    seed = random.randrange(10**9)
    problems = generate(seed, level, count)
    return Ask(f"problems:{lang}:{level}:{seed}:{count}", sheet(problems, lang, nonce(random)), _PROBLEM_TOKENS,
               prompt_tokens=60 * count)  # fmt: skip


async def put_long_texts(talk: Talk, random: Random, lang: str = "en") -> None:
    """Needles in growing texts, until one is refused, missed or too dear."""
    for length in _LENGTHS:
        needle = haystack(random.randrange(10**9), length, lang)
        prompt = message(needle, nonce(random))
        ask = Ask(f"needle:{length}:{needle.answer}", prompt, 400, prompt_tokens=length + 60)
        if not talk.affords(ask) or (await talk.ask(ask)).refused:
            return
