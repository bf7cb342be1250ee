"""Prints how many held-out utterances are understood, by theme and language, and every expensive action nobody asked for.

python tests/benchmarks/understanding.py [--wrong]

Each message of a thread is read after the one before it, whose request it may go on with; what was told by a verdict is
looked for by its target. "three": intent, target and constraints; "whole": the schedule as well, what is asked for, and
that an expensive action is confirmed first, or was typed as a command. "unasked": it would do, or propose to do, what
nobody asked for.

`--wrong` lists each utterance that is not understood whole.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from bot.commands import parse
from bot.requests import Earlier, Request, Schedule
from engine.constraints.settling import settle
from engine.errors import UsageError
from tests.bot.utterances.loading import TODAY, Utterance, hardware, utterances


@dataclass(frozen=True, slots=True)
class Read:
    """What the code takes an utterance for. ``target`` is the verdict's id for ``explain`` and ``report``."""

    intent: str
    target: str | tuple[str, str] | None = None
    action: str | None = None
    constraints: Mapping[str, Any] | None = None
    thorough: bool = False
    schedule: Mapping[str, Any] | None = None
    ask: str | None = None
    sure: bool = True
    free: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    theme: str
    said: Utterance
    read: Read
    intent: bool
    target: bool
    constraints: bool
    three: bool
    whole: bool
    unasked: bool


def main() -> None:
    read(Utterance(id="warm", lang="en", text="2×4090, 500 ms, $20/h", intent="recommend"))
    times, scores = [], []
    for theme, said in utterances():
        started = time.process_time()
        found = read(said)
        times.append((time.process_time() - started) * 1000 / (1 + len(said.turns)))
        scores.append(score(theme, said, found))
    held_out = [one for one in scores if one.theme != "adversarial"]
    adversarial = [one for one in scores if one.theme == "adversarial"]
    print(f"{'':14}{'said':>6}{'intent':>9}{'target':>9}{'constraints':>13}{'all three':>11}{'whole':>9}{'unasked':>9}")
    _groups(held_out, lambda one: one.theme)
    _groups(held_out, lambda one: one.said.lang)
    _groups(held_out, lambda one: "held out")
    _groups(adversarial, lambda one: one.theme)
    print(f"a message, of one core: median {statistics.median(times):.2f} ms, slowest {max(times):.1f} ms")
    print("expensive actions that nobody asked for:")
    for one in scores:
        if one.unasked:
            print(
                f"  {one.said.id}: {one.said.text[:70]!r} → {one.read.intent} {one.read.action or ''} {one.read.target}"
            )
    if "--wrong" in sys.argv[1:]:
        print("not whole:")
        for one in scores:
            if not one.whole:
                print(f"  {one.said.id}: {one.said.text[:70]!r} → {one.read}")


def read(said: Utterance) -> Read:
    """As `bot.commands.parse` and `engine.constraints` read its last message, after those before it, with its
    endpoints registered."""
    earlier: Earlier | None = None
    for place, text in enumerate(said.turns):
        before = earlier
        request = parse(text, names=lambda: said.endpoints, earlier=lambda: before, today=TODAY)  # noqa: B023
        earlier = Earlier(id=f"question-{place}", request=request)
    try:
        request = parse(said.text, names=lambda: said.endpoints, earlier=lambda: earlier, today=TODAY)
    except UsageError as error:
        return Read("refused" if error.code == "secret_pasted" else f"error {error.code}")
    target: str | tuple[str, str] | None = request.target
    if request.verb in ("explain", "report"):
        target = request.verdict_id or request.target
    elif request.verb == "compare" and request.target and request.other:
        target = (request.target, request.other)
    elif request.verb == "compare":
        target = None
    confirms = request.confirms is not None and request.verb != "cancel"
    return Read(
        "confirm" if confirms else request.verb,
        None if confirms else target,
        # A pause ends spending too, and the utterances know no other word for it.
        "remove" if request.action == "pause" else request.action,
        {} if confirms else _constraints(request),
        request.thorough and not confirms,
        _schedule(request.schedule) if request.schedule and not confirms else None,
        request.ask,
        request.sure,
        request.free,
    )


def _schedule(schedule: Schedule) -> Mapping[str, Any]:
    return {name: value for name, value in asdict(schedule).items() if value}


def _constraints(request: Request) -> Mapping[str, Any]:
    if request.verb not in ("identify", "recommend", "size"):
        return {}
    try:
        settled, _ = settle(request.constraints, request.scenario)
    except UsageError as error:
        return {"error": error.code}
    return settled.stated()


def score(theme: str, said: Utterance, found: Read) -> Score:
    intent = _means(found.intent) in {_means(name) for name in (said.intent, *said.also_intent)}
    intent = intent and (said.action is None or found.intent != said.intent or found.action == said.action)
    target = found.target == said.target or found.target in said.also_target
    constraints = _same(found.constraints or {}, said)
    three = intent and target and constraints
    wrong = unasked(said, found)
    expected = _schedule(Schedule(**said.schedule.model_dump())) if said.schedule else None
    detailed = found.schedule == expected and found.ask == said.ask
    thorough = found.thorough == (said.expensive and said.intent == "identify")
    whole = three and detailed and thorough and not wrong
    return Score(theme, said, found, intent, target, constraints, three, whole, wrong)


def _means(intent: str) -> str:
    """Help and small talk are answered alike, and nothing happens; what is called off is told from both."""
    return "help" if intent in ("help", "other") else intent


def _same(found: Mapping[str, Any], said: Utterance) -> bool:
    allowed = {**said.also, **said.constraints}
    return said.constraints.keys() <= found.keys() <= allowed.keys() and all(
        _equal(name, value, allowed[name]) for name, value in found.items()
    )


def _equal(name: str, found: Any, expected: float | str) -> bool:
    if name == "hardware":
        return sorted((part["device"], part["count"]) for part in found) == list(hardware(str(expected)))
    if isinstance(expected, str):
        return bool(found == expected)
    return abs(found - expected) <= 1e-4 * expected


def unasked(said: Utterance, found: Read) -> bool:
    """Whether what the code would do deletes, registers, schedules, compares, looks thoroughly, or spends an
    endpoint's tokens, and was not asked for – or is done to another target than was asked for."""
    alters = found.action in ("add", "remove") and (found.target is not None or found.action == "add")
    acts = alters or found.intent in ("compare", "confirm") or found.thorough
    acts = acts or (found.intent == "watch" and found.action != "list")
    if found.ask is not None:
        return False
    if found.intent == "forget":
        acts = found.action == "remove"
    if acts:
        ends = said.intent == "watch" and said.action in ("remove", "mute_change") and said.action == found.action
        return not (said.expensive or ends) or found.intent != said.intent or found.target != said.target
    spends = found.intent == "identify" and found.target is not None and _serves(found.target, said)
    return spends and not said.expensive and "identify" not in (said.intent, *said.also_intent)


def _serves(target: str, said: Utterance) -> bool:
    hub = ("huggingface.co", "hf-mirror.com", "ollama.com", "modelscope.cn")
    return target in said.endpoints or (target.startswith("http") and not any(host in target for host in hub))


def _groups(scores: Iterable[Score], key: Callable[[Score], str]) -> None:
    grouped: dict[str, list[Score]] = {}
    for one in scores:
        grouped.setdefault(key(one), []).append(one)
    for name, of_it in grouped.items():
        counts = [sum(getattr(one, field) for one in of_it) for field in ("intent", "target", "constraints")]
        three = sum(one.three for one in of_it)
        whole, wrong = sum(one.whole for one in of_it), sum(one.unasked for one in of_it)
        shares = [f"{count / len(of_it):.1%}" for count in (*counts, three, whole)]
        widths = (9, 9, 13, 11, 9)
        print(f"{name:14}{len(of_it):>6}" + "".join(f"{text:>{width}}" for text, width in zip(shares, widths, strict=True)) + f"{wrong:>9}")  # fmt: skip


if __name__ == "__main__":
    main()
