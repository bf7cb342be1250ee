"""Whether an endpoint still is what it was, looked at for ever."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.drift import betting, monitor, ranking
from engine.drift.cause import describe
from engine.drift.records import Bag, LookRecord, Monitor, Seen
from engine.drift.since import change_point

Endpoint = Callable[[Random], list[Seen]]


def text_endpoint(modes: Mapping[str, float], others: str = "B") -> Endpoint:
    """Answers "A" to each prompt with a probability of its own, and counts tokens always alike."""

    def ask(random: Random) -> list[Seen]:
        prompt = random.choice(sorted(modes))
        answer = "A" if random.random() < modes[prompt] else others
        return [Seen(f"border:{prompt}", "distribution", answer), Seen(f"count:{prompt}", "identity", "7")]

    return ask


def trained(endpoint: Endpoint, seed: int = 1, asks: int = 300) -> Monitor:
    random = Random(seed)
    begun = replace(monitor.begin(seed), since_day=-monitor.PROBATION)  # all hours of a day are known
    return monitor.learn(begun, [seen for _ in range(asks) for seen in endpoint(random)])


def checked(known: Monitor, endpoint: Endpoint, random: Random, asks: int = 2) -> Monitor:
    known = monitor.new_look(known)
    for _ in range(asks):
        for seen in endpoint(random):
            known, _ = monitor.take(known, seen)
    return known


PROMPTS = {**dict.fromkeys("abdfghij", 0.99), "c": 0.5, "e": 0.6}


def test_an_endpoint_that_stays_what_it_is_is_called_so_for_ever() -> None:
    called = 0
    for seed in range(20):
        endpoint = text_endpoint(PROMPTS)
        known, random = trained(endpoint, seed), Random(seed + 1000)
        for _ in range(400):
            known = checked(known, endpoint, random)
        called += monitor.is_changed(known)
    assert called == 0


@pytest.mark.parametrize("before", [5, 300])
def test_another_model_is_noticed_within_a_few_answers(before: int) -> None:
    endpoint, other = text_endpoint(PROMPTS), text_endpoint(dict.fromkeys(PROMPTS, 0.3), others="C")
    known, random = trained(endpoint), Random(7)
    for _ in range(before):
        known = checked(known, endpoint, random)
    assert not monitor.is_changed(known)
    known = checked(known, other, random, asks=20)
    assert monitor.is_changed(known) and monitor.signals_changed(known) == ("distribution",)


def test_answers_that_load_makes_more_frequent_are_no_change() -> None:
    quiet, busy = text_endpoint(dict.fromkeys(PROMPTS, 0.85)), text_endpoint(dict.fromkeys(PROMPTS, 0.3))
    known, random = trained(quiet, asks=600), Random(3)
    for _ in range(200):
        known = checked(known, busy, random)
    assert not monitor.is_changed(known)


def test_in_the_first_days_only_what_is_nothing_like_before_is_told() -> None:
    endpoint, other = text_endpoint(PROMPTS), text_endpoint(dict.fromkeys(PROMPTS, 0.2), others="C")
    young = replace(trained(endpoint), since_day=0)
    assert any(monitor.is_changed(one) for one in _steps(young, other, Random(7)))
    moved = list(_steps(trained(vector_endpoint(0.0), asks=300), vector_endpoint(0.1), Random(2)))
    assert any(monitor.is_changed(one) for one in moved)
    assert not any(monitor.is_changed(replace(one, since_day=one.day)) for one in moved)


def _steps(known: Monitor, endpoint: Endpoint, random: Random) -> Iterator[Monitor]:
    known = monitor.new_look(known)
    for _ in range(30):
        for seen in endpoint(random):
            known, _ = monitor.take(known, seen)
        yield known


def test_another_tokenizer_shows_in_the_counts() -> None:
    endpoint = text_endpoint(PROMPTS)
    known, random = monitor.new_look(trained(endpoint)), Random(5)
    for _ in range(8):
        answer, count = endpoint(random)
        known, _ = monitor.take(known, answer)
        known, p = monitor.take(known, replace(count, value="9"))
    assert p is not None and p < 0.05
    assert monitor.signals_changed(known) == ("identity",)


def vector_endpoint(shift: float, noise: float = 0.02) -> Endpoint:
    def ask(random: Random) -> list[Seen]:
        prompt = random.choice("abcdefghijklmnop")
        means = {token: -1.0 - 0.7 * at + (shift if at % 2 else -shift) for at, token in enumerate("abcdefghij")}
        wobble = random.gauss(0, noise)
        values = {token: mean + wobble + random.gauss(0, noise / 4) for token, mean in means.items()}
        return [Seen(f"first:{prompt}", "distribution", values)]

    return ask


def test_logprobs_that_move_by_a_tenth_of_a_nat_are_noticed() -> None:
    known, random = trained(vector_endpoint(0.0), asks=300), Random(2)
    for _ in range(100):
        known = checked(known, vector_endpoint(0.0), random)
    assert not monitor.is_changed(known)
    assert any(monitor.is_changed(one) for one in _steps(known, vector_endpoint(0.1), random))


def test_load_is_no_change_and_a_slower_server_is() -> None:
    def day(known: Monitor, at: int, floor: float, random: Random) -> Monitor:
        for hour in range(12):
            known = monitor.new_look(known, at)
            busy = 1 + 3 * math.sin(hour / 12 * math.pi) ** 2 + random.expovariate(2)
            known, _ = monitor.take(known, Seen("seconds:first", "service", math.log(floor * busy)))
        return known

    random, known = Random(4), monitor.begin(4, day=-1)
    for at in range(120):
        known = day(known, at, 0.2, random)
    assert not monitor.is_changed(known)
    for at in range(120, 150):
        known = day(known, at, 0.5, random)
    assert monitor.signals_changed(known) == ("service",)


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 600))
def test_bets_are_fair(p: float, strangest: int) -> None:
    grid = [betting.payoffs((at + 0.5) / 2000, strangest / 2000) for at in range(2000)]
    assert all(math.isclose(math.fsum(column) / len(grid), 1, rel_tol=1e-6) for column in zip(*grid, strict=True))
    assert all(payoff > 0 for payoff in betting.payoffs(p, strangest / 2000))


@given(st.floats(0.001, 1))
def test_beginning_bets_costs_nothing(p: float) -> None:
    wealth = betting.settle(betting.begin_bets(betting.beginning()), betting.payoffs(p, 0.01))
    assert math.isclose(betting.log_owned(betting.begin_bets(wealth)), betting.log_owned(wealth), abs_tol=1e-9)


@pytest.mark.parametrize("answers", ["AAAAAAAAAB", "ABABABABAB", "ABCDEFGHIJ", "AAAAAAAAAA"])
def test_the_rank_of_whatever_comes_last_is_no_stranger_than_chance(answers: str) -> None:
    random, ps = Random(1), []
    for _ in range(3000):
        last, *_ = random.sample(answers, len(answers))
        bags = {"border:a": Bag("distribution", Counter(answers)), "border:b": Bag("distribution", Counter("AB"))}
        other, stream = random.choice("AB"), random.choices(("border:a", "border:b"), (len(answers), 2))[0]
        value = last if stream == "border:a" else other
        ps.append(ranking.rare_p(bags, stream, value, random.random())[0])
    for share in (0.05, 0.2, 0.5, 0.8):
        assert sum(p <= share for p in ps) / len(ps) < share + 0.03


def record(at: int, p: float, total: float = 0.0) -> LookRecord:
    return LookRecord(f"2026-01-{at:02d}", "same", {"total": total}, {"distribution": (p, p)})


def test_a_change_is_dated_by_what_came_after_it() -> None:
    records = [record(at, 0.3 + at / 50) for at in range(1, 15)] + [record(at, 0.002) for at in range(15, 19)]
    after, before, earliest, latest = change_point(records)
    assert (after, before) == ("2026-01-14", "2026-01-15")
    assert earliest is not None and latest is not None and earliest <= "2026-01-14" <= latest


def test_a_first_check_cannot_date_a_change() -> None:
    assert change_point([record(1, 0.001)]) == (None, "2026-01-01", None, "2026-01-01")
    assert change_point([]) == (None, None, None, None)


def test_what_kind_of_change_it_is_is_said_where_the_data_tell() -> None:
    bags = trained(vector_endpoint(0.0), asks=300).bags
    random = Random(9)
    small = [seen for _ in range(12) for seen in vector_endpoint(0.1)(random)]
    found = describe(bags, small, signals=("distribution",), log_e=20.0, records=[record(1, 0.5), record(2, 0.001)])
    assert found.cause == "quantization" and 0.05 < found.effect["logprobs"] < 0.2
    large = [seen for _ in range(12) for seen in vector_endpoint(2.0)(random)]
    found = describe(bags, large, signals=("distribution",), log_e=20.0, records=[record(1, 0.5), record(2, 0.001)])
    assert found.cause == "model"
    counts = trained(text_endpoint(PROMPTS)).bags
    otherwise = [Seen("count:a", "identity", "9"), Seen("border:a", "distribution", "C")]
    found = describe(counts, otherwise, signals=("identity",), log_e=9.0, records=[record(1, 0.5)])
    assert found.cause == "model" and ("border:a", "A", "C") in found.examples
    answers = [Seen(f"border:{name}", "distribution", "B") for name in "abc"] * 2
    found = describe(counts, answers[:1], signals=("distribution",), log_e=9.0, records=[record(1, 0.5)])
    assert found.cause in ("model", "unknown")
