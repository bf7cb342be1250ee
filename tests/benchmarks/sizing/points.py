"""Published measurements as questions that sizing can answer, and what in them contradicts itself."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from engine.catalog import load_family, load_published
from engine.catalog.schema import Parameters, Shape, Variant
from engine.claim import read_variants
from engine.hardware import find_hardware

HERE = Path(__file__).parent
POINTS = HERE / "measurements.json"

_DEVICES = {
    "h200": "h200", "h100": "h100-sxm", "h20": "h20-96gb", "h800": "h800", "b200": "b200", "a100": "a100-80gb", "a800": "a800",
    "l40s": "l40s", "l40": "l40", "l4": "l4", "a10": "a10", "4090": "rtx-4090", "5090": "rtx-5090", "3090": "rtx-3090",
    "910b": "ascend-910b", "910c": "ascend-910c", "mi300x": "mi300x", "v100": "v100-32gb", "t4": "t4",
}  # fmt: skip


@dataclass(frozen=True)
class Question:
    """One measurement, read. ``problems``: what in it contradicts itself.

    Rates are as published: ``tokens`` per second of the whole run, times in seconds. ``inflight``: mean requests in
    flight by Little's law, from the run's own figures.
    """

    doc: str
    serve: str
    variant: Variant
    quantization: str
    device: str
    devices: int
    engine: str
    tensor: int
    pipeline: int
    data: int
    spread: bool
    experts_apart: bool
    cache_bytes: float
    drafted: int
    chunk: int | None
    running: int | None
    requests: int
    prompt: float
    output: float
    concurrency: int | None
    tokens: float
    ttft: float
    tpot: float
    inflight: float
    problems: tuple[str, ...]

    @property
    def alike(self) -> bool:
        """Whether all requests are of one length: synthetic prompts; chats (ShareGPT) have some 220 tokens on average."""
        return not 200 < self.prompt < 260

    @property
    def burst(self) -> bool:
        """Whether all requests were sent at once, as stated."""
        return self.concurrency is None


def read_points(path: Path) -> tuple[list[Question], list[str]]:
    """The questions in a file of points, and a sentence for each point that cannot be asked."""
    questions, unread = [], []
    for point in json.loads(path.read_text())["points"]:
        try:
            questions.append(read_point(point))
        except (ValueError, KeyError, TypeError) as error:
            unread.append(f"{point.get('doc')}, {point.get('serve')}: {error}")
    return questions, unread


def read_point(point: dict[str, Any]) -> Question:
    """One measurement.

    Raises:
        ValueError: it names hardware or a model that is not known here.
        KeyError, TypeError: a figure is missing.
    """
    serve = re.sub(r"\\|(?m:^#.*?(?=vllm|python|trtllm))", " ", point["serve"])
    name = _model_name(serve)
    variant = _variant(name)
    stated = _count(point["hardware"])
    tensor = _number(serve, r"(?:-tp|--tp|--tp-size|--tp_size|--tensor-parallel-size)") or 1
    pipeline = _number(serve, r"(?:-pp|--pp|--pp-size|--pp_size|--pipeline-parallel-size)") or 1
    data = _number(serve, r"(?:-dp|--data-parallel-size)") or 1
    engine = (
        "sglang"
        if "sglang" in serve
        else "trtllm"
        if "trtllm" in serve
        else "mindie"
        if "mindie" in serve.lower()
        else "vllm"
    )
    spread = "--enable-dp-attention" in serve or "--enable_attention_dp" in serve
    if engine == "sglang" and not spread and "--dp" in serve:
        data = _number(serve, r"(?:--dp|--dp-size)") or 1
    experts_apart = "expert-parallel" in serve or (_number(serve, r"--ep[-_]size") or 1) > 1
    if experts_apart and data > 1:
        # Experts over all devices, attention on each for its own requests: one replica, not several.
        tensor, data, spread = tensor * data, 1, True
    requests, output = int(point["requests"]), float(point["mean_output_tokens"])
    ttft, tpot = point["mean_ttft_ms"] / 1e3, point["mean_tpot_ms"] / 1e3
    limit = point["max_concurrency"]
    inflight = requests * (ttft + (output - 1) * tpot) / point["duration_s"]
    return Question(
        doc=point["doc"], serve=serve, variant=variant, quantization=_quantization(name, serve, variant),
        device=_device(point["hardware"]), devices=tensor * pipeline * data, engine=engine, tensor=tensor, pipeline=pipeline,
        data=data, spread=spread, experts_apart=experts_apart,
        cache_bytes=1.0 if re.search(r"kv[-_]cache[-_]dtype[ =]fp8", serve) else 2.0, drafted=_drafted(serve),
        chunk=_number(serve, r"(?:--max-num-batched-tokens|--max_num_tokens|--chunked-prefill-size)"),
        running=_number(serve, r"(?:--max-num-seqs|--max_batch_size|--max-running-requests)"),
        requests=requests, prompt=float(point["mean_input_tokens"]), output=output,
        concurrency=None if limit is None else int(limit), tokens=requests * output / point["duration_s"], ttft=ttft, tpot=tpot,
        inflight=inflight, problems=tuple(_problems(point["doc"], name, stated, tensor * pipeline * data, limit, inflight)),
    )  # fmt: skip


def _problems(doc: str, name: str, stated: int, needed: int, limit: float | None, inflight: float) -> list[str]:
    """What in a point contradicts itself."""
    found = []
    if needed > stated:
        found.append(f"serves on {needed} devices where {stated} are stated")
    ours, theirs = (re.findall(r"(\d+(?:\.\d+)?)b(?![a-z0-9])", text.lower()) for text in (doc.split("/")[0], name))
    if ours and theirs and ours[0] != theirs[0]:
        found.append(f"serves a {theirs[0]}B model in the document of {doc.split('/')[0]}")
    if limit is not None and inflight > 1.5 * limit:
        found.append(f"states {limit:.0f} requests at once, and its own times make {inflight:.0f} (Little's law)")
    return found


def _model_name(serve: str) -> str:
    found = re.search(r"(?:vllm serve|--model-path|--model|trtllm-serve(?: serve)?)[ =]+(\S+)", serve)
    found = found or re.search(r"(?:^|\s)([\w./-]*/[\w.-]+)", serve)
    if found is None:
        raise ValueError("it names no model")
    return found[1].rstrip("/").rsplit("/", 1)[-1]


def _variant(name: str) -> Variant:
    known = [*load_family("deepseek-r1").variants, *load_published()]
    plain = re.sub(
        r"[-_](?:fp8|fp4|nvfp4|awq|gptq.*|int4|int8|w8a8|w4a16|instruct|thinking|\d{4})(?=[-_]|$)", "", name, flags=re.I
    )
    extra = yaml.safe_load((HERE / "models.yaml").read_text())
    for title in (name, plain):
        for key, entry in extra.items():
            if key.lower() == title.lower():
                count = Parameters(main=entry["parameters"], stored=entry["parameters"], about=True)
                return Variant(id=key, kind="other", title={"en": key, "zh": key}, shape=Shape(**entry["shape"]),
                               parameters=count, source="models.yaml")  # fmt: skip
        exact = [variant for variant in known if variant.id.lower() == title.lower()]
        named = exact or [variant for variant in known if variant.id in read_variants(title, known)]
        if named:
            return named[0]
    raise ValueError(f"no model {name} is known here: add it to models.yaml")


def _quantization(name: str, serve: str, variant: Variant) -> str:
    low = name.lower()
    flag = re.search(r"--quantization[ =](\w+)", serve)
    low += f"-{flag[1].lower()}" if flag else ""
    for mark, quantization in (("awq", "awq-int4"), ("gptq", "gptq-int4"), ("int4", "gptq-int4"), ("w4a16", "gptq-int4"),
                               ("nvfp4", "nvfp4"), ("fp4", "nvfp4"), ("fp8", "fp8"), ("w8a8", "int8"), ("int8", "int8")):  # fmt: skip
        if mark in low:
            return quantization
    if variant.shape.model_type == "gpt_oss":
        return "mxfp4"
    if low == "kimi-k2-thinking":
        return "gptq-int4"
    # DeepSeek's, Kimi's and MiniMax's are published in FP8.
    published_fp8 = ("deepseek_v3", "deepseek_v32", "kimi_k2", "minimax_m2")
    return "fp8" if variant.shape.model_type in published_fp8 and "bf16" not in low else "bf16"


def _device(hardware: str) -> str:
    low = re.sub(r"[\s-]", "", hardware.lower())
    for mark in sorted(_DEVICES, key=len, reverse=True):
        if mark in low:
            return _DEVICES[mark]
    found = find_hardware(hardware)
    if not found:
        raise ValueError(f"no device is known here in: {hardware}")
    return found[0].installed.device


def _count(hardware: str) -> int:
    found = re.search(r"(\d+)\s*[×xX*]", hardware)
    return int(found[1]) if found else 1


def _number(serve: str, option: str) -> int | None:
    found = re.search(rf"(?<![\w-]){option}[ =]+(\d+)", serve)
    return int(found[1]) if found else None


def _drafted(serve: str) -> int:
    """Tokens that each step proposes by speculation; of a tree, those on its longest path."""
    for option in (r"--speculative-num-steps", r'"?num_speculative_tokens"?[:]?'):
        found = re.search(rf"{option}[ =:]*(\d+)", serve)
        if found:
            return int(found[1])
    return 3 if re.search(r"speculative|EAGLE|MTP", serve) else 0
