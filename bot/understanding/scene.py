"""What a message holds, before anybody asks what it wants: what is said and what is only quoted, and what is named.

The *sketch* is what is said, with what is named replaced by one sign each, so that patterns read like grammar:
``does ◇ fit on ▣?``. ⊙ is a model's address, ◇ one named by size, ▣ hardware, ❝ something quoted.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from bot.understanding.lexicon import lexicon
from bot.understanding.sizes import Model, find_models, nearest_name
from bot.understanding.targets import Mention, find_mentions
from bot.understanding.typos import corrected, nearest
from engine.constraints.values import WIDE
from engine.errors import UsageError

_FENCE = re.compile(r"```[\s\S]{0,4000}?(?:```|\Z)")
_INLINE = re.compile(r"`[^`\n]{1,400}`")
_QUOTED = re.compile(r"\"[^\"\n]{1,400}\"|「[^」\n]{1,400}」|『[^』\n]{1,400}』")
_LINE = re.compile(r"^.*$", re.MULTILINE)
_LOG = re.compile(
    r"^\s*(?:>|\$ |# |\||\+[-=+]{3}|[{}\[\]]|(?:INFO|WARN(?:ING)?|ERROR|DEBUG|CRITICAL)\b|Traceback|File \"|[\w.]{3,60}(?:Error|Exception):|GPU \d+:"
    r"|[-dl][rwx-]{9}|\d{4}-\d\d-\d\d[T ]\d\d:|\[\d\d|(?:From|To|Subject|Date|发件人|收件人|主题)[:：]|(?:curl|docker|vllm|sglang|ollama|python3?|pip|npu-smi|nvidia-smi|kubectl|sudo|export)\s[\w./-]"
    r"|NAME\s{2,}|image:|command:|services:|at [\w.]{1,60}\()",
    re.ASCII,
)
_JSON_PATH = re.compile(r"\"[\w-]{1,60}\"\s{0,3}:\s{0,3}\"?$")
_KEY = re.compile(
    r"(?:--model(?:-path)?[ =]|\bmodel(?:_path|_name)?[\"']?\s{0,2}[:=]\s{0,2}[\"']?|\bserve |\bpull |\brun |--model_path[ =]|load(?:_model)?\([\"']|-m )$",
    re.I,
)
_IMAGE = re.compile(r"(?:\bimage:\s{0,3}[\"']?|\bFROM |docker (?:pull|run) )$")
_DENIED = re.compile(
    r"(?:\b(?:not|isn't|ignore|except|instead of|rather than|other than|forget|skip)(?: the| about| model| repo)?|不是|不要|别看|不看|除了|而不是|忽略)[ :：]{0,2}$",
    re.I,
)
_CONFIG = re.compile(r"\"?(?:architectures|hidden_size|num_hidden_layers|model_type|n_routed_experts)\"?\s{0,3}[:=]")
_SIGNS = {"target": "⊙", "model": "◇", "hardware": "▣", "quoted": "❝"}


@dataclass(frozen=True, slots=True)
class Scene:
    """A message, laid out.

    Attributes:
        text: as typed, full-width signs made narrow.
        spoken: ``text`` with what is pasted or quoted blanked; all of it where nothing else is there.
        sketch: see the module; lower case, mistyped words put right.
        mentions: models' addresses that may be meant, best first where one is marked as the model, in order else.
        quoted: where something is pasted or quoted.
        pasted: whether there is text that the person did not write.
        config: whether a model's configuration is pasted.
    """

    text: str
    spoken: str
    sketch: str
    mentions: tuple[Mention, ...]
    models: tuple[Model, ...]
    hardware: tuple[tuple[int, int], ...]
    quoted: tuple[tuple[int, int], ...]
    pasted: bool
    quoted_only: bool
    config: bool

    def says(self, *cues: str) -> bool:
        """Whether one of the cues is said, and not denied."""
        return any(said(self.sketch, cue) for cue in cues)

    def has(self, *cues: str) -> bool:
        """Whether one of the cues is there, denied or not."""
        return any(lexicon().cues[cue].search(self.sketch) for cue in cues)


def said(sketch: str, cue: str) -> bool:
    """Whether a cue is in a sketch, and not denied."""
    words = lexicon()
    for match in words.cues[cue].finditer(sketch):
        before, after = sketch[max(0, match.start() - 32) : match.start()], sketch[match.end() : match.end() + 48]
        if not words.cues["denied_before"].search(before) and not words.cues["denied_after"].match(after):
            return True
    return False


def scene_of(typed: str, names: Collection[str] = ()) -> Scene:
    """Lay out a message. ``names``: of registered endpoints."""
    text = typed.translate(WIDE)
    named = find_mentions(text, names)
    quoted = [span for span in _quoted_spans(text) if not _names(text, span, named)]
    spoken = _blanked(text, quoted)
    quoted_only = not re.search(r"\w", spoken)
    if quoted_only:
        spoken, quoted = text, []
    mentions = _usable(text, named, quoted)
    models = find_models(_blanked(text, [(one.start, one.end) for one in mentions]))
    hardware = _hardware(text)
    sketch = _sketch(spoken, quoted, mentions, models, hardware)
    pasted = bool(quoted) and any(end - start > 40 or "\n" in text[start:end] for start, end in quoted)
    return Scene(
        text, spoken, sketch, mentions, models, hardware, tuple(quoted), pasted, quoted_only, bool(_CONFIG.search(text))
    )


def _hardware(text: str) -> tuple[tuple[int, int], ...]:
    from engine.hardware import find_hardware

    try:
        return tuple((one.start, one.end) for one in find_hardware(text))
    except UsageError:  # a number of devices that cannot be; the answer says so
        return ()


def _quoted_spans(text: str) -> list[tuple[int, int]]:
    spans = [match.span() for match in _FENCE.finditer(text)]
    spans += [match.span() for match in _LINE.finditer(text) if match[0] and _LOG.match(match[0])]
    rest = _blanked(text, spans)
    for pattern in (_INLINE, _QUOTED):
        found = [match.span() for match in pattern.finditer(rest)]
        spans += found
        rest = _blanked(rest, found)
    return sorted(spans)


def _names(text: str, span: tuple[int, int], mentions: tuple[Mention, ...]) -> bool:
    """Whether a quotation is of nothing but a model's address, as people set names apart."""
    inside = [one for one in mentions if span[0] <= one.start < span[1]]
    return len(inside) == 1 and len(text[span[0] : span[1]].strip('`"「」『』 \n')) <= len(inside[0].spec) + 1


def _blanked(text: str, spans: list[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]
    return text


def _usable(text: str, mentions: tuple[Mention, ...], quoted: list[tuple[int, int]]) -> tuple[Mention, ...]:
    """Those that may be meant: none that is denied, corrected, an image, or of another machine; those that are said
    before those that are only quoted."""
    kept: list[tuple[int, Mention]] = []
    for one in mentions:
        before = text[max(0, one.start - 40) : one.start].rstrip("`\"'「“ ")
        raw = text[max(0, one.start - 40) : one.start]
        inside = any(start <= one.start < end for start, end in quoted)
        if _IMAGE.search(raw) or (one.kind in ("path", "file") and inside and _JSON_PATH.search(raw)):
            continue
        if _DENIED.search(before) and len(mentions) > 1:
            continue
        if (
            one.kind in ("endpoint", "verdict")
            and inside
            and len(text[_span(quoted, one)[0] : _span(quoted, one)[1]]) > len(one.spec) + 8
        ):
            continue  # an instruction in pasted text is nobody's
        rank = 0 if not inside else 1 if _KEY.search(raw) else 2
        spec = nearest_name(one.spec) if one.kind == "ollama" else one.spec
        kept.append((rank, replace(one, spec=spec)))
    kept = _after_correction(text, kept)
    if any(one.kind == "url" for _, one in kept):  # what a URL serves says what it is called
        kept = [(rank, one) for rank, one in kept if one.kind != "ollama"] or kept
    unique: dict[str, Mention] = {}
    for _, one in sorted(kept, key=lambda pair: (pair[0], pair[1].start)):
        unique.setdefault(one.spec, one)
    return tuple(unique.values())


def _span(quoted: list[tuple[int, int]], one: Mention) -> tuple[int, int]:
    return next(((start, end) for start, end in quoted if start <= one.start < end), (one.start, one.end))


def _after_correction(text: str, kept: list[tuple[int, Mention]]) -> list[tuple[int, Mention]]:
    marks = [match.end() for match in lexicon().cues["correction"].finditer(text.lower())]
    for mark in reversed(marks):
        later = [pair for pair in kept if pair[1].start >= mark]
        if later:
            return later
    return kept


def _sketch(
    spoken: str,
    quoted: list[tuple[int, int]],
    mentions: tuple[Mention, ...],
    models: tuple[Model, ...],
    hardware: tuple[tuple[int, int], ...],
) -> str:
    signs = [(start, end, _SIGNS["quoted"]) for start, end in quoted]
    signs += [(one.start, one.end, _SIGNS["target"]) for one in mentions]
    signs += [(one.start, one.end, _SIGNS["model"]) for one in models]
    signs += [(start, end, _SIGNS["hardware"]) for start, end in hardware]
    parts, at = [], 0
    for start, end, sign in sorted(signs, key=lambda one: (one[0], -one[1])):
        if start < at:
            continue
        parts += [spoken[at:start], sign]
        at = end
    laid = re.sub(r"[`\"]", " ", "".join([*parts, spoken[at:]]).lower())
    sketch = corrected(" ".join(laid.split()))
    return sketch.replace("’", "'")


def near_name(sketch: str, names: Collection[str]) -> str | None:
    """A registered endpoint whose name is mistyped by one letter, where only one is."""
    short = [name for name in names if len(name) >= 4]
    found = {near for word in re.findall(r"[a-z0-9][\w.-]{3,40}", sketch) if (near := nearest(word, short))}
    return found.pop() if len(found) == 1 else None
