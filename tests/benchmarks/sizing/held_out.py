"""Holds ``engine.sizing.size_option`` to measurements it was never fitted to: ``measurements_more.json``.

    python tests/benchmarks/sizing/held_out.py [FILE]

Every point is asked as a user would ask: model, quantisation, hardware, tokens, requests at once. What sizing does not
choose by itself (tensor parallel sizes, speculation) is left out of the question; points that speculate are set aside.
Where a source gives no lengths, a usual chat is assumed (100 tokens in, 500 out) and the point is marked so.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from engine.hardware import load_hardware
from engine.sized import Range, Sizing, Workload
from engine.sizing import find_model, size_option
from sizing.peer_tools import Run

MORE = Path(__file__).parent / "measurements_more.json"
FEW, MANY = 8, 128
"""Requests at once: few, where the bar on times per token lies; many, which saturate a server, so that its tokens per
second can be compared with what sizing calls its throughput."""


@dataclass(frozen=True)
class Measured:
    """A run and what was measured of it: seconds per token, output tokens per second. ``assumed``: its lengths were
    not stated."""

    run: Run
    doc: str
    tpot: float | None
    throughput: float | None
    assumed: bool


def read(path: Path) -> Iterator[Measured | str]:
    """The points that name a model and a quantisation of the catalog; of the others, why not."""
    devices = load_hardware()
    for point in json.loads(path.read_text("utf-8"))["points"]:
        label = f"{point['doc']}: {point['model']} {point['quantization']} on {point['hardware']}"
        if point["device"] not in devices:
            yield f"{label}: hardware that the catalog lacks"
        elif "MTP" in json.dumps(point):
            yield f"{label}: speculates"
        else:
            prompt, output = round(point["mean_input_tokens"] or 100), round(point["mean_output_tokens"] or 500)
            at_once = int(point["max_concurrency"] or point["requests"])
            run = Run(
                find_model(point["model"]), point["quantization"], devices[point["device"]], point["count"],
                _engine(point), prompt, output, prompt + output, at_once,
            )  # fmt: skip
            tpot = point["mean_tpot_ms"] / 1e3 if point["mean_tpot_ms"] else None
            yield Measured(run, point["doc"], tpot, _output_rate(point), point["mean_output_tokens"] is None)


def ask(run: Run) -> Sizing:
    """The run as a question to sizing."""
    workload = Workload(run.prompt, run.output, run.concurrency, run.context)
    return size_option(run.variant, run.quantization, run.device, run.count, workload, engine=run.engine)


def main() -> int:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else MORE
    few: list[tuple[float, bool]] = []
    some: list[tuple[float, bool]] = []
    rates: list[tuple[float, bool]] = []
    aside: list[str] = []
    print(f"{'':78} {'measured':>10} {'ours':>10} {'':>6} {'80 % range':>21}")
    for point in read(path):
        if isinstance(point, str):
            aside.append(point)
            continue
        answer, run = ask(point.run), point.run
        label = f"{run.variant.id} {run.quantization} {run.count} x {run.device.id} {run.engine}, {run.concurrency} x {run.prompt}+{run.output}"
        label += " (assumed)" if point.assumed else ""
        if point.tpot and run.concurrency < MANY:
            (few if run.concurrency <= FEW else some).append(_line(label + " ms", point.tpot, answer.tpot, 1e3))
        if point.throughput and run.concurrency >= MANY:
            rates.append(_line(label + " tok/s", point.throughput, answer.throughput, 1.0))
    for title, values in (
        (f"time per token, at most {FEW} at once", few),
        (f"time per token, up to {MANY} at once", some),
        (f"tokens per second, {MANY} at once or more", rates),
    ):
        if values:
            error = statistics.median(value for value, _ in values)
            print(f"{title}: {len(values)} points, median error {error:.0%}, inside the stated range {sum(inside for _, inside in values)}")  # fmt: skip
    print(f"set aside {len(aside)}:", *aside, sep="\n- ")
    return 0


def _line(label: str, measured: float, estimate: Range, unit: float) -> tuple[float, bool]:
    inside = estimate.low <= measured <= estimate.high
    off = estimate.value / measured - 1
    print(f"{label:78} {measured * unit:10.2f} {estimate.value * unit:10.2f} {off:+6.0%} "
          f"{estimate.low * unit:10.2f}…{estimate.high * unit:<10.2f}{'' if inside else ' outside'}")  # fmt: skip
    return abs(off), inside


def _output_rate(point: dict[str, Any]) -> float | None:
    """Output tokens per second; from the total's where only that is published, by the share of output tokens."""
    if point["output_tok_s"]:
        return float(point["output_tok_s"])
    if not point["total_tok_s"] or not point["mean_output_tokens"]:
        return None
    return float(
        point["total_tok_s"] * point["mean_output_tokens"] / (point["mean_input_tokens"] + point["mean_output_tokens"])
    )


def _engine(point: dict[str, Any]) -> str | None:
    """The engine by its command, or as stated; ``None``: left to sizing."""
    for words in (point["serve"], point["engines"]):
        low = (words or "").lower()
        for name in ("sglang", "llama.cpp", "ollama", "mindie", "vllm"):
            if name in low or (name == "llama.cpp" and "llama-bench" in low):
                return name
    return None


if __name__ == "__main__":
    raise SystemExit(main())
