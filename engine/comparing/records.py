"""What a comparison is made of: a task's cases, two models' answers, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["classification", "qa", "summary", "terms", "maths", "rubric", "script"]
"""How answers are scored. Long documents are a matter of a case's length, not of a kind: they are ``qa``, mostly."""
Language = Literal["en", "zh"]
Side = Literal["a", "b"]
Group = Literal["quality", "features", "speed"]


@dataclass(frozen=True, slots=True)
class Case:
    """One question of a task.

    Attributes:
        prompt: all that the model is asked, the task's instruction and the document included.
        answers: what is right: labels, accepted answers, reference summaries, a result.
        terms: for ``terms``: what has to be said, each with its synonyms.
        steps: for ``maths``: what a complete derivation mentions, each with other ways to write it.
        points: what a good answer covers, each with other words for it; for the table of what was omitted.
        given: the case as it stood in the file, for scripts and rubrics.
    """

    id: str
    prompt: str
    answers: tuple[str, ...] = ()
    terms: tuple[tuple[str, ...], ...] = ()
    steps: tuple[tuple[str, ...], ...] = ()
    points: tuple[tuple[str, ...], ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """A user's own work, or a part of it.

    Attributes:
        labels: for ``classification``.
        rubric: for ``rubric``: what a judge goes by.
        script: for ``script``: Python source, with ``check(case, answer)``.
        max_tokens: of one answer, thoughts included.
        system: said to the model before each case; empty for none.
    """

    name: str
    kind: Kind
    language: Language
    cases: tuple[Case, ...]
    labels: tuple[str, ...] = ()
    rubric: str = ""
    script: str = ""
    system: str = ""
    max_tokens: int = 2_048


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered to one case.

    Attributes:
        text: without its thoughts, which are ``reasoning``.
        seconds: from request to end. ``first``: to the first token, ``None`` where nothing was streamed.
        failed: why there is none: code of an error. A failed case scores nothing on either side and is told apart.
        cut: it ran into ``max_tokens``.
        cached: it was known already, and cost nothing; its times are those of then.
    """

    case: str
    text: str = ""
    reasoning: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    first: float | None = None
    failed: str = ""
    cut: bool = False
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: a metric of both models, and how they differ.

    Attributes:
        metric: name, such as ``f1``, ``em``, ``rouge_l``, ``terms``, ``sentences_per_second``; its words are in templates.
        group: ``quality``, ``features`` or ``speed``.
        low, high: of ``b - a``, at 95 %; ``None`` with fewer than two cases.
        relative: (b - a) / a; ``None`` where a is 0.
        p: corrected for how many quality metrics there are; ``None`` where nothing is tested.
        effect: the difference in standard deviations of the cases' differences.
        better: whether more is better: ``None`` where that is a matter of taste, as for length.
        cases: that were scored on both sides.
        needed: cases that would show the gap that was looked for, at 80 % power.
        enough: whether the data say whether there is such a gap: it is shown, or ruled out.
    """

    metric: str
    group: Group
    a: float
    b: float
    low: float | None
    high: float | None
    relative: float | None
    p: float | None
    effect: float | None
    better: bool | None
    cases: int
    needed: int | None = None
    enough: bool = True


@dataclass(frozen=True, slots=True)
class Omission:
    """What one of the answers to a case left out though the other, or the case, has it."""

    case: str
    side: Side
    point: str


Decision = Literal["a", "b", "alike", "trade", "more_data"]
"""Take a, or b; they are as good as each other; one is better and the other cheaper or faster; it is not known yet."""
Ended = Literal["all", "decided", "hopeless", "budget", "cancelled"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison came to.

    Attributes:
        a, b: what was compared, without secrets.
        main: the metric by which it is decided.
        gap: the smallest difference of the main metric that matters, in its units.
        answers: by side, in the order of the cases.
        scores: by metric and side, a value per case that was answered, by case id.
        agreement: of a judge with itself when the answers change places, 0..1; ``None`` without a judge.
        cost: tokens, requests and seconds by side; cached answers cost none.
    """

    task: str
    kind: Kind
    a: str
    b: str
    main: str
    gap: float
    lines: tuple[Line, ...]
    decision: Decision
    ended: Ended
    asked: int
    cases: int
    answers: Mapping[Side, tuple[Answer, ...]] = field(default_factory=dict)
    scores: Mapping[str, Mapping[Side, Mapping[str, float]]] = field(default_factory=dict)
    omissions: tuple[Omission, ...] = ()
    agreement: float | None = None
    cost: Mapping[Side, Mapping[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """How far a comparison is: cases that both models answered, of how many at most, and tokens so far."""

    done: int
    total: int
    tokens: int
