"""Constraints by name and value: units are brought to one, and what makes no sense is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.constraints.bounds import EXAMPLES
from engine.constraints.lexicon import lexicon
from engine.constraints.quantities import CNY_PER_USD, HOURS_PER_MONTH, TOKENS_PER_HANZI
from engine.constraints.record import NAMES, UNITS, WORDS, Constraints, Installed
from engine.constraints.values import from_stated, parse_constraints
from engine.errors import UsageError

_NONSENSE = yaml.safe_load((Path(__file__).parent / "nonsense.yaml").read_text(encoding="utf-8"))
_NUMBERS = st.floats(min_value=1.0, max_value=50_000.0).map(round)


@pytest.mark.parametrize(
    ("name", "typed", "field", "value"),
    [
        ("ttft", "500ms", "ttft", 0.5), ("latency", "0.5 s", "ttft", 0.5), ("ttft", "500毫秒", "ttft", 0.5), ("首字延迟", "1秒", "ttft", 1),
        ("ttft", "<= 2 s", "ttft", 2), ("TTFT", "２秒", "ttft", 2), ("ttft", "half a second", "ttft", 0.5), ("ttft", 0.25, "ttft", 0.25),
        ("tpot", "40ms", "tpot", 0.04), ("speed", "25 tok/s", "tpot", 0.04), ("tpot", "20-25 tokens/s", "tpot", 0.05),
        ("tpot", "40 ms per token", "tpot", 0.04), ("生成速度", "每秒 20 token", "tpot", 0.05),
        ("memory", "48GB", "memory", 48), ("vram", "48G", "memory", 48), ("显存", "1.1TB", "memory", 1100), ("ram", "80GiB", "memory", 85.89934592),
        ("memory", "2×24GB", "memory", 48), ("memory", "48", "memory", 48), ("memory", "1,100 GB", "memory", 1100),
        ("bandwidth", "3.35 TB/s", "bandwidth", 3350), ("bandwidth", "800 Gbps", "bandwidth", 100),
        ("context", "32k", "context", 32768), ("ctx", "128K tokens", "context", 131072), ("上下文", "3万字", "context", 30000 * TOKENS_PER_HANZI),
        ("context", "1.5e5", "context", 150000), ("input", "4k", "prompt", 4096), ("输出", "500 tokens", "output", 500),
        ("concurrency", "50", "concurrency", 50), ("users", "50 users", "concurrency", 50), ("并发", "50路", "concurrency", 50), ("concurrency", 16, "concurrency", 16),
        ("throughput", "2000 tok/s", "throughput", 2000), ("吞吐", "每秒3000 token", "throughput", 3000),
        ("budget", "$20/h", "budget", 20), ("budget", "¥3万/月", "budget", 30000 / CNY_PER_USD / HOURS_PER_MONTH),
        ("budget", "5000 USD/month", "budget", 5000 / HOURS_PER_MONTH), ("预算", "100 元/小时", "budget", 100 / CNY_PER_USD), ("budget", 12.5, "budget", 12.5),
        ("availability", "99.9%", "availability", 0.999), ("uptime", "99.9", "availability", 0.999), ("可用性", "0.999", "availability", 0.999),
        ("availability", "three nines", "availability", 0.999), ("availability", "四个9", "availability", 0.9999),
    ],
)  # fmt: skip
def test_a_value_is_brought_to_the_unit_of_the_record(name: str, typed: object, field: str, value: float) -> None:
    assert parse_constraints({name: typed}).stated() == {field: pytest.approx(value)}


@pytest.mark.parametrize(
    ("name", "typed", "field", "word"),
    [
        ("language", "中文", "language", "zh"), ("语言", "English", "language", "en"), ("device", "Phone", "device", "mobile"),
        ("任务", "客服", "task", "customer-service"), ("task", "customer_service", "task", "customer-service"), ("隐私", "私有化", "privacy", "on-premise"),
        ("license", "MIT", "licence", "permissive"), ("critical", True, "critical", "yes"), ("critical", "false", "critical", "no"),
        ("算力", "有限", "compute", "limited"), ("detail", "HIGH", "detail", "high"),
    ],
)  # fmt: skip
def test_a_word_may_be_said_in_several_ways(name: str, typed: object, field: str, word: str) -> None:
    assert parse_constraints({name: typed}).stated() == {field: word}


def test_hardware_is_read_by_its_catalog_and_may_be_given_several_times() -> None:
    assert parse_constraints({"gpu": "8 卡 H20"}).hardware[0].count == 8
    several = parse_constraints({"hardware": ["2x4090", "8xH200"]}).hardware
    assert [(part.device, part.count) for part in several] == [("rtx-4090", 2), ("h200", 8)]


def test_what_agrees_may_be_said_twice() -> None:
    assert parse_constraints({"tpot": "40ms", "speed": "25 tok/s"}).tpot == pytest.approx(0.04)
    assert parse_constraints({"memory": "48GB", "hardware": "2x4090"}).memory == 48
    assert parse_constraints({"throughput": "10 requests/s", "output": "500"}).throughput == 5000


@pytest.mark.parametrize(("constraints", "code", "named"), _NONSENSE["given"], ids=lambda value: str(value)[:40])
def test_nonsense_is_refused_in_a_sentence_that_names_it(constraints: dict[str, Any], code: str, named: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_constraints(constraints)
    assert refused.value.code == code
    for lang in ("en", "zh"):
        sentence = refused.value.sentence(lang)
        assert named in sentence and "\n" not in sentence


def test_at_least_sixty_kinds_of_nonsense_are_tried() -> None:
    assert len(_NONSENSE["given"]) >= 60


def test_ten_megabytes_are_refused_before_they_are_read() -> None:
    for name in NAMES:
        with pytest.raises(UsageError, match=r"10000000 characters"):
            parse_constraints({name: "9" * 10_000_000})


def test_every_name_has_a_home_and_every_number_an_example_that_works() -> None:
    words = lexicon()
    assert set(words.names.values()) == set(NAMES)
    assert {*WORDS, *UNITS, "hardware"} == set(NAMES)
    for name, example in EXAMPLES.items():
        assert getattr(parse_constraints({name: example}), name) > 0
    for name, aliases in words.values.items():
        for alias, word in aliases.items():
            assert getattr(parse_constraints({name: alias}), name) == word


def test_what_older_versions_stored_is_read() -> None:
    stored = {"latency": 0.5, "context": 32768.0, "memory": 48.0, "device": "edge", "scenario": "legal"}
    assert from_stated(stored) == Constraints(ttft=0.5, context=32768.0, memory=48.0, device="edge")


_RECORDS = st.builds(
    Constraints,
    hardware=st.lists(st.builds(Installed, st.sampled_from(["h200", "a card of one's own"]), st.integers(1, 64)), max_size=3).map(tuple),
    **{name: st.none() | _NUMBERS.map(float) for name in ("memory", "bandwidth", "context", "prompt", "output", "concurrency", "ttft", "throughput", "budget")},
    tpot=st.none() | st.floats(0.001, 10).map(lambda value: round(value, 6)),
    availability=st.none() | st.floats(0.5, 0.99999).map(lambda value: round(value, 6)),
    **{name: st.none() | st.sampled_from(words) for name, words in WORDS.items()},
)  # fmt: skip


@given(_RECORDS)
def test_what_is_stated_is_read_back(record: Constraints) -> None:
    assert from_stated(record.stated()) == record


@given(_NUMBERS, st.sampled_from([("ms", 1e-3), (" s", 1.0), ("秒", 1.0), (" 毫秒", 1e-3)]))
def test_times_agree_in_every_unit(number: int, unit: tuple[str, float]) -> None:
    assert parse_constraints({"ttft": f"{number}{unit[0]}"}).ttft == pytest.approx(number * unit[1])


@given(_NUMBERS, st.sampled_from(["GB", "G", "gb", " GB", "TB", "GiB"]), st.integers(1, 16))
def test_memory_of_several_cards_is_that_of_one_times_their_number(number: int, unit: str, cards: int) -> None:
    number = number % 60 + 1
    one, all_of_them = (parse_constraints({"memory": f"{prefix}{number}{unit}"}).memory for prefix in ("", f"{cards}×"))
    assert one is not None and all_of_them == pytest.approx(cards * one)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(NAMES) | st.text(max_size=20), st.text(max_size=60) | st.floats() | st.integers() | st.none() | st.booleans() | st.lists(st.text(max_size=5), max_size=3))  # fmt: skip
def test_any_value_is_read_or_refused_in_a_sentence(name: str, value: object) -> None:
    try:
        assert isinstance(parse_constraints({name: value}), Constraints)
    except UsageError as refused:
        assert all(refused.sentence(lang) for lang in ("en", "zh"))


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(UNITS)),
    st.text(alphabet="0123456789.,e+-−kKmM万亿千$¥%/× 秒字元个每tokensgbGBhx半十", max_size=24),
)
def test_almost_numbers_never_break_it(name: str, value: str) -> None:
    try:
        number = getattr(parse_constraints({name: value}), name)
        assert number is not None and 0 < number < 1e12
    except UsageError as refused:
        assert name in refused.sentence("zh")
