"""The same questions to sizing tools from PyPI and to ours: memory, feasibility, speed; side by side, with mistakes.

    python tests/benchmarks/sizing/peers.py [--peers NAME …] [--venvs FOLDER] [--points FILE …]

Every peer is installed into a virtual environment of its own in a temporary folder (hf-vram-calc takes 6 GB there,
since it wants torch); ``--venvs`` keeps them. Truths: for weights the published files of ``documented.yaml`` and
2 bytes a parameter; for the cache the closed form of DeepSeek-V2's and GQA's papers; for feasibility the documented
cases; for speed published measurements of at most 8 requests at once.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parent.parent))

from engine.catalog import load_family
from engine.catalog.schema import Variant
from engine.errors import R1Error
from engine.hardware import load_hardware, parse_hardware
from engine.sized import Workload
from engine.sizing import find_model, size_option
from sizing.held_out import FEW, MORE, ask, read
from sizing.peer_speed import SPEEDS
from sizing.peer_tools import ADDERS, GIB, Memory, Peer, Run, Tools
from sizing.points import POINTS, read_point

HERE = Path(__file__).parent
CONTEXT = 32768
QUANTIZATIONS = ("bf16", "fp8", "awq-int4")
Truth = tuple[float | None, float]
"""Bytes of the weights, where published, and of the cache."""


def main() -> int:
    options = _options()
    documented = yaml.safe_load((HERE / "documented.yaml").read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        tools = Tools(options.venvs or Path(folder) / "venvs", Path(folder) / "shown")
        tools.shown.mkdir()
        peers = [peer for peer in (*ADDERS, *SPEEDS) if not options.peers or peer.name in options.peers]
        for peer in peers:
            tools.install(peer)
        memory(tools, peers, documented["sizes"])
        feasibility(tools, peers, documented["cases"])
        speed(tools, peers, [POINTS, *options.points])
    return 0


def memory(tools: Tools, peers: Sequence[Peer], sizes: list[dict[str, object]]) -> None:
    """Weights and cache of every variant, and what each peer gets wrong."""
    variants = [v for v in load_family("deepseek-r1").variants if v.kind == "distilled" or v.id == "DeepSeek-R1"]
    names = ["ours", *(peer.name for peer in peers)]
    errors: dict[str, list[list[float]]] = {name: [[], []] for name in names}
    nearer: list[str] = []
    print(f"Memory: weights GB / cache GB of one request of {CONTEXT:,} tokens (16 bits); – : cannot say")
    print(f"{'':22}{'':9} {'truth':>16} " + " ".join(f"{name:>16}" for name in names))
    for variant in variants:
        for quantization in QUANTIZATIONS:
            truth = _truth(variant, quantization, sizes)
            said = {"ours": _our_memory(variant, quantization)}
            said |= {peer.name: peer.memory(tools, variant, quantization, CONTEXT) for peer in peers}
            print(f"{variant.id:22}{quantization:9} {_cell(truth[0], truth[1]):>16} "
                  + " ".join(f"{_cell(m.weights, m.cache) if m else '–':>16}" for m in said.values()))  # fmt: skip
            nearer += _nearer(f"{variant.id} {quantization}", truth[0], said)
            for name, answer in said.items():
                for which, value in enumerate((answer.weights, answer.cache) if answer else ()):
                    if value is not None and (right := truth[which]) is not None:
                        errors[name][which].append(value / right - 1)
    for which, title in enumerate(("weights", "cache")):
        print(f"{title:9} median error, worst, answered: "
              + "; ".join(f"{name} {_errors(errors[name][which])}" for name in names))  # fmt: skip
    print(
        "\nWhere a peer is nearer to the published weights than ours, by half a percent or more:",
        *nearer or ["nowhere"],
        sep="\n- ",
    )
    print("\nMistakes, by their own figures:")
    for peer in peers:
        for sentence in _memory_mistakes(tools, peer, sizes):
            print(f"- {peer.name}: {sentence}")


def _nearer(label: str, right: float | None, said: dict[str, Memory | None]) -> list[str]:
    ours = said["ours"]
    if right is None or ours is None:
        return []
    own = ours.weights / right - 1
    return [
        f"{label}: {name} {answer.weights / 1e9:.2f} GB ({answer.weights / right - 1:+.1%}), ours {ours.weights / 1e9:.2f} ({own:+.1%})"
        for name, answer in said.items()
        if answer and abs(own) - abs(answer.weights / right - 1) >= 0.005
    ]


def _memory_mistakes(tools: Tools, peer: Peer, sizes: list[dict[str, object]]) -> Iterator[str]:
    full, llama, qwen = (find_model(name) for name in ("DeepSeek-R1", "R1-Distill-Llama-70B", "R1-Distill-Qwen-32B"))
    for variant, what in ((full, "MLA's latent cache as keys and values of whole heads"), (llama, "GQA as MHA")):
        answer = peer.memory(tools, variant, _known(tools, peer, variant), CONTEXT)
        right = _cache(variant, CONTEXT)
        if answer and answer.cache and answer.cache / right > 1.5:
            yield (f"counts {what}: {answer.cache / 1e9:.2f} GB for {CONTEXT:,} tokens of {variant.id}, where "
                   f"{right / 1e9:.2f} GB are right ({answer.cache / right:.1f} times too much)")  # fmt: skip
    wide, narrow = (peer.memory(tools, full, quantization, CONTEXT) for quantization in ("bf16", "awq-int4"))
    eight = peer.memory(tools, full, "fp8", CONTEXT)
    caches = {bits: m.cache for bits, m in ((16, wide), (8, eight), (4, narrow)) if m and m.cache}
    if len({round(cache / 1e8) for cache in caches.values()}) > 1:
        with_bits = ", ".join(f"{cache / 1e9:.1f} GB at {bits} bits" for bits, cache in caches.items())
        yield f"lets the cache change with the weights' format, though it stays at 16 bits: {with_bits} of weights"
    if narrow and narrow.cache == 0:
        yield f"keeps no cache at all with AWQ weights: 0 GB for {CONTEXT:,} tokens of {full.id}"
    small, large = (peer.memory(tools, qwen, "bf16", tokens) for tokens in (4096, CONTEXT))
    if (
        small
        and large
        and small.total
        and large.total
        and large.total - small.total < 0.5 * _cache(qwen, CONTEXT - 4096)
    ):
        yield (f"leaves the cache out of its total: {qwen.id} takes {small.total / 1e9:.1f} GB with 4,096 tokens and "
               f"{large.total / 1e9:.1f} GB with {CONTEXT:,}, where the cache alone grows by "
               f"{_cache(qwen, CONTEXT - 4096) / 1e9:.1f} GB")  # fmt: skip
    published = _truth(qwen, "awq-int4", sizes)[0]
    four = peer.memory(tools, qwen, "awq-int4", CONTEXT)
    if four and published and abs(four.weights / published - 1) > 0.05:
        yield (f"4 bits of {qwen.id}: {four.weights / 1e9:.1f} GB, where the AWQ files are {published / 1e9:.1f} GB "
               f"({four.weights / published - 1:+.0%}: scales, zero points and 16 bit embeddings)")  # fmt: skip
    if eight and eight.weights < (whole := _our_memory(full, "fp8").weights) - 1e9:
        yield (f"FP8 of {full.id}: {eight.weights / 1e9:.1f} GB, one byte for each of 671B weights, where embeddings, head and "
               f"scales make it {whole / 1e9:.1f} without the prediction layer, and the files are 688.6 with it")  # fmt: skip
    for variant in (full, qwen):
        if all(peer.memory(tools, variant, quantization, CONTEXT) is None for quantization in QUANTIZATIONS):
            yield f"cannot say anything of {variant.id}"


def feasibility(tools: Tools, peers: Sequence[Peer], cases: list[dict[str, object]]) -> None:
    """Documented cases: how many each answers, how many rightly, and which not."""
    print(f"\nFeasibility: {len(cases)} documented cases")
    tallies: dict[str, list[int]] = {name: [0, 0] for name in ("ours", *(peer.name for peer in peers))}
    wrong: dict[str, list[str]] = {name: [] for name in tallies}
    for case in cases:
        run = _run_of(case)
        if run is None:
            continue
        said = {"ours": ask(run).fits} | {peer.name: peer.fits(tools, run) for peer in peers}
        for name, fits in said.items():
            if fits is not None:
                tallies[name][0] += 1
                tallies[name][1] += fits is case["fits"]
                if fits is not case["fits"]:
                    verb = "fits" if case["fits"] else "does not fit"
                    wrong[name].append(f"{run.variant.id} {run.quantization} {verb} on {case['hardware']} "
                                       f"({run.concurrency} x {run.context:,})")  # fmt: skip
    for name, (answered, right) in tallies.items():
        print(f"{name:16} answered {answered:3}, right {right:3}; wrong: {'; '.join(wrong[name]) or 'none'}")


def speed(tools: Tools, peers: Sequence[Peer], files: Sequence[Path]) -> None:
    """Time per output token against published measurements of few requests at once."""
    able = [peer for peer in peers if peer.tpot]
    print("\nTime per output token, ms, at most 8 requests at once; – : cannot say")
    print(f"{'':60} {'measured':>9} {'ours':>16} " + " ".join(f"{peer.name:>16}" for peer in able))
    errors: dict[str, list[float]] = {name: [] for name in ("ours", *(peer.name for peer in able))}
    shared: dict[str, list[tuple[float, float]]] = {peer.name: [] for peer in able}
    for run, measured in (pair for file in files for pair in _measured(file)):
        ours = ask(run).tpot.value
        said = {"ours": ours} | {peer.name: peer.tpot(tools, run) for peer in able if peer.tpot}
        label = f"{run.variant.id} {run.quantization}, {run.count} x {run.device.id}, {run.concurrency} at once, {run.prompt:,} in"
        print(f"{label:60} {measured * 1e3:9.2f} "
              + " ".join(f"{f'{tpot * 1e3:.2f} ({tpot / measured - 1:+.0%})' if tpot else '–':>16}" for tpot in said.values()))  # fmt: skip
        for name, tpot in said.items():
            if tpot:
                errors[name].append(abs(tpot / measured - 1))
                if name != "ours":
                    shared[name].append((abs(tpot / measured - 1), abs(ours / measured - 1)))
    for name, values in errors.items():
        line = (
            f"{name:16} {len(values):3} answered, median error {statistics.median(values):.0%}"
            if values
            else f"{name:16} none"
        )
        if pairs := shared.get(name):
            line += (f"; on the same {len(pairs)} ours has {statistics.median(own for _, own in pairs):.0%}, and is nearer in "
                     f"{sum(own < theirs for theirs, own in pairs)}")  # fmt: skip
        print(line)
    print("Saturated throughput: servcalc alone gives tokens per second of a batch, of dense models on one GPU only, of which "
          "no saturated measurement is among the points; the others cannot say.")  # fmt: skip


def _truth(variant: Variant, quantization: str, sizes: list[dict[str, object]]) -> Truth:
    cache = _cache(variant, CONTEXT)
    for entry in sizes:
        if entry["model"] == variant.id and entry["quantization"] == quantization:
            size = float(str(entry["gb"])) * 1e9 if "gb" in entry else float(str(entry["gib"])) * GIB
            return size, cache
    return (2.0 * variant.parameters.main if quantization == "bf16" else None), cache


def _cache(variant: Variant, tokens: int) -> float:
    """MLA: layers x (kv_lora_rank + qk_rope_head_dim); GQA: layers x 2 x kv_heads x head_dim; 2 bytes each."""
    shape = variant.shape
    if shape.kv_lora_rank:
        return 2.0 * tokens * shape.num_hidden_layers * (shape.kv_lora_rank + (shape.qk_rope_head_dim or 0))
    head = shape.head_dim or shape.hidden_size // shape.num_attention_heads
    return 4.0 * tokens * shape.num_hidden_layers * (shape.num_key_value_heads or shape.num_attention_heads) * head


def _known(tools: Tools, peer: Peer, variant: Variant) -> str:
    return next((q for q in QUANTIZATIONS if peer.memory(tools, variant, q, CONTEXT)), "bf16")


def _our_memory(variant: Variant, quantization: str) -> Memory:
    found = size_option(variant, quantization, load_hardware()["b200"], 1, Workload(context=CONTEXT)).memory
    return Memory(found.weights, found.kv_cache, found.needed)


def _run_of(case: dict[str, object]) -> Run | None:
    try:
        (installed,) = parse_hardware(str(case["hardware"]))
    except R1Error:
        print(f"  unknown hardware: {case['hardware']}")
        return None
    device = load_hardware()[installed.device]
    if "usable" in case:  # the source let the server take more of a device than 0.9 of it
        device = device.model_copy(update={"usable": device.usable * float(str(case["usable"])) / 0.9})
    context = int(str(case.get("context", 4096)))
    return Run(
        find_model(str(case["model"])), str(case["quantization"]), device, installed.count, str(case["engine"]),
        context // 2, context // 2, context, int(str(case.get("concurrency", 1))),
    )  # fmt: skip


def _measured(file: Path) -> Iterator[tuple[Run, float]]:
    """Runs of at most 8 requests at once that do not speculate, with their measured seconds per token."""
    if file.name == MORE.name:
        for found in read(file):
            if not isinstance(found, str) and found.tpot and not found.assumed and found.run.concurrency <= FEW:
                yield found.run, found.tpot
        return
    devices = load_hardware()
    for asked in map(read_point, json.loads(file.read_text("utf-8"))["points"]):
        if asked.concurrency and asked.concurrency <= FEW and not asked.problems and not asked.drafted:
            prompt, output = round(asked.prompt), round(asked.output)
            yield Run(asked.variant, asked.quantization, devices[asked.device], asked.devices, asked.engine, prompt, output,
                      prompt + output, asked.concurrency), asked.tpot  # fmt: skip


def _cell(weights: float | None, cache: float | None) -> str:
    return " / ".join("–" if value is None else f"{value / 1e9:.2f}" for value in (weights, cache))


def _errors(values: list[float]) -> str:
    if not values:
        return "–"
    return f"{statistics.median(map(abs, values)):.1%}, {max(values, key=abs):+.0%}, {len(values)}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__ or "")[0])
    parser.add_argument("--peers", nargs="*", default=[], help="only these")
    parser.add_argument("--venvs", type=Path, help="folder of virtual environments, kept")
    parser.add_argument("--points", type=Path, nargs="*", default=[MORE])
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
