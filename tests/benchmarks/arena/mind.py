"""What a simulated model says. A simulation, not measured behaviour: see ``knowledge`` and ``sayings``.

Understood are the wordings in which the engine asks (repeat, facts and problems, needle, self report, a periodic
string to complete); anything else is answered by talk about the text. At temperature 0 a model says the same to
the same prompt, but for the noise of its serving; above, choices are drawn afresh by request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, log

from arena import knowledge, sayings
from arena.chance import normal, pick, stream, uniform, whole
from arena.models import MODELS
from arena.sayings import Lang

_NUMBERS = ("one number only, one answer a line", "每题只回答一个数字")
_LINE = re.compile(r"^(\d{1,3})\. (.+)$", re.MULTILINE)
_REPEAT = re.compile(r"\n-----\n(.*)\n-----\s*$", re.DOTALL)
_CODE_ASKED = re.compile(r"What is the access code of (.+?)\?|\n(.+?)的通行码是多少")
_SELF = re.compile(r"Which model are you|你是什么模型")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_LEFT_EMPTY = 0.06
"""How often a thinking model leaves its block empty on a task that takes no thought."""
_USUAL_NOISE = 0.02
"""What is beyond it comes of quantisation, and then stays as it is at an endpoint."""


@dataclass(frozen=True, slots=True)
class Mood:
    """Where, when and how a model is asked.

    Attributes:
        place, request: which endpoint, and its how-manieth request.
        noise: chance that serving changes an answer (quantisation, batching), per answer.
        system: the system prompt it was given, hidden ones too.
    """

    place: str
    request: int
    temperature: float = 0.0
    noise: float = _USUAL_NOISE
    system: str = ""

    def key(self, prompt: str) -> tuple[object, ...]:
        """What choices depend on besides model and prompt."""
        steady = self.temperature < 0.05 and uniform("steady", self.place, self.request, prompt) > self.noise
        return () if steady else (self.place, self.request)


@dataclass(frozen=True, slots=True)
class Said:
    """What a model thinks, ``None`` where it does not, and answers."""

    thought: str | None
    answer: str


def say(model: str, prompt: str, mood: Mood, *, thinking: bool) -> Said:
    """A model's reply to one user message."""
    key = (model, prompt, *mood.key(prompt))
    lang: Lang = "zh" if len(_CHINESE.findall(_instruction(prompt))) * 3 > len(_instruction(prompt)) * 0.4 else "en"
    speech = _Speech(model, prompt, mood, key, lang)
    if any(phrase in prompt for phrase in _NUMBERS):
        said = speech.numbers()
    elif match := _REPEAT.search(prompt):
        said = speech.repeated(match[1])
    elif match := _CODE_ASKED.search(prompt):
        said = speech.needle(match[1] or match[2])
    elif _SELF.search(prompt):
        said = speech.self_report()
    else:
        said = speech.talk()
    return said if thinking else Said(None, said.answer)


def complete(model: str, prompt: str, mood: Mood) -> str:
    """How a model goes on with a text: a period is continued, mostly; other text is followed by talk."""
    tail = prompt.rsplit("\n", 1)[-1]
    size = next((size for size in range(2, len(tail) // 2 + 1) if tail[-size:] == tail[-2 * size : -size]), 0)
    if not size or not tail[-size:].isdigit():
        return " " + say(model, prompt, mood, thinking=False).answer
    key = (model, prompt, *mood.key(prompt))
    lapse = 0.01 + 0.04 * exp(-MODELS[model].billions / 10)
    going_on = tail[-size:] * 60
    if uniform("lapse", *key) < lapse:
        return (
            going_on[: whole("where", *key) % (3 * size)] + "\n\n" + _Speech(model, tail, mood, key, "en").talk().answer
        )
    return going_on


def _instruction(prompt: str) -> str:
    """What tells the language of a message: its last line of a question, else all of it, nonce aside."""
    body = prompt.partition("\n")[2] or prompt
    if "\n-----\n" in body:
        return body.partition("\n")[0]
    last = body.rstrip().rsplit("\n", 1)[-1]
    return last if len(body) > 400 else body


class _Speech:
    """One reply in the making."""

    def __init__(self, model: str, prompt: str, mood: Mood, key: Sequence[object], lang: Lang) -> None:
        self.model, self.prompt, self.mood, self.key, self.lang = model, prompt, mood, tuple(key), lang

    def numbers(self) -> Said:
        lines = [(int(number), text) for number, text in _LINE.findall(self.prompt)]
        values = [self._number(text) for _, text in lines]
        style = uniform("style", self.model, self.lang, *self.key)
        wordy = style > 0.97 and MODELS[self.model].billions < 10
        shapes = (
            "{n}. The answer is {v}."
            if wordy
            else "{n}. {v}"
            if style < 0.72
            else "{v}"
            if style < 0.95
            else "{n}) {v}"
        )
        answer = "\n".join(shapes.format(n=n, v=v) for (n, _), v in zip(lines, values, strict=True))
        worked = [
            pick(sayings.WORKED[self.lang], "worked", n, *self.key).format(number=n, value=v)
            for (n, _), v in zip(lines, values, strict=True)
        ]
        return Said(self._opening("numbers", self._quote(40)) + "".join(worked), answer)

    def _number(self, text: str) -> int:
        own = knowledge.answer(self.model, text)
        if own is None:
            return 1 + whole("guess", self.model, text) % 2000
        if uniform("bits", self.mood.place, text) < self.mood.noise - _USUAL_NOISE:
            own = knowledge.near(own, "bits", self.mood.place, text)
        unsteady = self.mood.noise + 0.03 * self.mood.temperature
        if uniform("unsteady", self.mood.place, self.mood.request, text) < unsteady:
            return knowledge.near(own, "unsteady", self.mood.place, self.mood.request, text)
        return own

    def repeated(self, text: str) -> Said:
        slip = 0.01 + 0.12 * exp(-MODELS[self.model].billions / 4)
        answer = text
        if uniform("slip", *self.key) < slip and len(text) > 8:
            at = 4 + whole("slip at", *self.key) % (len(text) - 4)
            answer = text[:at] + text[at + 1 :]
        if uniform("fence", *self.key) < 0.03:
            answer = f"-----\n{answer}\n-----"
        if uniform("brief", *self.key) < _LEFT_EMPTY:
            return Said("", answer)
        return Said(self._opening("repeat", text[:120]) + self._musing(2, text), answer)

    def needle(self, place: str) -> Said:
        found = re.search(re.escape(place) + r"(?: is |的通行码是)(\d{5})", self.prompt)
        reach = 1_500 * MODELS[self.model].billions ** 0.75
        held = found is not None and uniform("needle", *self.key) < exp(-len(self.prompt) / 4 / (20 * reach))
        code = found[1] if found and held else str(10_000 + whole("code", *self.key) % 90_000)
        return Said(self._opening("needle", place) + self._musing(1, place), code)

    def self_report(self) -> Said:
        name, maker = MODELS[self.model].maker
        if self.mood.system and uniform("told", *self.key) < 0.85:
            told = re.search(r"You are ([^,.，。]+)|你是([^,.，。]+)", self.mood.system)
            name, maker = ((told[1] or told[2]) if told else name), "DeepSeek"
        answer = pick(sayings.SELF[self.lang], "self", *self.key).format(name=name, maker=maker)
        return Said(self._opening("self", "") + self._musing(1, name), answer)

    def talk(self) -> Said:
        """Something about the text, each model with its own leaning to the phrases."""
        quote = self._quote(60)
        replied = self._leaning(sayings.REPLIED[self.lang], "replied").format(quote=quote[:40])
        count = 1 + whole("length", *self.key) % 4
        left, rest = list(sayings.WENT_ON[self.lang]), ""
        for place in range(count):
            phrase = self._leaning(left, f"on {place}")
            left.remove(phrase)
            rest += phrase
        noticed = self._leaning(sayings.NOTICED[self.lang], "noticed").format(quote=quote)
        thought = self._leaning(sayings.OPENINGS[_habit(self.model)][self.lang], "opening") + noticed
        return Said(thought + self._musing(2 + whole("musing", *self.key) % 5, quote), replied + rest)

    def _opening(self, task: str, quote: str) -> str:
        opening = self._leaning(sayings.OPENINGS[_habit(self.model)][self.lang], "opening")
        return opening + pick(sayings.TASK[task][self.lang], "task", *self.key).replace("{quote}", quote)

    def _musing(self, count: int, quote: str) -> str:
        left = list(sayings.MUSED[self.lang])
        phrases = []
        for place in range(min(count, len(left))):
            phrases.append(self._leaning(left, f"muse {place}"))
            left.remove(phrases[-1])
        return "".join(phrase.replace("{quote}", quote[:24]) for phrase in phrases)

    def _quote(self, most: int) -> str:
        body = self.prompt.partition("\n")[2] or self.prompt
        return body[:most].replace("\n", " ").replace("{", "(").replace("}", ")")

    def _leaning(self, phrases: Sequence[str], slot: str) -> str:
        """The phrase a model likes best here; at a temperature, one drawn by how much it likes each."""
        here, drawn = stream("here", self.model, slot, self.prompt), stream("drawn", slot, *self.key)
        heat = max(self.mood.temperature, 0.01 if len(self.key) == 2 else 0.3)
        scores = {
            phrase: (1.3 * _liking(self.model, slot, phrase) + here.gauss(0, 1)) / heat - log(drawn.expovariate(1.0))
            for phrase in phrases
        }
        return max(scores, key=scores.__getitem__)


@cache
def _liking(model: str, slot: str, phrase: str) -> float:
    return normal("likes", model, slot, phrase)


def _habit(model: str) -> str:
    if model == "DeepSeek-R1-0528" or model == "R1-0528-Qwen3-8B":
        return "r1-0528"
    for begin, habit in (("DeepSeek", "r1"), ("R1-Distill", "distill"), ("MiniMax", "minimax")):
        if model.startswith(begin):
            return habit
    return "qwen"
