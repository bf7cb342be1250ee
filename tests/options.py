"""Options with figures of one's choosing, to decide between."""

from __future__ import annotations

from typing import Any, Literal

from engine.identification import Option, Said
from engine.sized import Layout, Memory, Range, Sizing


def option(
    variant: str,
    *,
    kind: Literal["full", "distilled"] = "distilled",
    quality: float = 70.0,
    ttft: float = 0.2,
    tpot: float = 0.02,
    cost: float | None = 1.0,
    score: float | None = None,
    fails: tuple[Said, ...] = (),
    device: str = "rtx-4090",
    count: int = 1,
    weights: int = 20_000_000_000,
) -> Option:
    """An option that fits, unless ``fails`` says otherwise."""
    sizing = Sizing(
        model=variant,
        quantization="awq-int4",
        device=device,
        count=count,
        engine="vllm",
        layout=Layout(tensor=count),
        memory=Memory(weights, 10**9, 200_000, 10**9, 10**9, weights + 4 * 10**9),
        fits=not any(said.code in ("fails.memory", "fails.context", "fails.concurrency") for said in fails),
        max_context=32_768,
        max_concurrency=4,
        ttft=_around(ttft),
        tpot=_around(tpot),
        throughput=_around(1 / tpot),
        prefill=_around(5_000.0),
        bound="memory",
        cost=_around(cost) if cost is not None else None,
    )
    return Option(
        variant=variant,
        title={"en": variant, "zh": variant},
        kind=kind,
        sizing=sizing,
        quality=quality,
        benchmarks={"gpqa_diamond": quality},
        score=quality if score is None else score,
        fails=fails,
    )


def _around(value: float) -> Range:
    return Range(value * 0.8, value, value * 1.25)


def said(code: str, **values: Any) -> Said:
    return Said(code, values)
