"""Answers as lines of words: what is said, in which order, apart from how a surface lays it out. Pure.

Everything that comes from outside passes through the surface's ``mark``, which makes it harmless there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import engine
from bot.jobs import Answer
from bot.requests import Lang, Request
from bot.store.queries import HistoryRow, StoredVerdict
from engine.evidence import Evidence
from engine.folklore import contradicted
from engine.identification import Identification, Recommendation
from engine.text import parse_yaml, say
from engine.units import bytes_text
from engine.verdict import Reason, Verdict

Mark = Callable[[object], str]
_EXPECTATIONS = 4


@dataclass(frozen=True, slots=True)
class Part:
    """A titled group of lines; ``quiet`` parts are set small."""

    lines: tuple[str, ...]
    title: str = ""
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """A reply: a headline, one summary line for notifications, and parts in reading order."""

    headline: str
    summary: str
    parts: tuple[Part, ...] = ()
    fields: tuple[str, ...] = field(default=())


def present(answer: Answer, request: Request, mark: Mark, *, prefix: str) -> View:
    """The view of an answer, in the request's language.

    Args:
        prefix: what goes before a verb on this surface (``/r1 `` or ``r1 ``).
    """
    lang = request.lang
    if answer.error is not None:
        sentence = mark(answer.error.sentence(lang))
        return View(words(lang)["error"]["title"], sentence, (Part((sentence,)), *_figures(request, lang)))
    if answer.identification is not None:
        return verdict_view(answer.identification, answer.verdict_id, request, mark, prefix=prefix)
    if answer.recommendation is not None:
        return _recommendation_view(answer.recommendation, request, mark, prefix=prefix)
    if answer.history is not None:
        return _history_view(answer.history, lang, mark, prefix=prefix)
    if answer.explanation is not None:
        return explain_view(answer.explanation, lang, mark)
    return _help_view(request, lang, prefix=prefix)


@cache
def words(lang: str) -> dict[str, Any]:
    """The bot's own words in a language."""
    text = files("bot.templates").joinpath(lang, "words.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = parse_yaml(text)
    return loaded


def working_text(request: Request, mark: Mark) -> str:
    """The line shown while an identification is under way."""
    return str(words(request.lang)["working"]["text"].format(target=mark(request.target)))


def stage_text(lang: Lang, stage: str, done: int, total: int) -> str:
    """How far it is, in a line."""
    said = words(lang)["working"]
    return str(said["stage"].format(done=done, total=total, stage=said["stages"].get(stage, stage)))


def verdict_view(found: Identification, verdict_id: str | None, request: Request, mark: Mark, *, prefix: str) -> View:
    """The verdict: does the claim hold, what is it, why, which to run."""
    lang, verdict = request.lang, found.verdict
    said = words(lang)["verdict"]
    headline = headline_of(verdict, lang, mark)
    sure = said["sure"].format(percent=percent(verdict.confidence), grade=said["grade"][verdict.grade])
    is_line = said["is"][verdict.outcome].format(title=mark(verdict.title))
    fields = [_claim_line(verdict, lang, mark), f"{is_line} – {sure}"]
    if verdict.indistinguishable:
        fields.append(said["alike"].format(names=mark(", ".join(verdict.indistinguishable[:6]))))
    reasons = [reason_text(reason, lang, mark) for reason in (*verdict.contradictions, *verdict.reasons)]
    parts = [
        Part(tuple(reasons), said["why"]),
        Part(tuple(evidence_line(row, lang, mark) for row in found.evidence), said["evidence"]),
        _recommendation_part(found.recommendation, lang, prefix=prefix, of_verdict=True),
        *_figures(request, lang),
    ]
    if found.target.findings:
        seen = [say(f"findings.{entry.code}", lang, **_marked(entry.values, mark)) for entry in found.target.findings]
        parts.append(Part(tuple(seen), said["findings"], quiet=True))
    footer = [f"{said['target']}: {mark(found.target.spec)}", _footer(found, lang)]
    if verdict_id is not None:
        footer.append(said["explain"].format(command=f"`{prefix}explain {verdict_id}`"))
    parts.append(Part(tuple(footer), quiet=True))
    summary = f"{headline} – {sure} – {mark(found.target.spec)}"
    return View(headline, summary, tuple(part for part in parts if part.lines), tuple(fields))


def headline_of(verdict: Verdict, lang: Lang, mark: Mark) -> str:
    """The first line of a reply: whether the claim holds, and what it is."""
    said = words(lang)["verdict"]
    torn = any(reason.code.startswith("contradiction") for reason in verdict.contradictions)
    key = "inconsistent" if verdict.outcome == "inconclusive" and torn else verdict.outcome
    what = said["what"][key].format(title=mark(verdict.title))
    return str(said["headline"][verdict.claim_check].format(what=what))


def _claim_line(verdict: Verdict, lang: Lang, mark: Mark) -> str:
    said = words(lang)["verdict"]
    if verdict.claim is None:
        return str(said["no_claim"])
    claim = verdict.claim
    return str(
        said["claim"].format(
            claimed=mark(" / ".join(claim.variants[:3])),
            where=said["where"][claim.where],
            text=mark(claim.text),
        )
    )


def reason_text(reason: Reason, lang: Lang, mark: Mark) -> str:
    """A reason as a sentence, its group by name."""
    values = _marked(reason.values, mark)
    if "group" in reason.values:
        values["group"] = say(f"reasons.groups.{reason.values['group']}", lang)
    if "groups" in reason.values:
        *most, last = [say(f"reasons.groups.{group}", lang) for group in reason.values["groups"]]
        comma = "、" if lang == "zh" else ", "
        values["groups"] = comma.join(most) + say("reasons.and", lang) + last if most else last
    if "more" in reason.values:
        values["more"] = f" (+{reason.values['more']})" if reason.values["more"] else ""
    return say(f"reasons.{reason.code}", lang, **values)


def evidence_line(row: Evidence, lang: Lang, mark: Mark) -> str:
    """What a probe saw, and how strong it is, in a line."""
    title, strength = say(f"evidence.{row.probe}.title", lang), say(f"evidence.strength.{row.strength}", lang)
    form = f"seen_{row.values['form']}" if row.values.get("form") else "seen"
    return f"*{title}* ({strength}) " + say(f"evidence.{row.probe}.{form}", lang, **_marked(row.values, mark))


def _marked(values: Mapping[str, Any], mark: Mark) -> dict[str, Any]:
    return {name: mark(value) if isinstance(value, str) else value for name, value in values.items()}


def _figures(request: Request, lang: Lang) -> list[Part]:
    tales = contradicted(request.text)
    return [Part(tuple(tale[lang] for tale in tales), words(lang)["verdict"]["figures"])] if tales else []


def _footer(found: Identification, lang: Lang) -> str:
    target = found.target
    return str(
        words(lang)["verdict"]["footer"].format(
            seconds=f"{found.seconds:.2f}",
            read=bytes_text(target.cost.bytes_read),
            tensors=f"{target.tensor_count:,}",
            size=bytes_text(target.weights_size),
        )
    )


def _recommendation_part(advice: Recommendation, lang: Lang, *, prefix: str, of_verdict: bool) -> Part:
    said = words(lang)["recommendation"]
    if advice.choice is None:
        example = "--constraint device=edge --constraint latency=500ms"
        lines = [said["open"].format(example=f"`{prefix}recommend {example}`")]
        if not of_verdict:
            lines.append(said["missing"].format(names=", ".join(said["names"][name] for name in advice.missing)))
        return Part(tuple(lines), said["title"])
    lines = [said[advice.choice]]
    if of_verdict and advice.fits_target is not None:
        lines[0] += " " + said["fits" if advice.fits_target else "fits_not"]
    if advice.conflict:
        lines.append(said["conflict"])
    lines += [f"• {hit.reason[lang]} _({said['for'][hit.effect]}, {hit.id})_" for hit in advice.hits]
    lines += [f"• {said['for']['caution']}: {hit.reason[lang]}" for hit in advice.cautions]
    return Part(tuple(lines), said["title"])


def _recommendation_view(advice: Recommendation, request: Request, mark: Mark, *, prefix: str) -> View:
    part = _recommendation_part(advice, request.lang, prefix=prefix, of_verdict=False)
    headline = words(request.lang)["recommendation"]["title"]
    return View(headline, part.lines[0].replace("*", ""), (Part(part.lines), *_figures(request, request.lang)))


def _history_view(rows: tuple[HistoryRow, ...], lang: Lang, mark: Mark, *, prefix: str) -> View:
    said = words(lang)["history"]
    if not rows:
        text = said["none"].format(example=f"`{prefix}identify deepseek-ai/DeepSeek-R1`")
        return View(said["title"], text, (Part((text,)),))
    lines = [
        said["line"].format(
            when=f"{row.created:%Y-%m-%d %H:%M}",
            id=f"`{row.id}`",
            target=mark(row.target),
            title=words(lang)["verdict"]["what"][row.outcome].format(title=mark(row.title)),
            percent=percent(row.confidence),
            flag=said["misrepresented"] if row.claim_check == "misrepresented" else "",
        )
        for row in rows
    ]
    return View(said["title"], f"{said['title']}: {len(rows)}", (Part(tuple(lines)),))


def explain_view(stored: StoredVerdict, lang: Lang, mark: Mark) -> View:
    """A past verdict: probabilities, then each row of evidence with what was expected and how it fools."""
    said, found = words(lang)["explain"], stored.identification
    headline = said["title"].format(id=stored.id)
    first = headline_of(found.verdict, lang, mark)
    asked = said["asked"].format(when=f"{stored.created:%Y-%m-%d %H:%M} UTC", text=mark(stored.text))
    top = sorted(found.verdict.posterior.items(), key=lambda item: -item[1])[:5]
    bars = [f"`{'█' * round(share * 20):░<20}` {percent(share)} {mark(name)}" for name, share in top]
    parts = [Part((first, asked)), Part(tuple(bars), words(lang)["verdict"]["posterior"])]
    reasons = [reason_text(reason, lang, mark) for reason in (*found.verdict.contradictions, *found.verdict.reasons)]
    parts.append(Part(tuple(reasons), words(lang)["verdict"]["why"]))
    for row in found.evidence:
        lines = [evidence_line(row, lang, mark)]
        for names, shown in _expectations(row, found.verdict):
            lines.append(said["would"].format(names=mark(names), shown=mark(shown)))
        lines.append(said["fooled"].format(how=say(f"evidence.{row.probe}.fooled", lang)))
        parts.append(Part(tuple(lines)))
    today = engine.recompute(found).verdict if found.family in ("deepseek-r1", "article") else None
    if today is not None and (today.outcome, today.variant) != (found.verdict.outcome, found.verdict.variant):
        parts.append(Part((said["recomputed"].format(what=headline_of(today, lang, mark)),)))
    return View(headline, f"{headline}: {first}", tuple(part for part in parts if part.lines))


def _expectations(row: Evidence, verdict: Verdict) -> list[tuple[str, str]]:
    """What the variants would show, those that show the same together; the likeliest first."""
    by_shown: dict[str, list[str]] = {}
    for name in sorted(row.expected, key=lambda name: -verdict.posterior.get(name, 0.0)):
        by_shown.setdefault(row.expected[name], []).append(name)
    listed = [
        (f"{names[0]} (+{len(names) - 1})" if names[1:] else names[0], shown) for shown, names in by_shown.items()
    ]
    return listed[:_EXPECTATIONS]


def _help_view(request: Request, lang: Lang, *, prefix: str) -> View:
    said = words(lang)["help"]
    from engine.catalog import family_names

    lines = [line.format(p=prefix) for line in said["lines"]]
    parts = [Part((said["intro"],)), Part(tuple(lines)), *_figures(request, lang)]
    parts.append(Part((said["constraints"].format(families=", ".join(family_names())),), quiet=True))
    return View(said["title"], said["intro"], tuple(parts))


def percent(share: float) -> str:
    """A probability as a person reads it; never a certainty."""
    return f"{min(share, 0.999):.1%}"
