"""A recommendation in words: the choice, its figures and reasons, what was left out, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator

from bot.presentation.quantities import by_language, constraint_text, cost_text, rate_range, seconds_range
from bot.presentation.view import Mark, Part, View, words
from bot.requests import Lang
from engine.choosing.wording import (
    benchmarks_text,
    dollars_text,
    hardware_text,
    quantization_text,
    seconds_text,
    sentence,
)
from engine.identification import Option, Recommendation, RuleHit, Said
from engine.sized import Sizing
from engine.units import bytes_text

_LEFT_OUT, _REASONS, _WAYS = 8, 3, 2
"""How many variants left out are told, how many reasons, and how many ways out beside a verdict."""


def recommendation_view(advice: Recommendation, lang: Lang, mark: Mark, *, prefix: str) -> View:
    """A recommendation that stands alone."""
    said = words(lang)["recommendation"]
    option = advice.option
    parts = [*_parts(advice, lang, mark), *_asked_for(advice, lang, prefix=prefix), *_heard(advice, lang, mark)]
    kept = tuple(part for part in parts if part.lines or part.code)
    if option is not None:
        headline = said["run"].format(what=option_text(option, lang, mark))
        figures = figures_lines(option.sizing, lang)
        return View(headline, f"{headline} – {figures[0]}", kept, (*figures, _quality_line(option, lang)))
    if advice.choice is not None:  # what versions before sizing kept
        return View(said["title"], said[advice.choice].replace("*", ""), kept, (said[advice.choice],))
    headline = said["none" if is_impossible(advice) else "ask"]
    return View(headline, headline, kept)


def recommendation_part(advice: Recommendation, lang: Lang, mark: Mark, *, prefix: str) -> Part:
    """A recommendation beside a verdict: the choice, why, what the named model means, and the command."""
    said = words(lang)["recommendation"]
    if is_impossible(advice):
        lines = [f"*{said['none']}*", *_left_out(advice.excluded[:_REASONS], lang, mark)]
        lines += [f"→ {sentence(way, lang)}" for way in advice.counterfactuals[:_WAYS]]
        return Part(tuple(lines), said["title"])
    if advice.choice is None:
        return Part((said["open"].format(example=f"`{prefix}{said['example']}`"),), said["title"])
    option, command = advice.option, advice.command
    run = f"*{said['run'].format(what=option_text(option, lang, mark))}*" if option is not None else said[advice.choice]
    if advice.fits_target is not None and advice.meaning is None:
        run += " " + said["fits" if advice.fits_target else "fits_not"]
    lines = [run, *(figures_lines(option.sizing, lang) if option is not None else [])]
    if advice.meaning is not None:
        lines.append(sentence(advice.meaning, lang))
    lines += [f"• {_reason(reason, lang)}" for reason in advice.reasons[:_REASONS]]
    lines += list(_conflict(advice, lang))
    if not advice.reasons:
        lines += _hits(advice, lang)
        lines += [f"• {said['for']['caution']}{said['of']}{by_language(hit.reason, lang)}" for hit in advice.cautions]
    return Part(tuple(lines), said["title"], code=command.text if command is not None else "")


def is_impossible(advice: Recommendation) -> bool:
    """Whether something was tried, and nothing meets the demands."""
    return advice.choice is None and bool(advice.excluded) and all(option.fails for option in advice.options)


def option_text(option: Option, lang: Lang, mark: Mark, *, bold: bool = False) -> str:
    """``R1-Distill-Qwen-32B, AWQ 4-bit, on 2×RTX 4090``; the model in bold where it stands among others – but not in
    Chinese, where Slack knows no bold without spaces around it."""
    sizing, model = option.sizing, mark(by_language(option.title, lang))
    text: str = words(lang)["recommendation"]["choice"].format(
        model=f"*{model}*" if bold and lang == "en" else model,
        quantization=mark(quantization_text(sizing.quantization, lang)),
        hardware=mark(hardware_text(sizing.device, sizing.count)),
    )
    return text


def figures_lines(sizing: Sizing, lang: Lang) -> tuple[str, str]:
    """How it will run, each estimate with its range: how fast, and in what room for how much."""
    said = words(lang)["recommendation"]["figures"]
    copies = sizing.layout.replicas
    used, has = bytes_text(sizing.memory.needed * copies), bytes_text(sizing.memory.capacity * copies)
    if used.rpartition(" ")[2] == has.rpartition(" ")[2]:
        used = used.rpartition(" ")[0]
    speed = (
        said["ttft"].format(value=seconds_range(sizing.ttft)),
        said["tpot"].format(value=seconds_range(sizing.tpot)),
        said["throughput"].format(value=rate_range(sizing.throughput)),
    )
    room = (
        said["memory"].format(used=used, has=has),
        said["requests"].format(value=f"{sizing.max_concurrency:,}"),
        cost_text(sizing.cost, lang),
    )
    return " · ".join(speed), " · ".join(room)


def _quality_line(option: Option, lang: Lang) -> str:
    said = words(lang)["recommendation"]
    quality: str = said["figures"]["quality"].format(value=f"{option.quality:.1f}")
    if not option.benchmarks:
        return quality
    return f"{quality} · {said['quality_from'].format(benchmarks=benchmarks_text(option.benchmarks, lang))}"


def _parts(advice: Recommendation, lang: Lang, mark: Mark) -> Iterator[Part]:
    titles = words(lang)["recommendation"]["parts"]
    nothing = advice.choice is None
    if nothing:
        yield Part(tuple(_left_out(advice.excluded, lang, mark)), titles["unmet"])
        yield Part(tuple(f"• {sentence(way, lang)}" for way in advice.counterfactuals), titles["would_do"])
    reasons = (f"{number}. {_reason(reason, lang)}" for number, reason in enumerate(advice.reasons, start=1))
    yield Part(tuple(reasons), titles["why"])
    yield Part((*_hits(advice, lang), *_conflict(advice, lang)), titles["rules"])
    if advice.meaning is not None:
        yield Part((sentence(advice.meaning, lang),), titles["meaning"])
    if advice.runner_up is not None:
        yield Part((_beside(advice.runner_up, advice.option, lang, mark),), titles["runner_up"])
    if not nothing:
        yield Part(tuple(_left_out(advice.excluded, lang, mark)), titles["left_out"])
    mind = [f"• {sentence(risk, lang)}" for risk in advice.risks]
    mind += [f"• {by_language(hit.reason, lang)} _({hit.id})_" for hit in advice.cautions]
    yield Part(tuple(mind), titles["mind"])
    if advice.command is not None:
        notes = tuple(f"• {sentence(note, lang)}" for note in advice.command.notes)
        yield Part((), titles["command"], code=advice.command.text, after=notes)
    if not nothing:
        yield Part(tuple(f"• {sentence(way, lang)}" for way in advice.counterfactuals), titles["change"])


def _reason(reason: Said, lang: Lang) -> str:
    """A reason as its sentence; a rule's with the rule's name."""
    rule = reason.values.get("rule")
    return sentence(reason, lang) + (f" _({rule})_" if rule else "")


def _hits(advice: Recommendation, lang: Lang) -> list[str]:
    """A line a rule; what stands among the reasons already is not said again."""
    said = words(lang)["recommendation"]
    told = {reason.values.get("rule"): number for number, reason in enumerate(advice.reasons, start=1)}
    return [
        f"• {said['see'].format(number=told[hit.id]) if hit.id in told else by_language(hit.reason, lang)}"
        f" _({said['for'][hit.effect]}, {hit.id})_"
        for hit in advice.hits
    ]


def _conflict(advice: Recommendation, lang: Lang) -> Iterator[str]:
    """Both sides of a conflict, and which rule decides it."""
    if not advice.conflict:
        return
    said = words(lang)["recommendation"]
    sides: dict[str, list[RuleHit]] = {"full": [], "distilled": []}
    for hit in advice.hits:
        sides[hit.effect].append(hit)
    if not all(sides.values()):
        yield str(said["conflict"])
        return
    winner, loser = sorted(
        (max(side, key=lambda hit: hit.priority) for side in sides.values()), key=lambda hit: -hit.priority
    )
    if winner.priority == loser.priority:
        winner = advice.hits[0]
    comma = "、" if lang == "zh" else ", "
    named = {kind: comma.join(hit.id for hit in side) for kind, side in sides.items()}
    form = "sides" if winner.priority > loser.priority else "sides_equal"
    yield said[form].format(**named, winner=winner.id, high=winner.priority, low=loser.priority)


def _left_out(excluded: tuple[Option, ...], lang: Lang, mark: Mark) -> Iterator[str]:
    """A line a variant: the best that could be had of it, and each demand that this fails."""
    colon, stop = words(lang)["recommendation"]["of"], "；" if lang == "zh" else "; "
    for option in excluded[:_LEFT_OUT]:
        fails = stop.join(sentence(fail, lang).rstrip(".。") for fail in option.fails)
        yield f"• {option_text(option, lang, mark, bold=True)}{colon}{fails}"
    if len(excluded) > _LEFT_OUT:
        yield f"… +{len(excluded) - _LEFT_OUT}"


def _beside(other: Option, option: Option | None, lang: Lang, mark: Mark) -> str:
    """The runner-up, each figure with its difference from the choice in brackets."""
    said = words(lang)["recommendation"]
    figures, mine, chosen = said["figures"], other.sizing, option.sizing if option is not None else None
    points = _more(other.quality, option.quality if option is not None else None, lang)
    shown = [figures["quality"].format(value=f"{other.quality:.1f}{points}")]
    for name in ("ttft", "tpot"):
        value = getattr(mine, name).value
        times = _times(value, getattr(chosen, name).value if chosen is not None else None, lang)
        shown.append(figures[name].format(value=f"{seconds_text(value)}{times}"))
    if mine.cost is not None:
        beside = chosen.cost.value if chosen is not None and chosen.cost is not None else None
        shown.append(f"{dollars_text(mine.cost.value)}/h{_times(mine.cost.value, beside, lang)}")
    return f"{option_text(other, lang, mark, bold=True)}{said['of']}{' · '.join(shown)}"


def _more(value: float, beside: float | None, lang: Lang) -> str:
    if beside is None:
        return ""
    return f" ({value - beside:+.1f})" if abs(value - beside) >= 0.05 else f" ({words(lang)['recommendation']['same']})"


def _times(value: float, beside: float | None, lang: Lang) -> str:
    """How many times as much as the choice's figure."""
    if not beside:
        return ""
    ratio = value / beside
    return f" (×{ratio:.2g})" if abs(ratio - 1) >= 0.02 else f" ({words(lang)['recommendation']['same']})"


def _asked_for(advice: Recommendation, lang: Lang, *, prefix: str) -> Iterator[Part]:
    """What to tell next, each with an example; where nothing was chosen, a whole command to paste."""
    said = words(lang)["recommendation"]
    lines = []
    if advice.choice is None and not is_impossible(advice):
        told = any(name != "scenario" for name in advice.constraints)
        lines.append(said["open_with" if told else "open"].format(example=f"`{prefix}{said['example']}`"))
    lines += [
        said["ask_line"].format(
            name=said["names"].get(name, name), example=said["examples"].get(name, f"--constraint {name}=…")
        )
        for name in advice.missing
    ]
    yield Part(tuple(lines), said["parts"]["next" if advice.choice is not None else "ask"])


def _heard(advice: Recommendation, lang: Lang, mark: Mark) -> Iterator[Part]:
    """What was understood, what was not, and what was assumed: so that a misreading is seen."""
    said = words(lang)["recommendation"]
    titles, names, colon = said["parts"], said["names"], said["of"]
    heard = [
        f"{names.get(name, mark(name))}{colon}{constraint_text(name, value, lang, mark)}"
        for name, value in advice.constraints.items()
        if name != "scenario"
    ]
    yield Part(tuple(heard), titles["understood"], quiet=True)
    unread = (mark(phrase) if phrase.startswith("“") else f"“{mark(phrase)}”" for phrase in advice.unread)
    yield Part(tuple(unread), titles["unread"], quiet=True)
    yield Part(tuple(sentence(fact, lang).rstrip(".。") for fact in advice.assumed), titles["assumed"], quiet=True)
