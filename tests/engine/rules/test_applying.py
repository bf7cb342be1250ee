"""Rules of any kind, applied: what their conditions can ask, how they are settled, and what waits for a choice."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.constraints.record import Constraints, Installed
from engine.errors import CatalogError
from engine.hardware import load_hardware
from engine.rules import apply_rules, load_rules
from engine.rules.facts import facts_of
from engine.rules.schema import Rule

REASON = {"en": "because", "zh": "因为"}


def rule(identity: str = "mine", effect: str = "full", priority: int = 1, **parts: object) -> Rule:
    return Rule.model_validate(
        {"id": identity, "effect": effect, "priority": priority, "reason": REASON, "source": "us", **parts}
    )


def fires(when: dict[str, object], constraints: Constraints) -> bool:
    return bool(apply_rules(constraints, "", [rule(when=when)]).hits)


@pytest.mark.parametrize(
    ("when", "constraints", "expected"),
    [
        ({"memory": {"under": 100}}, Constraints(memory=99.9), True),
        ({"memory": {"under": 100}}, Constraints(memory=100), False),
        ({"memory": {"under": 100}}, Constraints(), False),
        ({"memory": {"over": 100}}, Constraints(memory=100), False),
        ({"memory": {"at_least": 100, "up_to": 200}}, Constraints(memory=200), True),
        ({"memory": {"missing": True}}, Constraints(), True),
        ({"memory": {"missing": True}}, Constraints(memory=1), False),
        ({"memory": {"missing": False}}, Constraints(memory=1), True),
        ({"task": {"in": ["math", "code"]}}, Constraints(task="code"), True),
        ({"task": {"in": ["math", "code"]}}, Constraints(task="legal"), False),
        ({"task": {"missing": True}}, Constraints(), True),
        ({"not": {"task": {"in": ["math"]}}}, Constraints(), True),
        ({"not": {"task": {"in": ["math"]}}}, Constraints(task="math"), False),
        ({"any": [{"ttft": {"up_to": 1}}, {"tpot": {"up_to": 0.05}}]}, Constraints(tpot=0.05), True),
        ({"any": [{"ttft": {"up_to": 1}}, {"tpot": {"up_to": 0.05}}]}, Constraints(tpot=0.06), False),
        ({"all": [{"ttft": {"up_to": 1}}, {"language": {"in": ["zh"]}}]}, Constraints(ttft=1.0), False),
        ({"ttft": {"up_to": 1}, "language": {"in": ["zh"]}}, Constraints(ttft=1.0, language="zh"), True),
        ({"ttft": {"up_to": "500 ms"}}, Constraints(ttft=0.5), True),
        ({"ttft": {"up_to": "500 ms"}}, Constraints(ttft=0.501), False),
        ({"latency": {"up_to": 1}}, Constraints(ttft=1.0), True),
        ({"hardware": {"in": ["h200"]}}, Constraints(hardware=(Installed("h200", 8),)), True),
        ({"devices": {"at_least": 16}}, Constraints(hardware=(Installed("h200", 8),)), False),
        ({"vendor": {"in": ["huawei"]}}, Constraints(hardware=(Installed("ascend-910b", 8),)), True),
        ({"kind": {"in": ["unified"]}}, Constraints(hardware=(Installed("rtx-4090", 1),)), False),
        ({"longest": {"over": 512}}, Constraints(prompt=400, output=113), True),
        ({"longest": {"over": 512}}, Constraints(context=512, prompt=4000), False),
        ({"budget": {"under": 5}, "privacy": {"in": ["on-premise"]}}, Constraints(budget=4, privacy="on-premise"), True),
        ({"licence": {"in": ["permissive"]}, "availability": {"over": 0.99}}, Constraints(licence="permissive"), False),
    ],
)  # fmt: skip
def test_conditions_hold_exactly_when_they_say(
    when: dict[str, object], constraints: Constraints, expected: bool
) -> None:
    assert fires(when, constraints) is expected


def test_memory_and_place_come_from_the_named_hardware_unless_stated() -> None:
    devices = load_hardware()
    named = Constraints(hardware=(Installed("rtx-4090", 2),))
    facts = facts_of(named, devices)
    assert facts.numbers["memory"] == pytest.approx(2 * devices["rtx-4090"].usable)
    assert facts.words["device"] == {"workstation"} and facts.words["vendor"] == {"nvidia"}
    stated = facts_of(Constraints(hardware=named.hardware, memory=40, device="edge"), devices)
    assert stated.numbers["memory"] == 40 and stated.words["device"] == {"edge"}


def test_the_higher_priority_decides_and_both_sides_are_shown() -> None:
    low, high = rule("low", "full", 1, words={"en": ["gpu"]}), rule("high", "distilled", 2, words={"en": ["gpu"]})
    ruling = apply_rules(Constraints(), "a gpu", [low, high])
    assert (ruling.kind, ruling.conflict, ruling.tied) == ("distilled", True, False)
    assert [hit.id for hit in ruling.hits] == ["high", "low"]


def test_opposite_votes_of_equal_priority_leave_the_choice_open() -> None:
    sides = [rule("one", "full", 5, words={"en": ["gpu"]}), rule("two", "distilled", 5, words={"en": ["gpu"]})]
    ruling = apply_rules(Constraints(), "gpu", [*sides, rule("three", "full", 4, words={"en": ["gpu"]})])
    assert ruling.kind is None and ruling.tied and ruling.conflict
    assert {hit.id for hit in ruling.hits} == {"one", "two", "three"}


def test_no_rule_speaks_of_nothing() -> None:
    ruling = apply_rules(Constraints(), "", load_rules())
    assert ruling.kind is None and ruling.hits == () and ruling.cautions == () and ruling.chosen(None) == ()


@pytest.mark.parametrize(
    "text", ["not real-time", "no customer service", "不需要实时", "无需实时", "without real time"]
)
def test_denied_words_of_ones_own_rules_do_not_count(text: str) -> None:
    mine = rule(words={"en": [r"real[- ]time", "customer service"], "zh": ["实时"]})
    assert apply_rules(Constraints(), text, [mine]).hits == ()
    assert apply_rules(Constraints(), f"{text}; real-time after all", [mine]).hits


def test_words_beyond_what_is_read_do_not_count() -> None:
    mine = rule(words={"en": ["gpu"]})
    assert apply_rules(Constraints(), "x" * 4_000 + " gpu", [mine]).hits == ()


def test_cautions_on_a_choice_wait_for_it() -> None:
    ruling = apply_rules(Constraints(detail="high"), "", load_rules())
    assert {hit.id for hit in ruling.chosen("distilled")} >= {"not-a-smaller-equivalent", "output-is-terser"}
    assert [hit.id for hit in ruling.chosen("full")] == ["versions-evolve"]
    assert "output-is-terser" not in {
        hit.id for hit in apply_rules(Constraints(), "", load_rules()).chosen("distilled")
    }


def test_an_identified_model_brings_the_warning_about_parameter_counts() -> None:
    for identified in (True, False):
        ruling = apply_rules(Constraints(), "", load_rules(), identified=identified)
        assert ("never-by-parameter-count-alone" in {hit.id for hit in ruling.cautions}) is identified


def written(folder: Path, *entries: str) -> Path:
    path = folder / "rules.yaml"
    path.write_text("rules:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries), encoding="utf-8")
    return path


def test_files_of_ones_own_replace_add_and_disable(tmp_path: Path) -> None:
    ours = "effect: full, priority: 99, words: {en: [gpu]}, reason: {en: Ours, zh: 自家}, source: us"
    path = written(tmp_path, f"id: real-time, {ours}", f"id: house-rule, {ours}", "id: long-text, disable: true")
    by_id = {entry.id: entry for entry in load_rules((path,))}
    assert by_id["real-time"].reason["en"] == "Ours" and by_id["house-rule"].priority == 99
    assert "long-text" not in by_id
    assert len(by_id) == len(load_rules())  # one more, one less
    assert apply_rules(Constraints(ttft=0.5), "", load_rules((path,))).kind is None


def test_rules_of_version_0_1_still_load(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "id: mine, effect: distilled, priority: 7, when: {latency: {up_to: 2.0}, device: {in: [edge]}}, any: true, "
        "reason: {en: a, zh: 乙}, source: us",
        "id: told, effect: caution, priority: 3, chosen: distilled, reason: {en: a, zh: 乙}, source: us",
    )
    rules = load_rules((path,))
    assert "mine" in {hit.id for hit in apply_rules(Constraints(ttft=1.5), "", rules).hits}
    assert "told" in {hit.id for hit in apply_rules(Constraints(ttft=1.5), "", rules).chosen("distilled")}


def test_an_edited_file_is_read_again(tmp_path: Path) -> None:
    import os

    entry = "id: house-rule, effect: full, priority: {n}, words: {{en: [gpu]}}, reason: {{en: a, zh: 乙}}, source: us"
    path = written(tmp_path, entry.format(n=1))
    assert {rule.id: rule.priority for rule in load_rules((path,))}["house-rule"] == 1
    written(tmp_path, entry.format(n=2))
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1_000_000))
    assert {rule.id: rule.priority for rule in load_rules((path,))}["house-rule"] == 2


def test_an_invalid_file_is_named_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, "id: a, effect: maybe, priority: 1, words: {en: [x]}, reason: {en: a, zh: b}, source: us")
    with pytest.raises(CatalogError, match=r"rules.yaml, line 2"):
        load_rules((path,))
