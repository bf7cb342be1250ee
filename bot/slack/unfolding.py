"""Evidence as it appears: what each stage of an identification saw, as task cards or as lines. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from bot.presentation import stage_text, working_text
from bot.presentation.verdicts import evidence_line, seen_text
from bot.presentation.view import words
from bot.requests import Lang, Request
from bot.slack.blocks import Block, cut, mark, plain
from engine.evidence import Evidence
from engine.identification import Progress
from engine.text import say

Chunk = dict[str, Any]
State = Literal["pending", "in_progress", "complete", "error"]
_TASK_TEXT, _LINES, _LINE = 256, 10, 280  # what a chunk's texts may have; what fits one context block


@dataclass(slots=True)
class Card:
    """A stage: where it is, and what it saw, of which the first ``told`` rows were sent."""

    id: str
    stage: str
    state: State
    rows: list[Evidence] = field(default_factory=list)
    told: int = 0


class Unfolding:
    """What is known so far of one job; cards keep their ids however often it is begun anew."""

    def __init__(self, job_id: str, request: Request) -> None:
        self.job_id, self.request, self.lang = job_id, request, request.lang
        self.cards: list[Card] = []
        self.latest: Progress | None = None
        self._changed: list[str] = []
        self._advance("open")

    def take(self, progress: Progress) -> None:
        """Note a step."""
        self.latest = progress
        if progress.stage == "verdict":
            self.close()
            return
        card = self._advance(progress.stage)
        if progress.evidence is not None:
            card.rows.append(progress.evidence)
        for stage in progress.ahead:
            if all(known.stage != stage for known in self.cards):
                self._add(stage, "pending")

    def close(self, *, failed: bool = False) -> None:
        """All is over: what was under way is complete, or failed; what was only ahead had nothing to see."""
        for card in self.cards:
            if card.state in ("in_progress", "pending"):
                self._set(card, "error" if failed and card.state == "in_progress" else "complete")

    def chunks(self) -> list[Chunk]:
        """What changed since the last call. What a stage saw is sent once, when it is over: Slack adds to what a card
        holds already."""
        changed = [card for card in self.cards if card.id in self._changed]
        self._changed = []
        return [self._chunk(card) for card in changed]

    def again(self) -> None:
        """Have every card's state told once more, where it may not have arrived."""
        self._changed = [card.id for card in self.cards]

    def title(self, *, over: bool = False) -> Chunk:
        """The heading over the cards."""
        return {"type": "plan_update", "title": _heading(self.request, "looked" if over else "looking")}

    def blocks(self) -> tuple[str, list[Block]]:
        """The same where there are no cards: the text and blocks of a message that is edited."""
        text = working_text(self.request, mark)
        if (at := self.latest) is not None:
            text = f"{text} {stage_text(self.lang, at.stage, at.done, at.total)}"
        rows = [row for card in self.cards for row in card.rows][-_LINES:]
        laid_out: list[Block] = [{"type": "section", "text": _mrkdwn(cut(text, 3000))}]
        if rows:
            seen = [_mrkdwn("✓ " + cut(evidence_line(row, self.lang, mark), _LINE)) for row in rows]
            laid_out.append({"type": "context", "elements": seen})
        return text, laid_out

    def _advance(self, stage: str) -> Card:
        """The stage's card, in progress; the stage before it is over. A stage that saw something and is begun again has
        a card for each time."""
        known = [card for card in self.cards if card.stage == stage]
        card = known[-1] if known and not known[-1].told else self._add(stage, "pending")
        for other in self.cards:
            if other is not card and other.state == "in_progress":
                self._set(other, "complete")
        if card.state != "in_progress":
            self._set(card, "in_progress")
        return card

    def _add(self, stage: str, state: State) -> Card:
        card = Card(f"{self.job_id}.{len(self.cards)}", stage, state)
        self.cards.append(card)
        self._changed.append(card.id)
        return card

    def _set(self, card: Card, state: State) -> None:
        card.state = state
        self._changed.append(card.id)

    def _chunk(self, card: Card) -> Chunk:
        chunk: Chunk = {"type": "task_update", "id": card.id, "title": _title(card, self.lang), "status": card.state}
        if card.state == "complete" and len(card.rows) > card.told:
            seen = " ".join(_seen(row, card.stage, self.lang) for row in card.rows[card.told :])
            chunk["output"] = cut(seen, _TASK_TEXT)
            card.told = len(card.rows)
        return chunk


def _heading(request: Request, tense: str) -> str:
    said = words(request.lang)["answering"][tense]
    form = said["both" if request.verb == "compare" and request.other else "one"]
    return cut(form.format(target=_plain(request.target), other=_plain(request.other)), _TASK_TEXT)


def _title(card: Card, lang: Lang) -> str:
    if card.stage == "open":
        text = str(words(lang)["answering"]["first_look"])
    else:
        text = str(words(lang)["working"]["stages"].get(card.stage, card.stage))
    return cut(text[:1].upper() + text[1:], _TASK_TEXT)


def _seen(row: Evidence, stage: str, lang: Lang) -> str:
    seen = seen_text(row, lang, _coded).replace("*", "")
    if row.probe == stage:
        return seen
    title = say(f"evidence.{row.probe}.title", lang)
    return str(words(lang)["answering"]["row"].format(title=title, seen=seen))


def _coded(value: object) -> str:
    """As ``mark``, where entities are not read: cards are Markdown."""
    marked = mark(value)
    return f"`{plain(marked)}`" if marked.startswith("`") else marked


def _plain(value: object) -> str:
    return plain(mark(value))


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}
