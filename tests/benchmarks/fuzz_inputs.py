"""Malformed safetensors, GGUF, JSON, YAML and cards: one clear sentence each, no traceback, no hang, no memory.

python tests/benchmarks/fuzz_inputs.py [count] [seed]
"""

from __future__ import annotations

import importlib
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from memory import peak_megabytes

import engine
from engine.catalog import load_family
from engine.catalog.schema import Shape, Variant
from engine.errors import R1Error
from engine.samples import published, write_checkpoint, write_gguf

COUNT, SECONDS, MEGABYTES = 12_000, 2.0, 500
NASTY = (
    b"\x00" * 64, b"\xff" * 64, b"[" * 5000, b'{"a":' * 5000, b"9" * 400, b"1e999", b"NaN", b'"\\ud800"', b"-1", b"null",
    b"18446744073709551615", b"9223372036854775807", b"{}", b"[]", b"true", b'""', b"*a", b"&a [*a,*a]", b"!!python/object:os.system",
    b"\xe2\x80\xae", b"<!channel>", b"\x1b[2J", b": : :", b"\t- x", b"..", b"%PDF",
)  # fmt: skip
Mutator = Callable[[bytes, random.Random], bytes]


def flip(data: bytes, chance: random.Random) -> bytes:
    """A few bits turned over, mostly near the front, where the structure is."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = (
            min(int(chance.expovariate(1 / 200)), len(changed) - 1)
            if chance.random() < 0.7
            else chance.randrange(len(changed))
        )
        changed[at] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def insert(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + chance.choice(NASTY) + data[at:]


def overwrite(data: bytes, chance: random.Random) -> bytes:
    at, nasty = chance.randrange(len(data)), chance.choice(NASTY)
    return data[:at] + nasty + data[at + len(nasty) :]


def huge(data: bytes, chance: random.Random) -> bytes:
    """An eight-byte number made enormous: lengths and counts are that wide."""
    at = chance.randrange(0, max(1, min(len(data) - 8, 4000)))
    value = chance.choice((2**63 - 1, 2**64 - 1, 2**40, 10**9, 0, 1))
    return data[:at] + value.to_bytes(8, "little") + data[at + 8 :]


def swap(data: bytes, chance: random.Random) -> bytes:
    """A number or word of the text replaced."""
    words = sorted(
        {b"BF16", b"F32", b"shape", b"data_offsets", b"dtype", b"1024", b"0", b"vocab", b"id", b"kind", b"shape:"}
    )
    return data.replace(chance.choice(words), chance.choice(NASTY), chance.randint(1, 3))


MUTATORS: tuple[Mutator, ...] = (flip, flip, cut, insert, overwrite, huge, swap)


def seeds(root: Path) -> dict[str, tuple[Path, str]]:
    """The files that are mutated, by kind: a complete small target, and the file within it."""
    small = published("R1-Distill-Qwen-1.5B")
    shape: Shape = small.shape.model_copy(
        update={"num_hidden_layers": 2, "hidden_size": 256, "intermediate_size": 512, "vocab_size": 1024}
    )
    tiny: Variant = small.model_copy(update={"shape": shape, "tokenizer": None})
    directory = write_checkpoint(tiny, root / "checkpoint")
    (directory / "tokenizer.json").write_text(
        '{"added_tokens": [{"id": 1, "content": "<think>"}], "model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}}'
    )
    (root / "gguf").mkdir()
    write_gguf(tiny, root / "gguf" / "model.gguf", quant="Q8_0")
    family = root / "family"
    family.mkdir()
    source = Path(engine.__file__).parent / "catalog" / "article.yaml"
    (family / "family.yaml").write_bytes(source.read_bytes())
    return {
        "safetensors": (directory, "model.safetensors"),
        "config.json": (directory, "config.json"),
        "tokenizer.json": (directory, "tokenizer.json"),
        "README.md": (directory, "README.md"),
        "GGUF": (root / "gguf", "model.gguf"),
        "family YAML": (family, "family.yaml"),
    }


def feed(kind: str, folder: Path, name: str) -> None:
    """Give the mutated file to the part of the product that reads it."""
    if kind == "family YAML":
        load_family("article", (folder / name,))
    else:
        engine.identify(str(folder / name if kind == "GGUF" else folder))


def run(count: int, seed: int) -> int:
    chance = random.Random(seed)
    outcomes: dict[str, Counter[str]] = {}
    slowest, tracebacks = 0.0, 0
    with tempfile.TemporaryDirectory() as temporary:
        targets = seeds(Path(temporary))
        for kind, (folder, name) in targets.items():  # imports are not what is timed
            feed(kind, folder, name)
        importlib.import_module("transformers.models.auto.configuration_auto")
        originals = {kind: (folder / name).read_bytes() for kind, (folder, name) in targets.items()}
        for number in range(count):
            kind = chance.choice(list(targets))
            folder, name = targets[kind]
            data = originals[kind]
            for _ in range(chance.randint(1, 3)):
                data = chance.choice(MUTATORS)(data, chance) or b"\x00"
            (folder / name).unlink()
            (folder / name).write_bytes(data)
            started = time.perf_counter()
            tally = outcomes.setdefault(kind, Counter())
            try:
                feed(kind, folder, name)
                tally["accepted"] += 1
            except R1Error as error:
                sentences = {error.sentence("en"), error.sentence("zh")}
                tally[
                    "sentence" if all(len(text) < 600 and "\n" not in text for text in sentences) else "bad sentence"
                ] += 1
            except Exception:
                tracebacks += 1
                tally["traceback"] += 1
                if tracebacks <= 5:
                    print(f"input {number} ({kind}):")
                    traceback.print_exc(limit=-3, file=sys.stdout)
                    shutil.copy(folder / name, Path(tempfile.gettempdir()) / f"fuzz-{seed}-{number}")
            slowest = max(slowest, time.perf_counter() - started)
            (folder / name).write_bytes(originals[kind])
    return report(outcomes, count, slowest, tracebacks)


def report(outcomes: dict[str, Counter[str]], count: int, slowest: float, tracebacks: int) -> int:
    for kind, tally in outcomes.items():
        print(f"{kind:16} " + "  ".join(f"{name} {number:,}" for name, number in sorted(tally.items())))
    megabytes = peak_megabytes()
    bad = tracebacks + sum(tally["bad sentence"] for tally in outcomes.values())
    print(
        f"{count:,} inputs, {tracebacks} tracebacks, slowest {slowest:.2f} s (bar {SECONDS}), peak {megabytes:.0f} MB (bar {MEGABYTES})"
    )
    passed = not bad and slowest <= SECONDS and megabytes <= MEGABYTES
    print("PASS" if passed else "short of the bar")
    return not passed


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    raise SystemExit(run(given[0] if given else COUNT, given[1] if len(given) > 1 else 1))
