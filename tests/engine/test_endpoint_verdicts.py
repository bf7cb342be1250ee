"""What an endpoint's evidence amounts to: odds that add up, reserve where signs can be forged, and mixtures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Any, get_args

import pytest
from endpoint_rows import HYPOTHESES, REPEATED, fitting, pieces_of, plain
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import tokenizers
from engine.catalog import load_composed
from engine.deciding import decide
from engine.evidence import LADDER, Evidence, Group
from engine.pipeline import conclude
from engine.posterior import posterior, supports
from engine.probes import (
    card,
    reasoning,
    routing,
    stream_boundaries,
    token_count,
    token_ids,
    truncation,
)
from engine.text import say
from engine.verdict import CLEAR, Mixture, Verdict

WORDS = ("service", "statement", "behaviour", "ability", "speed")
GROUPS = tuple(group for group in get_args(Group) if group not in ("weights", "declared", "tokenizer"))
KINDS = {variant.id: variant.kind for variant in HYPOTHESES.variants}
VOCABULARY = {
    variant.id: tokenizer.vocabulary
    for variant in HYPOTHESES.variants
    if (tokenizer := HYPOTHESES.tokenizers.get(variant.tokenizer or ""))
}
FORCED = {"deepseek-v3": "connection", "qwen2.5": "pec", "llama-3": "shrink"}
LIKELIHOODS = st.dictionaries(st.sampled_from(HYPOTHESES.ids), st.floats(-60, 0), max_size=8)


def alike(variant: str) -> list[str]:
    """All that share a variant's vocabulary."""
    return [name for name, vocabulary in VOCABULARY.items() if vocabulary == VOCABULARY[variant]]


def chances(rows: Sequence[Evidence]) -> dict[str, float]:
    return posterior(supports(rows, HYPOTHESES.ids), HYPOTHESES)


def seen(vocabulary: str, *, counts: str, name: str = "deepseek-r1", thinks: bool = True) -> list[Evidence]:
    """The rows of an endpoint: its true vocabulary, the tokenizer that it counts by, what it is called."""
    composed = load_composed()
    cut = b"".join(tokenizers.tokens(vocabulary, REPEATED * 3)[:40]).decode("utf-8", "ignore")
    observed: dict[Any, dict[str, Any]] = {
        token_count: {"long": composed.long.counts[counts].parsed + 9, "short": composed.short.counts[counts] + 9},
        token_ids: {"id": token_ids.FORCED_ID, "said": [f"{FORCED[vocabulary]} {FORCED[vocabulary]}"], "ids": []},
        truncation: {"cut": [{"text": cut, "limit": 40}]},
        stream_boundaries: {"streams": [pieces_of(vocabulary, REPEATED)]},
        reasoning: {"how": "field" if thinks else "none", "begins": "嗯", "replies": 2},
        card: {"name": [name], "base_model": [], "title": [], "config": [], "repo": None, "served": True},
    }
    return [probe.score(observation, HYPOTHESES) for probe, observation in observed.items()]


def replies(*words: str) -> dict[str, Any]:
    """What so many forced replies show."""
    return {"replies": [{"ask": "long", "word": word, "prompt_tokens": 165} for word in words]}


def with_replies(rows: Sequence[Evidence], *words: str) -> Verdict:
    return conclude([*rows, routing.score(replies(*words), HYPOTHESES)], HYPOTHESES)


# Odds


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from(GROUPS), LIKELIHOODS))
def test_whatever_is_seen_the_odds_are_a_distribution_and_the_verdict_can_be_told(
    found: dict[Group, dict[str, float]],
) -> None:
    rows = [plain(group, likelihood) for group, likelihood in found.items()]
    verdict = conclude(rows, HYPOTHESES)
    assert set(verdict.posterior) == set(HYPOTHESES.ids)
    assert all(0 <= value <= 1 for value in verdict.posterior.values())
    assert sum(verdict.posterior.values()) == pytest.approx(1)
    assert 0 <= verdict.confidence <= 1 + 1e-9
    if len(set(found) - set(WORDS)) < 2:
        assert verdict.outcome == "inconclusive" and verdict.reasons
    if verdict.outcome == "full" and "tokens" not in found:
        assert verdict.grade == "likely"


@given(st.sets(st.sampled_from(LADDER), max_size=3), st.sampled_from(LADDER), st.sampled_from(sorted(VOCABULARY)))
def test_one_more_rung_that_agrees_never_lowers_what_it_names(rungs: set[Group], more: Group, variant: str) -> None:
    before = [fitting(group, *alike(variant)) for group in LADDER if group in rungs]
    after = [fitting(group, *alike(variant)) for group in LADDER if group in rungs | {more}]
    assert chances(after)[variant] >= chances(before)[variant] * (1 - 1e-9)


@pytest.mark.parametrize("group", [*LADDER, "service", "behaviour", "recall"])
def test_what_makes_it_look_like_less_is_believed_more_than_what_makes_it_look_like_more(group: Group) -> None:
    full, distill = "DeepSeek-R1", "R1-Distill-Qwen-7B"
    prior = chances([])
    factor = {
        shown: chances([row])[shown] / chances([row])[hidden] * prior[hidden] / prior[shown]
        for shown, hidden in ((full, distill), (distill, full))
        for row in [fitting(group, shown)]
    }
    assert factor[distill] > factor[full] > 1


def test_the_higher_the_rung_the_more_it_weighs() -> None:
    odds = [chances([fitting(group, *alike("DeepSeek-R1"))])["R1-Distill-Qwen-7B"] for group in LADDER]
    assert odds == sorted(odds, reverse=True) and odds[0] > 3 * odds[-1]


# Verdicts


def test_a_model_that_shows_its_own_tokenizer_everywhere_is_told_for_certain() -> None:
    for name, vocabulary, counts, outcome in (
        ("DeepSeek-R1", "deepseek-v3", "deepseek-r1", "full"),
        ("DeepSeek-R1-Distill-Qwen-7B", "qwen2.5", "r1-distill-qwen", "distilled"),
        ("DeepSeek-R1-Distill-Llama-8B", "llama-3", "r1-distill-llama", "distilled"),
    ):
        verdict = conclude(seen(vocabulary, counts=counts, name=name), HYPOTHESES)
        assert (verdict.outcome, verdict.claim_check) == (outcome, "holds"), name
        assert verdict.confidence > 0.9


def test_v3_sold_as_r1_is_not_taken_for_it() -> None:
    verdict = conclude(seen("deepseek-v3", counts="deepseek-v3", thinks=False), HYPOTHESES)
    assert verdict.outcome != "full" and verdict.claim_check != "holds"
    assert verdict.posterior["R1-Distill-Qwen-7B"] < 0.01


def test_words_alone_never_tell_a_model() -> None:
    rows = [fitting(group, "DeepSeek-R1") for group in GROUPS if group in WORDS]
    verdict = conclude(rows, HYPOTHESES)
    assert verdict.outcome == "inconclusive" and verdict.reasons[0].code == "nothing_measured"


@pytest.mark.parametrize("group", LADDER)
def test_one_sign_of_the_tokenizer_is_never_enough(group: Group) -> None:
    for variant in ("DeepSeek-R1", "R1-Distill-Llama-8B"):
        rows = [fitting(group, *alike(variant)), fitting("behaviour", variant), fitting("statement", variant)]
        verdict = conclude(rows, HYPOTHESES)
        assert verdict.outcome == "inconclusive" and verdict.reasons


@pytest.mark.parametrize("counts", ["r1-distill-qwen", "qwen2.5", "llama-3", "cl100k", "tekken"])
def test_a_gateway_that_recounts_the_full_model_is_not_called_a_liar(counts: str) -> None:
    verdict = conclude(seen("deepseek-v3", counts=counts), HYPOTHESES)
    assert verdict.claim_check != "misrepresented" and verdict.contradictions == ()
    assert verdict.posterior["R1-Distill-Qwen-7B"] < 0.01


@pytest.mark.parametrize("vocabulary", ["qwen2.5", "llama-3"])
def test_a_distill_that_shows_the_full_models_counts_is_called_misrepresented(vocabulary: str) -> None:
    verdict = conclude(seen(vocabulary, counts="deepseek-r1"), HYPOTHESES)
    assert verdict.outcome == "distilled" and verdict.claim_check == "misrepresented"
    assert VOCABULARY[verdict.variant or ""] == vocabulary
    assert {reason.values["group"] for reason in verdict.contradictions} == {"accounting"}


def test_an_unknown_tokenizer_is_named_where_no_model_can_be() -> None:
    rows = [
        token_count.score({"long": 215 + 9, "short": 15 + 9}, HYPOTHESES),  # Tekken's counts
        token_ids.score({"id": token_ids.FORCED_ID, "said": ["zyzzyva zyzzyva"], "ids": []}, HYPOTHESES),
    ]
    verdict = conclude(rows, HYPOTHESES)
    assert verdict.outcome == "other" and verdict.variant is None and "tekken" in verdict.title


# Mixtures


def test_one_model_seldom_looks_like_two_however_long_one_looks() -> None:
    """By Ville's inequality at most one in a hundred may; replies here differ as often as we allow for."""
    accused, random = 0, Random(1)
    for _ in range(400):
        shown: list[dict[str, Any]] = []
        honours, biggest = random.random() < 0.5, 0.0
        for _ in range(60):
            odd = random.random() < 1e-3
            reply: dict[str, Any] = {"ask": "long", "prompt_tokens": 165 + 7 * odd}
            shown.append(reply | ({"word": "connection"} if honours else {}))
            if odd:  # what is as usual only ever speaks for one model
                biggest = max(biggest, routing.share_of({"replies": shown}, HYPOTHESES).evidence)
        accused += biggest >= CLEAR
    assert accused <= 4


def test_a_share_that_goes_elsewhere_is_found_measured_and_both_are_named() -> None:
    rows = seen("deepseek-v3", counts="deepseek-r1")
    verdict = with_replies(rows, *(["connection"] * 45 + ["pec"] * 15))
    assert (verdict.outcome, verdict.grade, verdict.claim_check) == ("mixed", "confident", "misrepresented")
    assert "DeepSeek-R1" in verdict.title and "Qwen" in verdict.title
    reason = verdict.reasons[0]
    assert (
        reason.code == "mixed_replies" and "DeepSeek-R1" in reason.values["usual"] and "Qwen" in reason.values["other"]
    )
    low, share, high = (int(reason.values[name].rstrip("%")) for name in ("low", "share", "high"))
    assert low < share < high and low <= 25 <= high
    for lang in ("en", "zh"):
        assert "60" in say(f"reasons.{reason.code}", lang, **reason.values)


def test_a_model_the_catalog_does_not_know_is_one_model_though_it_cuts_like_another() -> None:
    """Mistral's digits and Chinese come in pieces like Qwen's, its forced token is nobody's."""
    text = "299792458人工智能6022140760社会主义核心价值观"
    cut = {
        "ask": "repeat",
        "text": text,
        "limit": tokenizers.count("qwen2.5", text),
        "pieces": pieces_of("qwen2.5", text),
    }
    shown = {
        "replies": [cut, {**cut, "ask": "repeat:zh"}, {"ask": "long", "word": "_ids"}, {"ask": "long", "word": "_ids"}]
    }
    found = routing.share_of(shown, HYPOTHESES)
    assert found.usual == routing.ANOTHER and not found.clear


def test_more_replies_that_agree_make_the_full_model_surer() -> None:
    rows = seen("deepseek-v3", counts="deepseek-r1")
    sure = [with_replies(rows, *["connection"] * count).confidence for count in (1, 3, 10, 30, 60)]
    assert sure == sorted(sure) and sure[-1] > sure[0]
    highs = [routing.share_of(replies(*["connection"] * count), HYPOTHESES).high for count in (3, 10, 60)]
    assert highs == sorted(highs, reverse=True) and highs[-1] < 0.1


@given(st.floats(0, 1e12))
def test_a_second_model_is_stated_or_takes_from_the_confidence_in_the_first(evidence: float) -> None:
    mixture = Mixture("DeepSeek-R1", "R1-Distill-Qwen-7B", 0.2, 0.1, 0.3, evidence, 12)
    verdict = decide(seen("deepseek-v3", counts="deepseek-r1"), HYPOTHESES, None, "", mixture)
    assert (verdict.outcome == "mixed") == mixture.clear
    assert mixture.clear or verdict.confidence <= 1 - mixture.chance
    assert verdict.outcome == "inconclusive" or verdict.confidence >= 0.9
    assert evidence > 1 or "perhaps_mixed" not in {reason.code for reason in verdict.reasons}


@given(st.lists(st.sampled_from(["connection", "pec", "shrink", "_ids"]), min_size=1, max_size=30))
def test_a_share_is_always_a_share(words: list[str]) -> None:
    found = routing.share_of(replies(*words), HYPOTHESES)
    assert 0 <= found.low <= found.share <= found.high <= 1 and found.replies == len(words)
    assert 0 <= found.evidence < math.inf and 0 <= found.chance <= 1 and found.usual != found.other
