"""Constraints → recommendation: rules, sizing, choice, and everything that is said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.catalog.schema import Variant
from engine.choosing.asking import missing
from engine.choosing.candidates import Hardware, full_and_distilled, hardware_for, options_on, usual_hardware
from engine.choosing.counterfactuals import counterfactuals
from engine.choosing.deciding import Decision, Kind, best, decide
from engine.choosing.demands import failures
from engine.choosing.meaning import fits_target, meaning_of
from engine.choosing.reasons import nearness, reasons_for, risks_of
from engine.choosing.scoring import Wish, score_of
from engine.choosing.serving import command
from engine.choosing.unsaid import nothing_said
from engine.choosing.workload import workload_of
from engine.constraints.record import Constraints
from engine.constraints.settling import implied, settle
from engine.hardware import load_hardware
from engine.hardware.schema import Device
from engine.identification import Option, Recommendation, Said
from engine.rules.applying import Ruling, apply_rules
from engine.rules.loading import load_rules
from engine.rules.schema import Rule
from engine.sized import Sizing, Workload
from engine.sizing import size_option
from engine.verdict import Verdict

_SHOWN_WORDS = 4_000
_SHOWN_OPTIONS = 16
_SHORT = 6
_MUCH_LONGER = 4
"""Times a usual prompt from which the longest is told apart."""
_OTHER: Mapping[Kind, Kind] = {"full": "distilled", "distilled": "full"}


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked, and what it is answered from."""

    constraints: Constraints
    text: str
    rules: tuple[Rule, ...]
    devices: Mapping[str, Device]
    identified: bool
    variants: tuple[Variant, ...]
    hardware: Hardware
    workload: Workload


def recommend(
    given: Mapping[str, Any],
    *,
    scenario: str = "",
    rule_files: tuple[Path, ...] = (),
    hardware_files: tuple[Path, ...] = (),
    family_files: tuple[Path, ...] = (),
    verdict: Verdict | None = None,
) -> Recommendation:
    """See ``engine.recommend``. With a ``verdict``, says what the identified model means for the scenario."""
    if not given and not scenario.strip():
        return nothing_said()
    constraints, unread = settle(given, scenario, hardware_files)
    workload, assumed = workload_of(constraints)
    hardware = hardware_for(constraints, hardware_files)
    question = _Question(
        constraints=constraints,
        text=scenario,
        rules=load_rules(rule_files),
        devices=load_hardware(hardware_files),
        identified=verdict is not None,
        variants=full_and_distilled(family_files),
        hardware=hardware,
        workload=workload,
    )
    ruling = _ruling(question)
    options = _options(question, question.hardware)
    decision = decide(options, ruling.kind, constraints, workload)
    if decision.option is None:
        decision = _less_strictly(question, implied(given, scenario, hardware_files), options, ruling.kind) or decision
    return _told(question, ruling, decision, (*hardware.assumed, *assumed), unread, verdict)


def _less_strictly(
    question: _Question, by_words: frozenset[str], options: list[Option], ruled: Kind | None
) -> Decision | None:
    """The decision without limits that only a word gave: "real-time" is no figure that makes a thing impossible."""
    said = question.constraints
    wish = Wish(said.ttft if "ttft" in by_words else None, said.tpot if "tpot" in by_words else None)
    if wish == Wish():
        return None
    loose = replace(said, ttft=None if wish.ttft else said.ttft, tpot=None if wish.tpot else said.tpot)
    judged = _judged(options, replace(question, constraints=loose), question.hardware, wish)
    return decide(judged, ruled, loose, question.workload)


def _ruling(question: _Question) -> Ruling:
    return apply_rules(
        question.constraints, question.text, question.rules, devices=question.devices, identified=question.identified
    )


def _options(question: _Question, hardware: Hardware) -> list[Option]:
    found = options_on(hardware, question.variants, question.workload, question.constraints)
    return _judged(found, question, hardware)


def _judged(options: list[Option], question: _Question, hardware: Hardware, wish: Wish | None = None) -> list[Option]:
    """Each option with what it fails and its score, under the question's constraints."""
    by_id = {variant.id: variant for variant in question.variants}
    constraints, workload = question.constraints, question.workload
    return [
        Option(
            option.variant,
            option.title,
            option.kind,
            option.sizing,
            option.quality,
            option.benchmarks,
            score_of(option, constraints, workload, named=hardware.named, wish=wish),
            failures(option, by_id[option.variant], constraints, workload),
        )
        for option in options
    ]


def _told(
    question: _Question,
    ruling: Ruling,
    decision: Decision,
    assumed: tuple[Said, ...],
    unread: tuple[str, ...],
    verdict: Verdict | None,
) -> Recommendation:
    constraints, workload, option = question.constraints, question.workload, decision.option
    by_id = {variant.id: variant for variant in question.variants}
    named = question.hardware.named
    words = {"scenario": question.text[:_SHOWN_WORDS]} if question.text else {}
    return Recommendation(
        choice=decision.kind,
        hits=ruling.hits,
        conflict=ruling.conflict,
        cautions=(*ruling.cautions, *ruling.chosen(decision.kind, option)),
        missing=_missing(question, decision),
        fits_target=fits_target(decision.kind, verdict),
        constraints={**constraints.stated(), **words},
        unread=unread,
        option=option,
        runner_up=decision.runner_up,
        options=_worth_showing(decision),
        reasons=reasons_for(decision, ruling.hits, constraints, workload),
        excluded=_excluded(decision),
        risks=(
            *_full_prompt(question, option),
            *risks_of(option, by_id[option.variant], constraints, workload, named=named, runner_up=decision.runner_up),
        )
        if option
        else (),
        command=command(option, constraints, devices=question.devices) if option else None,
        counterfactuals=_counterfactuals(question, ruling, decision),
        meaning=meaning_of(verdict, option, decision.options),
        assumed=assumed,
    )


def _full_prompt(question: _Question, option: Option) -> tuple[Said, ...]:
    """How long the first token takes after a prompt that fills the context asked for, where usual ones are shorter."""
    asked, workload = question.constraints, question.workload
    longest = workload.context - workload.output
    if asked.context is None or asked.prompt is not None or longest < _MUCH_LONGER * workload.prompt:
        return ()
    full = replace(question, workload=replace(workload, prompt=longest, concurrency=1))
    return (Said("risk.full_prompt", {"prompt_tokens": longest, "has_s": _resized(option, full).ttft.value}),)


def _worth_showing(decision: Decision) -> tuple[Option, ...]:
    """The front, by quality; the choice and the runner-up among them."""
    wanted = [option for option in decision.front if option not in (decision.option, decision.runner_up)]
    first = [option for option in (decision.option, decision.runner_up) if option is not None]
    every = [*first, *sorted(wanted, key=lambda option: -option.score)][:_SHOWN_OPTIONS]
    return tuple(sorted(every, key=lambda option: -option.quality))


def _excluded(decision: Decision) -> tuple[Option, ...]:
    """Of each variant that meets no demand fully, the option that comes nearest; the best variant first."""
    passing = {option.variant for option in decision.passing}
    if decision.option is None and passing:  # nothing was said to choose by
        return ()
    left: dict[str, Option] = {}
    for option in sorted((option for option in decision.options if option.fails), key=nearness):
        if option.variant not in passing:
            left.setdefault(option.variant, option)
    return tuple(sorted(left.values(), key=lambda option: -option.quality))


def _missing(question: _Question, decision: Decision) -> tuple[str, ...]:
    shortlist = _shortlist(decision)

    def choose(changed: Constraints) -> Option | None:
        workload, _ = workload_of(changed)
        asked = replace(question, constraints=changed, workload=workload)
        if changed.hardware != question.constraints.hardware:
            asked = replace(asked, hardware=replace(question.hardware, named=True))
            options = [option for option in decision.options if _is_on(option, changed)]
        elif workload != question.workload:
            options = [replace(option, sizing=_resized(option, asked)) for option in shortlist]
        else:
            options = shortlist
        judged = _judged(options, asked, asked.hardware)
        return decide(judged, _ruling(asked).kind, changed, workload).option

    return missing(question.constraints, decision.option, choose)


def _is_on(option: Option, constraints: Constraints) -> bool:
    return any(
        part.device == option.sizing.device and part.count >= option.sizing.count for part in constraints.hardware
    )


def _resized(option: Option, question: _Question) -> Sizing:
    variant = next(variant for variant in question.variants if variant.id == option.variant)
    sizing = option.sizing
    device = next(device for device, _ in question.hardware.places if device.id == sizing.device)
    return size_option(variant, sizing.quantization, device, sizing.count, question.workload)


def _shortlist(decision: Decision) -> list[Option]:
    """Options that another demand would likely choose from: the best few, and the best of each variant."""
    ranked = sorted(decision.options, key=lambda option: (bool(option.fails), -option.score))
    best_of: dict[str, Option] = {}
    for option in ranked:
        best_of.setdefault(option.variant, option)
    return list({id(option): option for option in (*ranked[:_SHORT], *best_of.values())}.values())


def _counterfactuals(question: _Question, ruling: Ruling, decision: Decision) -> tuple[Said, ...]:
    if decision.option is None and not decision.overruled and ruling.kind is None and decision.passing:
        return ()
    elsewhere: list[Option] = []
    if question.hardware.named and (decision.option is None or decision.option.kind == "distilled"):
        usual = usual_hardware()
        kept = [variant for variant in question.variants if decision.option is None or variant.kind == "full"]
        elsewhere = _options(replace(question, variants=tuple(kept)), usual)
    there = sum(part.count for part in question.constraints.hardware)
    return counterfactuals(
        decision, question.constraints, elsewhere, ruled=_without_rule(question, ruling, decision), there=there
    )


def _without_rule(question: _Question, ruling: Ruling, decision: Decision) -> Said | None:
    """What would be chosen without the rules that asked for the kind chosen."""
    option = decision.option
    if option is None or ruling.kind != decision.kind or ruling.kind is None:
        return None
    votes_against = any(hit.effect == _OTHER[ruling.kind] for hit in ruling.hits)
    against = _OTHER[ruling.kind] if votes_against else None
    other = decide(decision.options, against, question.constraints, question.workload).option
    if other is None:
        other = best(decision.passing, lambda entry: True)
    if other is None or other.kind == option.kind:
        return None
    rules = [hit.id for hit in ruling.hits if hit.effect == ruling.kind]
    return Said("would.rule", {"rules": rules, "title": dict(other.title), "quantization": other.sizing.quantization,
                               "hardware": {"device": other.sizing.device, "count": other.sizing.count}})  # fmt: skip
