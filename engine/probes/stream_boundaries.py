"""`stream_boundaries`: whether the pieces in which text streams are tokens of a candidate's.

Servers send text as tokens come, so every piece is one whole token of the true tokenizer or several. A
candidate is unlikely where pieces begin inside its tokens, and where its tokens always come joined: `299` in
one piece is one token of DeepSeek's and three of Qwen's.

Cost: none; answers stream anyway. Source: the candidates' tokenizers (engine.tokenizers).
How it could be fooled: by a gateway that cuts the stream anew. Along words or bytes that shows no tokenizer,
which is noticed; along another model's tokens it shows that one's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine import tokenizers
from engine.evidence import UNKNOWN, Evidence
from engine.probes.probe import Hypotheses, Observation, Probe, by_vocabulary
from engine.targets.endpoint import Conversation

_INSIDE = math.log(0.02)
"""Log chance that a piece begins inside a token: text that its model split in an unusual way."""
_TOKEN_BY_TOKEN, _JOINED = 0.7, 0.03
"""Share of servers that send every token by itself, and how often even these join two. Judged."""
_CUT_ANEW = 0.15
"""Share of gateways that cut streams anew, anywhere: even so, pieces may happen to begin at tokens. Judged."""
_RECUT, _STRAY = 0.04, 1
"""Pieces that begin inside the tokens of every candidate: beyond this share, and more than one, somebody cut the
stream anew, or it follows a vocabulary that is no candidate's."""
_FLOOR = math.log(1e-5)
_ELSEWHERE = math.log(0.03)
_ENOUGH, _MOST = 4, 400


def observe(conversation: Conversation) -> Observation | None:
    """The pieces of every answer that streamed in more than a few."""
    replies = [reply for reply in conversation.replies if reply.refused is None and not reply.forced]
    streams = [tokenizers.ordinary(reply.pieces[:_MOST]) for reply in replies]
    streams = [pieces for pieces in streams if len(pieces) >= _ENOUGH and "�" not in "".join(pieces)]
    return {"streams": streams[:4]} if streams else None


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """A vocabulary's likelihood: the pieces are unions of its tokens, and mostly single ones."""
    streams = observation["streams"]
    names = [name for name in tokenizers.CANDIDATES if name in hypotheses.vocabularies]
    pieces = sum(len(stream) for stream in streams)
    inside = {name: sum(_compare(name, stream)[0] for stream in streams) for name in names}
    fits = {name: value for name, value in likelihoods(streams).items() if name in names}
    recut = min(inside.values(), default=0) > max(_STRAY, _RECUT * pieces)
    best = max(fits.values(), default=0.0)
    relative = {name: max(_FLOOR, value - best) for name, value in fits.items()}
    likelihood = by_vocabulary(relative, hypotheses, elsewhere=_ELSEWHERE)
    telling = not recut and min(relative.values(), default=0.0) < math.log(0.5)
    return Evidence(
        probe="stream_boundaries",
        group="pieces",
        observation=observation,
        log_likelihood=(likelihood | {UNKNOWN: _ELSEWHERE}) if telling else {},
        expected={},
        values={
            "pieces": pieces,
            "inside": ", ".join(f"{name} {inside[name]}" for name in names),
            "vocabulary": " / ".join(name for name in names if relative[name] > math.log(0.5)) if telling else "?",
            "form": "recut" if recut else "" if telling else "alike",
        },
    )


def likelihoods(streams: Sequence[Sequence[str]]) -> dict[str, float]:
    """Log P(pieces of these streams | vocabulary) for every candidate."""
    telling = [pieces for pieces in streams if not _by_words(pieces)]
    return {name: sum(_log_likelihood(name, pieces) for pieces in telling) for name in tokenizers.CANDIDATES}


def _by_words(pieces: Sequence[str]) -> bool:
    """Whether the stream is cut at spaces only: then whoever has the fewest tokens to a word would fit best."""
    return all(piece[:1].isspace() for piece in pieces[1:]) or all(piece[-1:].isspace() for piece in pieces[:-1])


def _compare(name: str, pieces: Sequence[str]) -> tuple[int, int, int]:
    """Pieces that begin inside a token; token boundaries at which a piece ends; and those where none does."""
    text = "".join(pieces)
    ends = _ends([len(piece.encode("utf-8", "surrogateescape")) for piece in pieces])
    boundaries = _ends([len(token) for token in tokenizers.tokens(name, text)])
    # A character of several tokens is sent whole: its inner boundaries can never show.
    visible = boundaries & _ends([len(char.encode("utf-8", "surrogateescape")) for char in text])
    return len(ends - boundaries), len(visible & ends), len(visible - ends)


def _ends(lengths: Sequence[int]) -> set[int]:
    """Offsets in bytes at which parts of these lengths end, without the last."""
    total, found = 0, set()
    for length in lengths[:-1]:
        total += length
        found.add(total)
    return found


def _log_likelihood(name: str, pieces: Sequence[str]) -> float:
    """Log P(where the text is cut | tokenizer): a mixture of servers that send single tokens, servers that join any
    number, and gateways that cut anywhere. How often the latter two do is a beta-binomial with a flat prior."""
    inside, shown, joined = _compare(name, pieces)
    single = shown * math.log1p(-_JOINED) + joined * math.log(_JOINED)
    unusual = inside * _INSIDE
    uncut = sum(map(len, pieces)) - len(pieces)
    return _log_sum(
        (_TOKEN_BY_TOKEN, unusual + single),
        (1 - _TOKEN_BY_TOKEN - _CUT_ANEW, unusual + _some_of(shown, joined)),
        (_CUT_ANEW, _some_of(len(pieces) - 1, uncut)),
    )


def _some_of(cut: int, uncut: int) -> float:
    """Log P(cut at just these places | any share of places is cut)."""
    return math.lgamma(cut + 1) + math.lgamma(uncut + 1) - math.lgamma(cut + uncut + 2)


def _log_sum(*terms: tuple[float, float]) -> float:
    """Log Σ weight · exp(value)."""
    high = max(value for _, value in terms)
    return high + math.log(math.fsum(weight * math.exp(value - high) for weight, value in terms))


PROBE = Probe("stream_boundaries", observe, score)
