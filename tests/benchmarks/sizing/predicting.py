"""What sizing says of a measured run: its serve command put as a placement, its requests as a burst or a steady load."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.hardware import load_hardware
from engine.sized import Layout
from engine.sizing.efficiencies import FITTED, Efficiencies
from engine.sizing.engines import serving_of
from engine.sizing.machine import machine_of
from engine.sizing.memory import memory_of, room_for_cache
from engine.sizing.model_parts import parts_of
from engine.sizing.placement import Placement, weigh
from engine.sizing.quantizations import quantizations
from engine.sizing.roofline import rates_of
from engine.sizing.serving import burst, steady
from engine.sizing.speculation import accepted_tokens
from sizing.points import Question


@dataclass(frozen=True)
class Prediction:
    """Tokens per second of the whole run, and seconds."""

    tokens: float
    ttft: float
    tpot: float


def placed(question: Question, efficiencies: Efficiencies = FITTED) -> Placement:
    """The replica that a point's command starts."""
    quantization = quantizations()[question.quantization]
    machine = machine_of(load_hardware()[question.device])
    serving = serving_of(question.engine, machine)
    serving = replace(serving, chunk=question.chunk or serving.chunk, running=question.running or serving.running)
    parts = parts_of(question.variant.shape, question.variant.parameters)
    layout = Layout(question.tensor, question.pipeline, question.tensor if question.experts_apart else 1, question.data)
    return Placement(
        parts, weigh(parts, quantization), quantization, machine, serving, layout, spread=question.spread,
        cache_bytes=question.cache_bytes, drafted=question.drafted, accepted=accepted_tokens(question.drafted),
        efficiencies=efficiencies,
    )  # fmt: skip


def predict(question: Question, efficiencies: Efficiencies = FITTED, *, as_burst: bool | None = None) -> Prediction:
    """The run as stated; ``as_burst``: whatever it states, all sent at once (or not)."""
    placement = placed(question, efficiencies)
    rates = rates_of(placement)
    room = room_for_cache(memory_of(placement, int(question.prompt + question.output), 1))
    at_once = question.burst if as_burst is None else as_burst
    if at_once or question.concurrency is None:
        requests = question.requests / question.data
        run = burst(rates, requests, question.prompt, question.output, room, alike=question.alike)
        return Prediction(run.throughput * question.data, run.ttft, run.tpot)
    run_steadily = steady(rates, question.prompt, question.output, question.concurrency / question.data, room)
    return Prediction(run_steadily.throughput * question.data, run_steadily.ttft, run_steadily.tpot)
