"""Among options: demands filter, the rules ask for a kind, the score decides within it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from options import option, said

from engine.choosing.asking import missing
from engine.choosing.counterfactuals import counterfactuals
from engine.choosing.deciding import decide
from engine.choosing.reasons import reasons_for
from engine.choosing.scoring import answer_time, front_of
from engine.constraints.record import Constraints, Installed
from engine.identification import Option
from engine.sized import Workload

WORKLOAD = Workload()
ASKED = Constraints(hardware=(Installed("rtx-4090", 2),))
TOO_SLOW = said("fails.ttft", needed_s=0.5, has_s=2.0)
TOO_LARGE = said("fails.memory", needed_bytes=700_000_000_000, has_bytes=46_000_000_000)
FULL = option("DeepSeek-R1", kind="full", quality=80)
LARGE, SMALL = option("R1-Distill-Qwen-32B", quality=72), option("R1-Distill-Qwen-7B", quality=60)


def test_the_best_score_is_chosen_where_no_rule_speaks() -> None:
    assert chosen([SMALL, LARGE]) == "R1-Distill-Qwen-32B"


def test_a_rule_asks_for_a_kind_and_gets_it() -> None:
    assert chosen([FULL, LARGE], "distilled") == "R1-Distill-Qwen-32B"
    assert chosen([FULL, LARGE], "full") == "DeepSeek-R1"


def test_a_rule_does_not_help_what_fails_a_demand() -> None:
    failing = option("DeepSeek-R1", kind="full", quality=80, fails=(TOO_LARGE,))
    decision = decide([failing, LARGE], "full", ASKED, WORKLOAD)
    assert decision.option is not None and decision.option.variant == "R1-Distill-Qwen-32B"
    assert (decision.kind, decision.overruled) == ("distilled", "fails")


def test_a_full_model_quantised_below_a_distill_is_not_chosen_for_its_name() -> None:
    crushed = option("DeepSeek-R1", kind="full", quality=65)
    decision = decide([crushed, LARGE], "full", ASKED, WORKLOAD)
    assert (decision.kind, decision.overruled) == ("distilled", "worse")


def test_nothing_is_chosen_where_nothing_was_said() -> None:
    decision = decide([FULL, LARGE], None, Constraints(task="math", language="zh"), WORKLOAD)
    assert decision.option is None and decision.kind is None


def test_nothing_is_chosen_where_every_option_fails() -> None:
    failing = option("R1-Distill-Qwen-7B", fails=(TOO_SLOW,))
    assert decide([failing], "distilled", ASKED, WORKLOAD).option is None


def test_the_runner_up_is_a_model_of_another_size() -> None:
    sibling = option("DeepSeek-R1-0528", kind="full", quality=84)
    decision = decide([FULL, sibling, LARGE], "full", ASKED, WORKLOAD)
    assert decision.option is not None and decision.option.variant == "DeepSeek-R1-0528"
    assert decision.runner_up is not None and decision.runner_up.variant == "R1-Distill-Qwen-32B"


FIGURES = st.tuples(st.integers(40, 90), st.integers(1, 9), st.integers(1, 9))


@given(st.lists(FIGURES, min_size=1, max_size=12), st.randoms())
@settings(deadline=None)
def test_the_choice_does_not_depend_on_the_order_of_the_options(
    figures: list[tuple[int, int, int]], shuffle: random.Random
) -> None:
    options = [
        option(f"model-{number}", quality=float(quality), tpot=time / 100, cost=float(cost))
        for number, (quality, time, cost) in enumerate(figures)
    ]
    first = chosen(options)
    shuffle.shuffle(options)
    assert chosen(options) == first


@given(st.lists(FIGURES, min_size=1, max_size=14))
@settings(deadline=None)
def test_nothing_on_the_front_is_beaten_and_everything_off_it_is(figures: list[tuple[int, int, int]]) -> None:
    options = [
        option(f"model-{number}", quality=float(quality), tpot=time / 100, cost=float(cost))
        for number, (quality, time, cost) in enumerate(figures)
    ]
    front = front_of(options, WORKLOAD)
    for entry in options:
        beaten = any(beats(other, entry) for other in options)
        if id(entry) in front:
            assert not beaten
        else:
            assert any(not worse(other, entry) for other in options if other is not entry)


def beats(one: Option, other: Option) -> bool:
    return not worse(one, other) and figures_of(one) != figures_of(other)


def worse(one: Option, other: Option) -> bool:
    """Worse in at least one respect."""
    return any(mine > theirs for mine, theirs in zip(figures_of(one), figures_of(other), strict=True))


def figures_of(entry: Option) -> tuple[float, float, float]:
    assert entry.sizing.cost is not None
    return -entry.quality, answer_time(entry, WORKLOAD), entry.sizing.cost.value


def test_a_better_model_that_misses_one_demand_by_little_is_told() -> None:
    near = option("R1-Distill-Llama-70B", quality=75, fails=(TOO_SLOW,))
    decision = decide([near, LARGE], None, ASKED, WORKLOAD)
    (first, *_) = counterfactuals(decision, ASKED, (), ruled=None, there=2)
    assert first.code == "would.relax"
    assert first.values["why"] == {"code": "fails.ttft", "values": {"needed_s": 0.5, "has_s": 2.0}}


@pytest.mark.parametrize(
    "fails", [(said("fails.ttft", needed_s=0.1, has_s=90.0),), (TOO_SLOW, said("fails.budget", needed_usd=9.0, has_usd=1.0)), (TOO_LARGE,)]
)  # fmt: skip
def test_what_is_far_off_is_no_advice(fails: tuple[object, ...]) -> None:
    far = option("R1-Distill-Llama-70B", quality=75, fails=fails)  # type: ignore[arg-type]
    decision = decide([far, LARGE], None, ASKED, WORKLOAD)
    assert not [
        entry for entry in counterfactuals(decision, ASKED, (), ruled=None, there=1) if entry.code == "would.relax"
    ]


def test_hardware_that_would_carry_the_full_model_is_named_the_cheapest_first() -> None:
    decision = decide([LARGE], None, ASKED, WORKLOAD)
    elsewhere = [option("DeepSeek-R1", kind="full", quality=80, cost=30.0, device="h200", count=8),
                 option("DeepSeek-R1", kind="full", quality=80, cost=50.0, device="b200", count=8)]  # fmt: skip
    told = counterfactuals(decision, ASKED, elsewhere, ruled=None, there=1)
    assert [entry.values["hardware"] for entry in told if entry.code == "would.hardware"] == [
        {"device": "h200", "count": 8}
    ]


def test_where_the_other_kind_fails_that_is_the_first_reason() -> None:
    failing = option("DeepSeek-R1", kind="full", quality=80, fails=(TOO_LARGE,))
    decision = decide([failing, LARGE, SMALL], None, ASKED, WORKLOAD)
    told = reasons_for(decision, (), ASKED, WORKLOAD)
    assert len(told) == 3
    assert told[0].code == "reason.full_fails"


def test_what_changes_the_kind_is_asked_for_before_what_changes_the_variant() -> None:
    def choose(changed: Constraints) -> Option:
        if changed.budget is not None:
            return FULL
        return SMALL if changed.ttft is not None else LARGE

    names = missing(ASKED, LARGE, choose)
    assert names == ("budget", "ttft")


def chosen(options: list[Option], ruled: str | None = None) -> str:
    decision = decide(options, ruled, ASKED, WORKLOAD)  # type: ignore[arg-type]
    assert decision.option is not None
    return decision.option.variant
