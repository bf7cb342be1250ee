"""The written scenarios: read from YAML, asked, and what came held against what was expected."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import engine
from engine.choosing.wording import sentence
from engine.errors import UsageError
from engine.identification import Option, Recommendation

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "zh")
Answer = Recommendation | UsageError
_PROGRAMS = {
    "vllm": ("vllm",),
    "vllm-ascend": ("vllm",),
    "sglang": ("sglang.launch_server", "sglang"),
    "llama.cpp": ("llama-server",),
    "ollama": ("ollama",),
    "mlx": ("mlx_lm.server",),
    "mindie": ("mindieservice_daemon", "./bin/mindieservice_daemon"),
}
"""What a command of each serving software runs."""
_KNOWN = {"id", "text", "repeat", "constraints", "lang", "choice", "variants", "quantizations", "rules", "silent", "conflict",
          "missing_first", "excluded", "error", "unread", "on", "never", "understood", "why"}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """What somebody asks, and what an infrastructure lead would answer.

    Attributes:
        theme: the file it is written in.
        pair: the same in both languages share it.
        variants, quantizations: acceptable ones; empty: only the kind matters.
        understood: constraints that must have been read (numbers within 5 %), or must not (``None``).
        never: variants that no expert would take.
        on: how the id of the device begins that it must run on.
        rules: must be named among hits or cautions; ``silent``: must not.
        conflict: whether the rules disagree; ``None``: either.
        excluded: why a variant is out, by its id.
        refused: instead of an answer a sentence comes, which holds one of these names of the field.
        unread: one of these stands in what was not understood.
    """

    id: str
    theme: str
    pair: str
    lang: str
    text: str
    constraints: Mapping[str, Any]
    choice: str | None
    variants: tuple[str, ...]
    quantizations: tuple[str, ...]
    rules: tuple[str, ...]
    silent: tuple[str, ...]
    conflict: bool | None
    missing_first: str | None
    excluded: Mapping[str, str]
    refused: tuple[str, ...]
    unread: tuple[str, ...]
    on: str
    never: tuple[str, ...]
    understood: Mapping[str, Any]
    why: str


def cases() -> tuple[Case, ...]:
    """Every case; one written in two languages is two.

    Raises:
        AssertionError: a case is written wrongly.
    """
    read = [case for path in sorted(FOLDER.glob("*.yaml")) for case in _of_file(path)]
    assert len({case.id for case in read}) == len(read), "two cases have one id"
    return tuple(read)


def pairs() -> tuple[tuple[Case, Case], ...]:
    """The same scenario in English and in Chinese."""
    by_pair: dict[str, list[Case]] = {}
    for case in cases():
        by_pair.setdefault(case.pair, []).append(case)
    return tuple((found[0], found[1]) for found in by_pair.values() if len(found) == 2)


def wordings() -> tuple[tuple[str, str, str], ...]:
    """``(id, first wording, another wording)`` of one and the same question."""
    groups = yaml.safe_load((FOLDER / "wording.yaml").read_text(encoding="utf-8"))["groups"]
    return tuple((f"{group['id']}-{n}", group["texts"][0], other)
                 for group in groups for n, other in enumerate(group["texts"][1:], start=1))  # fmt: skip


def _of_file(path: Path) -> Iterator[Case]:
    for entry in yaml.safe_load(path.read_text(encoding="utf-8")).get("cases", ()):
        unknown = set(entry) - _KNOWN
        assert not unknown and entry.get("why") and ("choice" in entry) != ("error" in entry), (
            path.name,
            entry["id"],
            unknown,
        )
        text = entry.get("text", "")
        both = isinstance(text, dict)
        for lang in LANGUAGES if both else (entry["lang"],):
            yield Case(
                id=f"{entry['id']}-{lang}" if both else entry["id"],
                theme=path.stem,
                pair=entry["id"],
                lang=lang,
                text=(text[lang] if both else text) * entry.get("repeat", 1),
                constraints=entry.get("constraints") or {},
                choice=entry.get("choice"),
                variants=tuple(entry.get("variants", ())),
                quantizations=tuple(entry.get("quantizations", ())),
                rules=tuple(entry.get("rules", ())),
                silent=tuple(entry.get("silent", ())),
                conflict=entry.get("conflict"),
                missing_first=entry.get("missing_first"),
                excluded=entry.get("excluded", {}),
                refused=tuple(entry.get("error", {}).get("names", ())),
                unread=tuple(entry.get("unread", ())),
                on=entry.get("on", ""),
                never=tuple(entry.get("never", ())),
                understood=entry.get("understood", {}),
                why=entry["why"],
            )


def answer(case: Case) -> Answer:
    try:
        return engine.recommend(case.constraints, scenario=case.text)
    except UsageError as error:
        return error


def disagreements(case: Case, found: Answer) -> list[str]:
    """What came otherwise than expected; empty where they agree."""
    if isinstance(found, UsageError):
        return list(_refusal(case, found))
    if case.refused:
        return [f"expected a sentence that names {' or '.join(case.refused)}, got an answer"]
    return [*_choice(case, found), *_rules(case, found), *_rest(case, found)]


def _refusal(case: Case, error: UsageError) -> Iterator[str]:
    if not case.refused:
        yield f"expected an answer, got the sentence: {error.sentence('en')}"
        return
    for lang in LANGUAGES:
        words = error.sentence(lang)
        if not any(name in words for name in case.refused):
            yield f"the sentence in {lang} names none of {case.refused}: {words}"
        if len(words) > 400 or "\n" in words:
            yield f"no sentence: {words[:200]}"


def _choice(case: Case, found: Recommendation) -> Iterator[str]:
    option = found.option
    if found.choice != case.choice:
        yield f"choice: expected {case.choice}, got {found.choice}"
    if case.variants and (option is None or option.variant not in case.variants):
        yield f"variant: expected {' or '.join(case.variants)}, got {shown(option)}"
    if case.on and option is not None and not option.sizing.device.startswith(case.on):
        yield f"hardware: expected {case.on}, got {shown(option)}"
    if option is not None and option.variant in case.never:
        yield f"variant: not expected at all, {shown(option)}"
    if case.quantizations and (option is None or option.sizing.quantization not in case.quantizations):
        yield f"quantisation: expected {' or '.join(case.quantizations)}, got {shown(option)}"


def _rules(case: Case, found: Recommendation) -> Iterator[str]:
    named = {hit.id for hit in (*found.hits, *found.cautions)}
    for rule in case.rules:
        if rule not in named:
            yield f"rule {rule} did not speak"
    for rule in case.silent:
        if rule in named:
            yield f"rule {rule} spoke and should not"
    if case.conflict is not None and found.conflict != case.conflict:
        yield f"conflict: expected {case.conflict}, got {found.conflict}"


def _rest(case: Case, found: Recommendation) -> Iterator[str]:
    if case.missing_first is not None and found.missing[:1] != (case.missing_first,):
        yield f"asked for first: expected {case.missing_first}, got {found.missing}"
    out = {option.variant: [said.code for said in option.fails] for option in found.excluded}
    for variant, code in case.excluded.items():
        if code not in out.get(variant, ()):
            yield f"excluded: expected {variant} by {code}, got {out.get(variant)}"
    for name, value in case.understood.items():
        if not _is_about(found.constraints.get(name), value):
            yield f"understood: expected {name} {value}, got {found.constraints.get(name)}"
    if case.unread and not any(word in phrase for word in case.unread for phrase in found.unread):
        yield f"unread: expected {' or '.join(case.unread)}, got {found.unread}"


def _is_about(found: Any, expected: Any) -> bool:
    if isinstance(expected, int | float) and isinstance(found, int | float):
        return abs(found - expected) <= 0.05 * expected
    return bool(found == expected)


def unexplained(found: Recommendation) -> Iterator[str]:
    """What an explanation lacks: reasons in both languages, demands met by what is chosen, a command that parses."""
    for hit in (*found.hits, *found.cautions):
        if not all(hit.reason.get(lang, "").strip() for lang in LANGUAGES) or not hit.source:
            yield f"rule {hit.id} lacks a reason in a language, or its source"
    told = (*found.reasons, *found.risks, *found.counterfactuals, *found.assumed)
    told += tuple(said for option in found.excluded for said in option.fails)
    for said in told:
        for lang in LANGUAGES:
            words = sentence(said, lang)
            if not words.strip() or "{" in words or "None" in words:
                yield f"{said.code} says nothing sensible in {lang}: {words!r}"
    if any(not option.fails for option in found.excluded):
        yield "something is excluded without a reason"
    if found.choice is None:
        yield from _open(found)
    else:
        yield from _chosen(found)


def _open(found: Recommendation) -> Iterator[str]:
    if found.option is not None or found.command is not None or found.reasons:
        yield "nothing is chosen, and yet there is an option, a command or a reason"
    if not found.missing and not found.excluded:
        yield "nothing is chosen, nothing is asked for, and nothing says why"


def _chosen(found: Recommendation) -> Iterator[str]:
    option, command = found.option, found.command
    if option is None or command is None:
        yield "a choice without an option or a command"
        return
    if option.kind != found.choice or option.fails or not option.sizing.fits:
        yield f"the option is not of the kind chosen, or does not meet the demands: {shown(option)}"
    if len(found.reasons) != 3:
        yield f"{len(found.reasons)} reasons instead of three"
    if found.runner_up is not None and found.runner_up.fails:
        yield f"the runner-up does not meet the demands: {shown(found.runner_up)}"
    if not any(hit.effect == "caution" for hit in found.cautions):
        yield "no pitfall is told"
    if found.hits and {hit.effect for hit in found.hits} == {"full", "distilled"} and not found.conflict:
        yield "rules disagree and no conflict is shown"
    try:
        parts = shlex.split(command.text, comments=True)
    except ValueError as error:
        parts = []
        yield f"the command does not parse: {error}"
    if len(parts) < 3 or not any(program in parts for program in _PROGRAMS.get(command.engine, ())):
        yield f"the command does not start {command.engine}: {command.text}"


def explained(case: Case, found: Answer) -> str:
    """The case and what came, for whoever reads a failure."""
    asked = f"{case.id}: {case.text[:200]!r} {dict(case.constraints)}\n  expected because {case.why}"
    if isinstance(found, UsageError):
        return f"{asked}\n  refused: {found.code}: {found.sentence('en')[:300]}"
    out = "; ".join(f"{option.variant} {option.sizing.quantization}: {', '.join(said.code for said in option.fails)}"
                    for option in found.excluded)  # fmt: skip
    return (
        f"{asked}\n  understood: { ({k: v for k, v in found.constraints.items() if k != 'scenario'}) }"
        f"\n  chosen: {found.choice}, {shown(found.option)}; runner-up {shown(found.runner_up)}; asks {found.missing}"
        f"\n  rules: {[f'{hit.id} ({hit.effect}, {hit.priority})' for hit in (*found.hits, *found.cautions)]}"
        f"\n  excluded: {out or 'none'}\n  unread: {found.unread}"
    )


def named(option: Option | None) -> tuple[object, ...]:
    """What is run on what."""
    if option is None:
        return ()
    return option.variant, option.sizing.quantization, option.sizing.device, option.sizing.count, option.sizing.engine


def shown(option: Option | None) -> str:
    if option is None:
        return "nothing"
    sizing = option.sizing
    return (
        f"{option.variant} {sizing.quantization} on {sizing.count}×{sizing.device} ({sizing.engine}; quality "
        f"{option.quality:.1f}, ttft {sizing.ttft.value:.3g} s, tpot {sizing.tpot.value * 1000:.3g} ms, score {option.score:.3g})"
    )
