"""What is done to hide or blur which model answers, and what merely befalls an honest service.

Each disguise is a record of its parameters; where a parameter is a number it is drawn continuously.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal


@dataclass(frozen=True, slots=True)
class Renamed:
    """The model is listed, and calls itself in every reply, by a name that is not its own."""

    name: str


@dataclass(frozen=True, slots=True)
class NoUsage:
    """Token counts are taken out of every reply."""


@dataclass(frozen=True, slots=True)
class Recounted:
    """Token counts are made up by the gateway.

    Attributes:
        by: a tokenizer (by the names of ``published_tokenizers``, or ``cl100k``, ``o200k``), ``chars`` or ``bytes``.
        as_r1: the prompt is counted as DeepSeek-R1's own template would make it; else the bare text.
        per: characters or bytes a token.
        overhead: tokens added to each prompt.
        factor: every count is multiplied by it (billing more than was used).
    """

    by: str
    as_r1: bool = False
    per: float = 4.0
    overhead: int = 0
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Rechunked:
    """Streams are cut anew: by ``chars``, ``words``, ``sizes`` (as time and buffers have it), or along the
    ``tokens`` of a tokenizer. ``size``: characters, words or tokens a piece, on average."""

    by: Literal["chars", "words", "sizes", "tokens"]
    size: float = 1.0
    tokenizer: str = "deepseek-r1"


@dataclass(frozen=True, slots=True)
class CutBy:
    """``max_tokens`` is enforced by the gateway, in the tokens of a tokenizer."""

    tokenizer: str


@dataclass(frozen=True, slots=True)
class NoStream:
    """Replies are sent whole though a stream was asked for: ``whole`` JSON, or one event with everything."""

    whole: bool


@dataclass(frozen=True, slots=True)
class Withheld:
    """Fields of requests that the gateway drops silently, or refuses with a 400."""

    dropped: tuple[str, ...]
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HiddenPrompt:
    """A system prompt is put before every conversation."""

    text: str


@dataclass(frozen=True, slots=True)
class ForcedTemperature:
    """Whatever temperature is asked for, this one is used."""

    value: float


@dataclass(frozen=True, slots=True)
class Cached:
    """A prompt asked before is answered as before; ``loose``: whatever its other fields say."""

    loose: bool


@dataclass(frozen=True, slots=True)
class Quantised:
    """The model is served in few bits; ``noise``: chance that an answer differs for it, per answer."""

    noise: float


@dataclass(frozen=True, slots=True)
class Mixed:
    """Each request goes to ``variant`` with chance ``share``."""

    variant: str
    share: float


@dataclass(frozen=True, slots=True)
class RateLimited:
    """A share of requests is refused with 429 and Retry-After of ``after`` seconds."""

    share: float
    after: float


@dataclass(frozen=True, slots=True)
class Slow:
    """Seconds to the first token, and between tokens."""

    first: float
    each: float


@dataclass(frozen=True, slots=True)
class Failing:
    """A share of requests fails with ``status``, or (``midway``) the stream breaks off."""

    share: float
    status: int
    midway: float


@dataclass(frozen=True, slots=True)
class HiddenThought:
    """Thoughts are taken out of replies; they are still counted, and still eat up ``max_tokens``."""


Disguise = (
    Renamed | NoUsage | Recounted | Rechunked | CutBy | NoStream | Withheld | HiddenPrompt | ForcedTemperature
    | Cached | Quantised | Mixed | RateLimited | Slow | Failing | HiddenThought
)  # fmt: skip

_LENGTH_WORDS = (
    "clear",
    "concise",
    "careful",
    "friendly",
    "precise",
    "polite",
    "useful",
    "honest",
    "short",
    "thorough",
)


def draw_recount(rng: Random, *, forger: bool) -> Recounted:
    """How a gateway counts: forgers as DeepSeek would, others by what their software happens to have."""
    if forger:
        exact = rng.random() < 0.6
        return Recounted("deepseek-r1", as_r1=exact, overhead=0 if exact else rng.randint(3, 8))
    how = rng.choices(("cl100k", "o200k", "qwen2.5", "chars", "bytes"), (40, 20, 12, 20, 8))[0]
    per = rng.uniform(2.2, 5.0) if how == "chars" else rng.uniform(2.5, 4.5)
    factor = rng.uniform(1.02, 1.3) if rng.random() < 0.1 else 1.0
    return Recounted(how, per=per, overhead=rng.randint(3, 12), factor=factor)


def draw_rechunk(rng: Random, *, forger: bool) -> Rechunked:
    """How streams are cut anew."""
    by = rng.choices(("chars", "words", "sizes", "tokens"), (25, 20, 35, 45 if forger else 0))[0]
    size = {"chars": rng.randint(1, 6), "words": rng.randint(1, 3), "sizes": rng.uniform(4, 60), "tokens": 1}[by]
    return Rechunked(by, size)  # type: ignore[arg-type]


def draw_prompt(rng: Random, *, forger: bool) -> HiddenPrompt:
    """A system prompt of a length of its own; forgers tell the model who to be."""
    who = (
        "You are DeepSeek-R1 671B, developed by DeepSeek."
        if forger and rng.random() < 0.7
        else "You are a helpful assistant."
    )
    words = rng.sample(_LENGTH_WORDS, rng.randint(1, len(_LENGTH_WORDS)))
    return HiddenPrompt(f"{who} Your answers are {', '.join(words)}." * rng.randint(1, 3))


def draw_withheld(rng: Random) -> Withheld:
    """Each revealing field is passed on, dropped or refused."""
    fates = {
        field: rng.choices("pdr", (15, 60, 25))[0] for field in ("logit_bias", "logprobs", "completions", "tokenize")
    }
    dropped = tuple(field for field, fate in fates.items() if fate == "d")
    return Withheld(dropped, tuple(field for field, fate in fates.items() if fate == "r"))


def draw_trouble(rng: Random) -> RateLimited | Slow | Failing:
    """What befalls a service."""
    kind = rng.randrange(3)
    if kind == 0:
        return RateLimited(rng.uniform(0.1, 0.4), rng.uniform(0.05, 0.2))
    if kind == 1:
        return Slow(rng.uniform(0.02, 0.25), rng.uniform(0.001, 0.01))
    return Failing(rng.uniform(0.03, 0.2), rng.choice((500, 502, 503, 504)), rng.uniform(0.0, 0.04))


FULL_PROXY: tuple[Disguise, ...] = (
    Recounted("deepseek-r1", as_r1=True),
    Rechunked("tokens"),
    CutBy("deepseek-r1"),
    Withheld(("logit_bias", "logprobs", "completions", "tokenize"), ()),
)
"""Everything that counts tokens is done along DeepSeek's tokenizer, whatever model is behind it."""
