"""What an endpoint does and says: thinking, its server's own words, speed, abilities; and what every probe keeps to."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from endpoint_rows import HYPOTHESES, conversation
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evidence import UNKNOWN, Evidence
from engine.probes import ENDPOINT_PROBES, capability, knowledge, long_context, reasoning, self_report, serving, speed
from engine.questions.facts import pick
from engine.questions.problems import generate
from engine.references import Reference
from engine.targets.endpoint import Conversation, Reply
from engine.text import say

VARIANTS = {variant.id: variant for variant in HYPOTHESES.variants}
FACTS = pick(1, 6)
ASKS = (
    "short", "long", "period", "repeat", "repeat:zh", "logprobs", "self_report", "facts:en:" + ",".join(f.id for f in FACTS),
    "problems:en:4:7:3", "needle:512:12345", "needle:8192:54321", "entropy:en-common-1", "entropy:zh-rare-1",
)  # fmt: skip
WORDS = st.text("abc 279，。人工\n", max_size=40) | st.text(max_size=20) | st.sampled_from(
    ["<think>\n", "</think>\n\n", "Okay, so", "299792458" * 4, "1. 1912\n2. 3\n3. 7", " pec pec"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["data", "id", "root", "meta", "n_params", "n_ctx_train", "max_model_len", "model_path", "model_id", "model_info",
         "general.architecture", "general.parameter_count", "llama.block_count", "details", "tokens", "version"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
PATHS = ("models", "version", "props", "get_model_info", "info", "api_in_show", "tokenize")
REPLIES = st.builds(
    Reply,
    ask=st.sampled_from(ASKS),
    max_tokens=st.integers(1, 64),
    text=WORDS,
    reasoning=WORDS,
    pieces=st.lists(WORDS.filter(bool), max_size=12).map(tuple),
    times=st.lists(st.floats(0, 100), max_size=60).map(sorted).map(tuple),
    finish=st.sampled_from([None, "stop", "length"]),
    prompt_tokens=st.none() | st.integers(0, 10**9),
    tokens=st.lists(WORDS, max_size=8).map(tuple),
    alternatives=st.lists(st.dictionaries(WORDS, st.floats(-1e6, 0), max_size=4), max_size=8).map(tuple),
    refused=st.sampled_from([None, None, None, "endpoint_status"]),
    raw=st.booleans(),
    forced=st.booleans(),
)
CONVERSATIONS = st.builds(
    lambda replies, known: conversation(*replies, headers={"server": "nginx"}, **known),
    st.lists(REPLIES, max_size=6),
    st.dictionaries(st.sampled_from(PATHS), JSON, max_size=4),
)
RECORDED = Reference(
    variant="DeepSeek-R1",
    facts={fact.id: {str(fact.answer): 2} for fact in FACTS},
    problems={"4": (6, 8)},
    entropies={"en-common-1": 0.5},
)


def sentence(row: Evidence, lang: str) -> str:
    form = f"seen_{row.values['form']}" if row.values.get("form") else "seen"
    return say(f"evidence.{row.probe}.{form}", lang, **row.values)


def best(row: Evidence) -> set[str]:
    """The variants that fit best."""
    top = max(row.log_likelihood.values())
    return {name for name, value in row.log_likelihood.items() if value > top - 1e-9}


def gap(row: Evidence, one: str, other: str) -> float:
    """How much likelier one variant makes the row than another, in nats."""
    return row.log_likelihood[one] - row.log_likelihood[other]


@settings(max_examples=100, deadline=None)
@given(CONVERSATIONS, st.booleans())
def test_whatever_was_said_every_row_is_sound_storable_and_can_be_told(
    said: Conversation, with_reference: bool
) -> None:
    hypotheses = replace(HYPOTHESES, references=(RECORDED,) if with_reference else ())
    for probe in ENDPOINT_PROBES:
        if (observation := probe.observe(said)) is None:
            continue
        row = probe.score(observation, hypotheses)
        assert row.probe == probe.name
        assert set(row.log_likelihood) in (set(), set(hypotheses.ids))
        assert all(math.isfinite(value) for value in row.log_likelihood.values())
        # Relative to a perfect match; densities (entropy) have no such match.
        assert row.probe == "entropy" or all(value < 0.5 for value in row.log_likelihood.values())
        kept = json.loads(json.dumps(observation, allow_nan=False))
        assert probe.score(kept, hypotheses).log_likelihood == row.log_likelihood
        assert sentence(row, "en") and sentence(row, "zh")


def test_no_probe_invents_anything_where_nothing_was_said() -> None:
    silent = conversation()
    assert {probe.name for probe in ENDPOINT_PROBES if probe.observe(silent) is not None} == {"card"}
    refused = conversation(*(Reply(ask, refused="endpoint_status") for ask in ASKS if not ask.startswith("needle")))
    assert {probe.name for probe in ENDPOINT_PROBES if probe.observe(refused) is not None} == {"card"}


# Thinking

THINKING = {
    "field": Reply("short", reasoning="嗯，用户", text=""),
    "inline": Reply("short", text="<think>\nOkay, the user"),
    "unopened": Reply("short", text="Okay, the user sent digits.\n</think>\n\n299792458"),
    "style": Reply("short", text="Alright, the user sent"),
    "hidden": Reply("short", text="", finish="length"),
    "none": Reply("short", text="299792458 is the speed of light."),
}


@pytest.mark.parametrize("form", THINKING)
def test_thinking_is_seen_in_each_of_its_forms(form: str) -> None:
    observation = reasoning.observe(conversation(THINKING[form]))
    assert observation is not None and observation["how"] == form
    row = reasoning.score(observation, HYPOTHESES)
    thinker, answerer = ("DeepSeek-R1", "DeepSeek-V3") if form != "none" else ("DeepSeek-V3", "DeepSeek-R1")
    assert gap(row, thinker, answerer) > math.log(5)
    assert gap(row, "DeepSeek-R1", "R1-Distill-Qwen-7B") == 0


@pytest.mark.parametrize("opening", ["Hmm, ", "Okay, so ", "First, the user ", "嗯，", "好的，", "首先，用户", "让我"])
def test_ways_to_think_aloud_are_known_in_both_languages(opening: str) -> None:
    assert reasoning.how(Reply("short", text=f"{opening}299792458")) == "style"


def test_a_model_that_thinks_now_and_then_thinks() -> None:
    for replies in ((THINKING["none"], THINKING["field"]), (THINKING["field"], THINKING["none"])):
        observation = reasoning.observe(conversation(*replies))
        assert observation is not None and observation["how"] == "field"


def test_forced_continued_and_empty_replies_show_no_thinking() -> None:
    forced, raw = Reply("long", text="Okay Okay", forced=True), Reply("period", text="299", raw=True)
    assert reasoning.observe(conversation(forced, raw, Reply("short", text="", finish="stop"))) is None


# Servers


def served(**metadata: Any) -> Evidence:
    observation = serving.observe(conversation(**metadata))
    assert observation is not None
    return serving.score(observation, HYPOTHESES)


QWEN_7B = VARIANTS["R1-Distill-Qwen-7B"]
SAID = {
    "vLLM": {"models": {"data": [{"id": "m", "root": "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "max_model_len": 32768}]},
             "version": {"version": "0.9.1"}},
    "SGLang": {"get_model_info": {"model_path": "/data/DeepSeek-R1-Distill-Qwen-7B", "is_generation": True}},
    "llama.cpp": {"props": {"default_generation_settings": {}, "model_path": "/models/DeepSeek-R1-Distill-Qwen-7B-Q4_K_M.gguf"},
                  "models": {"data": [{"id": "m", "meta": {"n_params": QWEN_7B.parameters.main, "n_ctx_train": 131072}}]}},
    "TGI": {"info": {"model_id": "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "max_total_tokens": 4096}},
    "Ollama": {"api_in_show": {"details": {"parameter_size": "7.6B"}, "model_info": {
        "general.architecture": "qwen2", "general.parameter_count": QWEN_7B.parameters.main, "qwen2.block_count": 28,
        "qwen2.embedding_length": 3584, "qwen2.attention.head_count": 28, "qwen2.attention.head_count_kv": 4}}},
}  # fmt: skip


@pytest.mark.parametrize("server", SAID)
def test_each_server_is_known_and_what_it_says_names_the_model(server: str) -> None:
    row = served(**SAID[server])
    assert row.values["server"] == server
    assert "R1-Distill-Qwen-7B" in best(row) and gap(row, "R1-Distill-Qwen-7B", "DeepSeek-R1") > math.log(3)
    assert row.group == "service" and row.strength != "strong"


def test_another_models_entry_in_the_list_is_not_ours() -> None:
    entries = [{"id": name, "root": "deepseek-ai/DeepSeek-V3"} for name in ("a", "b")]
    assert serving.observe(conversation(models={"data": entries})) is None


def test_a_context_longer_than_published_speaks_against_a_model_and_for_nobody() -> None:
    row = served(models={"data": [{"id": "m", "max_model_len": 1_000_000}]})
    assert row.log_likelihood[UNKNOWN] == 0.0 > row.log_likelihood["DeepSeek-R1"]
    short = served(models={"data": [{"id": "m", "max_model_len": 4_096}]})
    assert {short.log_likelihood[variant.id] for variant in HYPOTHESES.family()} == {0.0}


def test_a_server_that_only_names_its_software_says_nothing_of_the_model() -> None:
    observation = serving.observe(conversation(headers={"server": "nginx"}))
    assert observation is not None
    row = serving.score(observation, HYPOTHESES)
    assert not row.votes and row.values["server"] == "nginx"


# Speed


def timed(rate: float, pieces: int) -> Evidence:
    stream = Reply("repeat", text="x", times=tuple(0.5 + number / rate for number in range(pieces)))
    observation = speed.observe(conversation(stream))
    assert observation is not None
    return speed.score(observation, HYPOTHESES)


def test_a_stream_faster_than_memory_bandwidth_is_no_full_model() -> None:
    ceiling = speed.ceiling(VARIANTS["DeepSeek-R1"])
    assert 500 < ceiling < 2_000
    fast = timed(ceiling * 1.5, 200)
    assert gap(fast, "R1-Distill-Qwen-7B", "DeepSeek-R1") > 1 and fast.log_likelihood["DeepSeek-R1"] < 0
    assert not timed(ceiling * 0.5, 200).votes


def test_a_short_or_buffered_stream_is_not_timed() -> None:
    ceiling = speed.ceiling(VARIANTS["DeepSeek-R1"])
    assert not timed(ceiling * 1.5, 10).votes and not timed(1e6, 400).votes
    assert timed(ceiling, 3).values["form"] == "short"
    assert speed.observe(conversation(Reply("repeat", text="x", times=(0.1,)))) is None


@given(st.lists(st.floats(0, 50), min_size=2, max_size=80).map(sorted))
def test_any_stream_can_be_timed(times: list[float]) -> None:
    observation = speed.observe(conversation(Reply("repeat", times=tuple(times))))
    assert observation is not None and observation["low"] <= observation["gap"] <= observation["high"]
    assert "speed" not in sentence(speed.score(observation, HYPOTHESES), "en")


# What it says of itself, knows and can do


@given(st.text())
def test_what_it_says_of_itself_never_votes(text: str) -> None:
    observation = self_report.observe(conversation(Reply("self_report", text=f"<think>I am V3</think>{text}")))
    if observation is not None:
        row = self_report.score(observation, HYPOTHESES)
        assert not row.votes and row.log_likelihood == {} and "I am V3" not in row.values["said"]


def test_facts_are_reported_and_vote_only_beside_a_reference() -> None:
    ids = ",".join(fact.id for fact in FACTS)
    text = "<think>1. 5</think>" + "\n".join(f"{number}. {fact.answer}" for number, fact in enumerate(FACTS, 1))
    observation = knowledge.observe(conversation(Reply(f"facts:en:{ids}", text=text)))
    assert observation == {"answers": {fact.id: fact.answer for fact in FACTS}}
    alone = knowledge.score(observation, HYPOTHESES)
    assert not alone.votes and alone.values["right"] == len(FACTS)
    assert best(knowledge.score(observation, replace(HYPOTHESES, references=(RECORDED,)))) == {"DeepSeek-R1"}


def test_problems_solved_speak_for_who_solves_such_problems() -> None:
    problems = generate(7, 6, 4)
    text = "\n".join(str(problem.answer) for problem in problems)
    solved = capability.observe(conversation(Reply("problems:en:6:7:4", text=text)))
    assert solved == {"levels": {"6": [4, 4]}}
    failed = capability.score({"levels": {"6": [0, 4]}}, HYPOTHESES)
    assert gap(capability.score(solved, HYPOTHESES), "DeepSeek-R1", "R1-Distill-Qwen-1.5B") > 0
    assert gap(failed, "R1-Distill-Qwen-1.5B", "DeepSeek-R1") > 0
    cut = Reply("problems:en:6:7:4", text="<think>Let me see", finish="length")
    assert capability.observe(conversation(cut)) is None


def test_long_texts_are_reported_found_missed_and_refused() -> None:
    said = conversation(
        Reply("needle:512:12345", text="12345"), Reply("needle:2048:54321", text="11111"),
        Reply("needle:8192:22222", refused="endpoint_status"),
    )  # fmt: skip
    observation = long_context.observe(said)
    assert observation == {"found": {"512": True, "2048": False}, "refused": 8192}
    row = long_context.score(observation, HYPOTHESES)
    assert not row.votes and (row.values["found"], row.values["missed"], row.values["refused"]) == (
        "512",
        "2,048",
        "8,192",
    )
