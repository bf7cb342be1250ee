"""A verdict in words: does the claim hold, what is it, why, which to run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.presentation.conversation import verdict_buttons
from bot.presentation.recommendations import recommendation_part
from bot.presentation.view import Mark, Part, View, marked, percent, words
from bot.requests import Lang, Request
from engine.errors import R1Error
from engine.evidence import Evidence
from engine.folklore import contradicted
from engine.identification import Identification
from engine.targets.target import Finding
from engine.text import say
from engine.units import bytes_text
from engine.verdict import Reason, Verdict


def verdict_view(found: Identification, verdict_id: str | None, request: Request, mark: Mark, *, prefix: str) -> View:
    """The verdict: does the claim hold, what is it, why, which to run."""
    lang, verdict = request.lang, found.verdict
    said = words(lang)["verdict"]
    headline, sure = headline_of(verdict, lang, mark), sure_text(verdict, lang)
    reasons = [reason_text(reason, lang, mark) for reason in (*verdict.contradictions, *verdict.reasons)]
    parts = [
        Part(tuple(reasons), said["why"]),
        Part(tuple(evidence_line(row, lang, mark) for row in found.evidence), said["evidence"]),
        recommendation_part(found.recommendation, lang, mark, prefix=prefix),
        *figures(request, lang),
    ]
    if found.target.findings:
        seen = tuple(finding_line(entry, lang, mark) for entry in found.target.findings)
        parts.append(Part(seen, said["findings"], quiet=True))
    footer = [f"{said['target']}: {mark(found.target.spec)}", _footer(found, lang)]
    if verdict_id is not None:
        footer.append(said["explain"].format(command=f"`{prefix}explain {verdict_id}`"))
    parts.append(Part(tuple(footer), quiet=True))
    summary = f"{headline} – {sure} – {mark(found.target.spec)}"
    return View(
        headline,
        summary,
        tuple(part for part in parts if part.lines or part.code),
        said_lines(verdict, lang, mark),
        buttons=verdict_buttons(verdict_id, lang) if verdict_id is not None else (),
        judged=verdict_id,
    )


def said_lines(verdict: Verdict, lang: Lang, mark: Mark) -> tuple[str, ...]:
    """What it claims to be, what it is and how sure that is, and what it cannot be told from."""
    said = words(lang)["verdict"]
    is_line = said["is"]["filler" if _is_filler(verdict) else verdict.outcome].format(title=_title(verdict, lang, mark))
    lines = [_claim_line(verdict, lang, mark), f"{is_line} – {sure_text(verdict, lang)}"]
    if verdict.indistinguishable and " / " not in verdict.title:
        lines.append(said["alike"].format(names=mark(", ".join(verdict.indistinguishable[:6]))))
    return tuple(lines)


def sure_text(verdict: Verdict, lang: Lang) -> str:
    """How sure it is, in per cent and in words."""
    said = words(lang)["verdict"]
    return str(said["sure"].format(percent=percent(verdict.confidence), grade=said["grade"][verdict.grade]))


def headline_of(verdict: Verdict, lang: Lang, mark: Mark) -> str:
    """The first line of a reply: whether the claim holds, and what it is."""
    what = what_text(verdict, lang, mark)
    return str(words(lang)["verdict"]["headline"][verdict.claim_check].format(what=what))


def what_text(verdict: Verdict, lang: Lang, mark: Mark) -> str:
    """What it is, in a few words."""
    torn = any(reason.code.startswith("contradiction") for reason in verdict.contradictions)
    key: str = "inconsistent" if verdict.outcome == "inconclusive" and torn else verdict.outcome
    if _is_filler(verdict):
        key = "filler"
    return str(words(lang)["verdict"]["what"][key].format(title=_title(verdict, lang, mark)))


def _is_filler(verdict: Verdict) -> bool:
    return any(reason.code.startswith("filler") for reason in verdict.reasons)


def _title(verdict: Verdict, lang: Lang, mark: Mark) -> str:
    return mark(verdict.title) if verdict.title != "?" else str(words(lang)["verdict"]["unknown"])


def finding_line(finding: Finding, lang: Lang, mark: Mark) -> str:
    """Something else worth telling, as a sentence; errors and questions in it by their own words."""
    shown = _with_problem(finding.values, lang)
    stages = words(lang)["working"]["stages"]
    for name in ("question", "ask"):
        if name in shown:
            shown[name] = stages.get(shown[name], shown[name])
    return say(f"findings.{finding.code}", lang, **marked(shown, mark))


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
    values = marked(reason.values, mark)
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
    return f"*{title}* ({strength}) {seen_text(row, lang, mark)}"


def seen_text(row: Evidence, lang: Lang, mark: Mark) -> str:
    """What a probe saw, as a sentence."""
    form = f"seen_{row.values['form']}" if row.values.get("form") else "seen"
    values = _with_problem(row.values, lang)
    return say(f"evidence.{row.probe}.{form}", lang, **marked(values, mark))


def _with_problem(values: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    """An error among the values, as its sentence."""
    shown = {name: value for name, value in values.items() if name not in ("code", "values")}
    if "code" in values:
        shown["problem"] = R1Error(values["code"], **values.get("values", {})).sentence(lang)
    return shown


def figures(request: Request, lang: Lang) -> list[Part]:
    """What published configurations say about figures that the question cites."""
    tales = contradicted(request.text)
    return [Part(tuple(tale[lang] for tale in tales), words(lang)["verdict"]["figures"])] if tales else []


def _footer(found: Identification, lang: Lang) -> str:
    """What the answer took: bytes of headers read, or requests and tokens of an endpoint."""
    target, said = found.target, words(lang)["verdict"]
    if target.kind == "endpoint":
        return str(
            said["footer_endpoint"].format(
                seconds=f"{found.seconds:.1f}",
                requests=f"{target.cost.requests:,}",
                prompt=f"{target.cost.prompt_tokens:,}",
                completion=f"{target.cost.completion_tokens:,}",
            )
        )
    return str(
        said["footer"].format(
            seconds=f"{found.seconds:.2f}",
            read=bytes_text(target.cost.bytes_read),
            tensors=f"{target.tensor_count:,}",
            size=bytes_text(target.weights_size),
        )
    )
