"""What a recommendation says, in words: each ``Said`` as a sentence, its figures as people read them.

A value is formatted by the end of its name: ``_s`` seconds, ``_bytes``, ``_tokens``, ``_count``, ``_rate`` tokens a
second, ``_usd`` dollars an hour, ``_score`` points, ``_share`` of one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.identification import Said
from engine.text import say
from engine.units import bytes_text

HOURS_A_MONTH = 730


def sentence(said: Said, lang: str) -> str:
    """The sentence of something said, in ``lang``."""
    return say(
        f"recommendation.{said.code}", lang, **{name: _shown(name, value, lang) for name, value in said.values.items()}
    )


def _shown(name: str, value: Any, lang: str) -> Any:
    if name == "why":
        return sentence(Said(value["code"], value["values"]), lang)
    if name == "hardware":
        return hardware_text(value["device"], value["count"])
    if name == "quantization":
        return quantization_text(value, lang)
    if name == "task":
        return say(f"recommendation.tasks.{value}", lang)
    if name == "benchmarks":
        return benchmarks_text(value, lang)
    if isinstance(value, list | tuple):
        return ("、" if lang == "zh" else ", ").join(map(str, value))
    if isinstance(value, Mapping):
        return value[lang]
    if value is None:
        return say("recommendation.unknown", lang)
    written = _UNITS.get(name.rpartition("_")[2])
    return written(value) if written is not None else value


def seconds_text(seconds: float) -> str:
    """Seconds with two digits that count."""
    if seconds < 1:
        return f"{seconds * 1000:.2g} ms" if seconds < 0.0995 else f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.2g} s" if seconds < 9.95 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def dollars_text(dollars: float) -> str:
    """US dollars an hour."""
    return f"${dollars:,.0f}" if dollars >= 100 else f"${dollars:.2f}" if dollars >= 0.1 else f"${dollars:.3f}"


def rate_text(rate: float) -> str:
    """Tokens a second."""
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"


def hardware_text(device: str, count: int) -> str:
    """``2×NVIDIA RTX 4090``; an id that is no longer in the catalog as it is."""
    from engine.hardware.loading import load_hardware

    known = load_hardware()
    title = known[device].title if device in known else device
    return f"{count}×{title}"


def quantization_text(quantization: str, lang: str) -> str:
    """The title of a quantisation; an id that is no longer known as it is."""
    from engine.sizing.quantizations import quantizations

    known = quantizations()
    return known[quantization].title["zh" if lang == "zh" else "en"] if quantization in known else quantization


def benchmarks_text(benchmarks: Mapping[str, float], lang: str) -> str:
    """Scores by the names of their benchmarks."""
    return ", ".join(
        f"{say(f'recommendation.benchmarks.{name}', lang)} {score:g}" for name, score in benchmarks.items()
    )


_UNITS: Mapping[str, Callable[[Any], str]] = {
    "s": seconds_text,
    "bytes": bytes_text,
    "tokens": lambda value: f"{value:,.0f}",
    "count": lambda value: f"{value:,.0f}",
    "rate": rate_text,
    "usd": dollars_text,
    "score": lambda value: f"{value:.1f}",
    "share": lambda value: f"{value:.3g}" if value > 0.5 else f"{value:.0%}" if value >= 0.01 else f"{value:.1%}",
}
