"""The endpoints of the arena, drawn from a seed. Nothing is listed: no two seeds have an endpoint in common.

``honest``: what teams run and say so. Served are R1 and R1-0528 (40 %), the distills (40 %) and other models
(20 %, a third of them V3 or V3.1: the same size and tokenizer, the likeliest confusion). Stacks: vLLM 36 %, SGLang
17 %, gateways 20 %, Ollama 12 % and llama.cpp 10 % (smaller models mostly), TGI 5 %. The shares are judged, after
what self-hosting guides recommend; nobody publishes them.

``disguised``: what a doubting buyer meets. 34 % are distills sold as the full model, 16 % other models sold as it
(V3 and V3.1 among them), 14 % send a share of requests (5 to 50 %, drawn evenly) to a distill, 24 % are the full
model looking odd (recounted, cut anew, stripped: wolf must not be cried), 8 % a distill and 4 % another model under
its own name behind the same oddities. Each has one to four disguises. One in twelve of the sold ones is a full
proxy: counts, pieces and cut all along DeepSeek's tokenizer, so that only what it knows and how it talks is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TypeVar

from arena.chance import stream, weighed
from arena.disguises import (
    FULL_PROXY,
    Cached,
    Disguise,
    ForcedTemperature,
    HiddenThought,
    Mixed,
    NoStream,
    NoUsage,
    Quantised,
    Renamed,
    draw_prompt,
    draw_rechunk,
    draw_recount,
    draw_trouble,
    draw_withheld,
)  # fmt: skip
from arena.models import MODELS, Model, Truth
from arena.stacks import Name, Stack, draw_stack

D = TypeVar("D")
_FULL = {"DeepSeek-R1": 55.0, "DeepSeek-R1-0528": 45.0}
_DISTILLED = {
    "R1-Distill-Qwen-1.5B": 8.0, "R1-Distill-Qwen-7B": 18.0, "R1-Distill-Qwen-14B": 16.0, "R1-Distill-Qwen-32B": 24.0,
    "R1-Distill-Llama-8B": 10.0, "R1-Distill-Llama-70B": 14.0, "R1-0528-Qwen3-8B": 10.0,
}  # fmt: skip
_RELATIVES = {"DeepSeek-V3": 3.0, "DeepSeek-V3-0324": 4.0, "DeepSeek-V3.1": 4.0}
_OTHER = {
    **_RELATIVES, "Qwen2.5-7B-Instruct": 2.0, "Qwen2.5-32B-Instruct": 3.0, "Qwen2.5-72B-Instruct": 3.0, "QwQ-32B": 4.0,
    "Qwen3-8B": 2.0, "Qwen3-32B": 3.0, "Qwen3.5-27B": 1.0, "Llama-3.1-8B-Instruct": 1.0, "Llama-3.3-70B-Instruct": 2.0,
    "GLM-4-32B": 1.5, "MiniMax-M1": 1.0, "Mistral-Small-24B": 1.5,
}  # fmt: skip
_LARGE: dict[Name, float] = {"vllm": 37, "sglang": 33, "gateway": 25, "llamacpp": 3, "ollama": 2}
_SMALL: dict[Name, float] = {"vllm": 35, "sglang": 6, "gateway": 17, "llamacpp": 15, "ollama": 19, "tgi": 8}
_SELLERS: dict[Name, float] = {"gateway": 72, "vllm": 17, "sglang": 8, "llamacpp": 2, "ollama": 1}
_AS_FULL = (
    "deepseek-r1", "DeepSeek-R1", "deepseek-ai/DeepSeek-R1", "deepseek-reasoner", "deepseek-r1:671b", "DeepSeek-R1-671B",
    "deepseek/deepseek-r1", "deepseek-r1-671b-full", "DeepSeek-R1-0528", "deepseek/deepseek-r1-0528",
    "pro/deepseek-ai/DeepSeek-R1", "deepseek-r1-满血版",
)  # fmt: skip
_OLLAMA = {
    "DeepSeek-R1": "deepseek-r1:671b-fp16", "DeepSeek-R1-0528": "deepseek-r1:671b",
    "R1-Distill-Qwen-1.5B": "deepseek-r1:1.5b", "R1-Distill-Qwen-7B": "deepseek-r1:7b",
    "R1-Distill-Qwen-14B": "deepseek-r1:14b", "R1-Distill-Qwen-32B": "deepseek-r1:32b",
    "R1-Distill-Llama-8B": "deepseek-r1:8b-llama-distill-q4_K_M", "R1-Distill-Llama-70B": "deepseek-r1:70b",
    "R1-0528-Qwen3-8B": "deepseek-r1:8b", "DeepSeek-V3": "deepseek-v3:671b", "DeepSeek-V3.1": "deepseek-v3.1:671b",
    "Qwen2.5-7B-Instruct": "qwen2.5:7b", "Qwen2.5-32B-Instruct": "qwen2.5:32b", "Qwen2.5-72B-Instruct": "qwen2.5:72b",
    "QwQ-32B": "qwq:32b", "Qwen3-8B": "qwen3:8b", "Qwen3-32B": "qwen3:32b", "Llama-3.1-8B-Instruct": "llama3.1:8b",
    "Llama-3.3-70B-Instruct": "llama3.3:70b", "Mistral-Small-24B": "mistral-small:24b",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Served:
    """An endpoint of the arena, and the truth about it.

    Attributes:
        variant: what answers (most requests of, when mixed), by catalog id.
        truth: the outcome that is right.
        name: what the model is called, in the listing and in requests.
        thinking: for models with a switch, whether it is on.
        pace: seconds a token on plausible hardware; used when the arena is paced.
    """

    number: int
    seed: int
    variant: str
    truth: Truth
    stack: Stack
    name: str
    disguises: tuple[Disguise, ...] = ()
    thinking: bool = True
    pace: float = 0.02

    def of(self, kind: type[D]) -> D | None:
        """The disguise of a kind, if it has it."""
        return next((disguise for disguise in self.disguises if isinstance(disguise, kind)), None)

    @property
    def id(self) -> str:
        """What its draws are seeded by."""
        return f"{self.seed}/{self.number}"


def honest(seed: int, n: int = 500) -> list[Served]:
    """Endpoints that are what their names say."""
    return [_honest(stream("honest", seed, number), seed, number) for number in range(n)]


def disguised(seed: int, n: int = 500) -> list[Served]:
    """Endpoints that hide what they are, or look as if they did."""
    return [_disguised(stream("disguised", seed, number), seed, number) for number in range(n)]


def trusted(variant: str, number: int = 0, *, seed: int = 0, stack: Stack | None = None) -> Served:
    """A plain vLLM endpoint of a known model, to record references from."""
    rng = stream("trusted", seed, variant, number)
    stack = stack or Stack("vllm", thoughts="reasoning_content", context=131_072, strict=True)
    model = MODELS[variant]
    return Served(number, seed, variant, model.truth, stack, model.repo, pace=_pace(model, rng))


def _honest(rng: Random, seed: int, number: int) -> Served:
    model = MODELS[weighed(weighed_groups({"full": 40, "distilled": 40, "other": 20}, rng), rng)]
    stack = _stack_for(model, rng)
    few_bits = stack.name in ("llamacpp", "ollama") or rng.random() < 0.12
    kept: tuple[Disguise, ...] = (Quantised(rng.uniform(0.03, 0.06)),) if few_bits else ()
    return _served(rng, seed, number, model, stack, _own_name(model, stack, rng), kept)


def _disguised(rng: Random, seed: int, number: int) -> Served:
    scene = weighed({"distill sold": 34, "other sold": 16, "mixed": 14, "full": 24, "distill": 8, "other": 4}, rng)
    sold = scene.endswith("sold")
    kind = {"mixed": "full", "distill sold": "distilled", "distill": "distilled", "full": "full"}.get(scene, "other")
    model = MODELS[weighed(weighed_groups({kind: 1}, rng), rng)]
    stack = draw_stack(rng, _SELLERS)
    forger = sold or (scene == "mixed" and rng.random() < 0.5)
    if forger and rng.random() < 1 / 12:
        disguises: list[Disguise] = list(FULL_PROXY)
    else:
        disguises = _some(rng, rng.randint(0 if sold or scene == "mixed" else 1, 3), forger=forger, full=kind == "full")
    if sold:
        disguises.insert(0, Renamed(rng.choice(_AS_FULL)))
    if scene == "mixed":
        disguises.insert(0, Mixed(weighed(_DISTILLED, rng), rng.uniform(0.05, 0.5)))
    renamed = next((disguise.name for disguise in disguises if isinstance(disguise, Renamed)), None)
    name = renamed or (rng.choice(_AS_FULL[:8]) if model.id == "DeepSeek-R1" else _own_name(model, stack, rng))
    return _served(rng, seed, number, model, stack, name, tuple(disguises), mixed=scene == "mixed")


def _some(rng: Random, count: int, *, forger: bool, full: bool) -> list[Disguise]:
    """So many disguises, no two of a kind."""
    shares = {"usage": 26, "pieces": 18, "withheld": 16, "prompt": 12, "heat": 7, "cache": 6, "trouble": 12,
              "no stream": 5, "thought": 4, "quantised": 8 if full else 0}  # fmt: skip
    drawn: list[Disguise] = []
    for _ in range(count):
        kind = weighed({name: float(share) for name, share in shares.items()}, rng)
        shares.pop(kind)
        if kind == "usage":
            drawn.append(NoUsage() if rng.random() < 0.4 else draw_recount(rng, forger=forger and rng.random() < 0.7))
        elif kind == "pieces":
            shares.pop("no stream", None)
            drawn.append(draw_rechunk(rng, forger=forger))
        elif kind == "no stream":
            shares.pop("pieces", None)
            drawn.append(NoStream(rng.random() < 0.6))
        else:
            drawn.append({
                "withheld": lambda: draw_withheld(rng), "prompt": lambda: draw_prompt(rng, forger=forger),
                "heat": lambda: ForcedTemperature(rng.uniform(0.3, 1.2)), "cache": lambda: Cached(rng.random() < 0.3),
                "trouble": lambda: draw_trouble(rng), "thought": HiddenThought,
                "quantised": lambda: Quantised(rng.uniform(0.03, 0.08)),
            }[kind]())  # fmt: skip
    return drawn


def weighed_groups(shares: dict[str, float], rng: Random) -> dict[str, float]:
    """The models of a group, the group drawn by its share."""
    return {"full": _FULL, "distilled": _DISTILLED, "other": _OTHER}[weighed(shares, rng)]


def _served(
    rng: Random, seed: int, number: int, model: Model, stack: Stack, name: str, disguises: tuple[Disguise, ...],
    *, mixed: bool = False,
) -> Served:  # fmt: skip
    thinking = model.thinks != "switch" or rng.random() < 0.4
    truth: Truth = "mixed" if mixed else model.truth
    return Served(number, seed, model.id, truth, stack, name, disguises, thinking, _pace(model, rng))


def _stack_for(model: Model, rng: Random) -> Stack:
    shares = _LARGE if model.billions > 100 else _SMALL
    # What no llama.cpp build of the time could run.
    barred = ("ollama", "llamacpp", "tgi") if model.id in ("MiniMax-M1", "Qwen3.5-27B", "GLM-4-32B") else ()
    return draw_stack(rng, {name: share for name, share in shares.items() if name not in barred})


def _own_name(model: Model, stack: Stack, rng: Random) -> str:
    if stack.name == "ollama":
        return _OLLAMA.get(model.id, model.repo.lower())
    short = model.repo.partition("/")[2]
    if stack.name == "llamacpp":
        return f"{short}-{rng.choice(('Q4_K_M', 'Q5_K_M', 'Q8_0'))}.gguf"
    if stack.name == "gateway" and model.id == "DeepSeek-R1" and rng.random() < 0.4:
        return rng.choice(("deepseek-r1", "deepseek/deepseek-r1", "deepseek-reasoner"))
    return rng.choices(
        (model.repo, short, short.lower(), "deepseek-r1" if model.id == "DeepSeek-R1" else short), (55, 20, 15, 10)
    )[0]


def _pace(model: Model, rng: Random) -> float:
    """Seconds a token: bound by memory bandwidth, so by active weights, with the spread of real services."""
    active = {671: 37, 456: 46}.get(model.billions, model.billions)
    return rng.lognormvariate(0, 0.35) * (0.006 + 0.0006 * active)
