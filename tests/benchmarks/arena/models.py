"""The models that are served: their tokenizers, templates and how able the simulation takes them to be.

Tokenizers and templates are the published ones (``published_tokenizers``); templates that no package carries are
written out after their model cards. ``knows`` and ``solves`` are logits made up for the simulation, ordered like
the models' sizes and like the AIME 2024 scores of their cards; they are no measurements.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from engine.catalog import load_family, load_published

Thinks = Literal["template", "itself", "switch", "never"]
Truth = Literal["full", "distilled", "other", "mixed"]

_LLAMA = (
    "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
    "Today Date: 26 Jul 2024\n\n{system}<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n{user}<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
)
_QWQ = "<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n<think>\n"
_QWQ_SYSTEM = "<|im_start|>system\n{system}<|im_end|>\n"
_MISTRAL = "<s>[SYSTEM_PROMPT]{system}[/SYSTEM_PROMPT][INST]{user}[/INST]"
MISTRAL_SYSTEM = (
    "You are Mistral Small 3, a Large Language Model (LLM) created by Mistral AI, a French startup headquartered in "
    "Paris.\nYour knowledge base was last updated on 2023-10-01."
)


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be served.

    Attributes:
        id: as in the catalog, where it has it.
        tokenizer: by the names of ``published_tokenizers``.
        template: whose chat template renders its prompts, by the same names; or one written out here, with
            ``{system}`` and ``{user}``.
        bos, eos: token texts; ``bos`` is what completions put before the prompt, empty for none.
        thinks: ``template``: the template opens the block; ``itself``: the model does; ``switch``: only where
            the server turns it on.
        kin: whose knowledge it largely shares: the model it was made from.
        knows, solves: logits of knowing a fact and solving a problem of middling difficulty.
    """

    id: str
    repo: str
    tokenizer: str
    template: str
    thinks: Thinks
    kin: str
    knows: float
    solves: float
    billions: float
    bos: str = ""
    eos: str = "<｜end▁of▁sentence｜>"
    maker: tuple[str, str] = ("DeepSeek-R1", "DeepSeek")

    @property
    def truth(self) -> Truth:
        """The outcome that is right for it."""
        kind = _catalog_kinds().get(self.id, "other")
        return "full" if kind == "full" else "distilled" if kind == "distilled" else "other"

    @property
    def vocabulary_size(self) -> int:
        """Rows of its embedding: ids from here on are refused."""
        return _sizes().get(self.id, 200_064)


_BOS = "<｜begin▁of▁sentence｜>"
_R1, _DS = ("DeepSeek-R1", "DeepSeek"), "deepseek-ai/DeepSeek-"
_QW, _IM, _EOT = ("Qwen", "Alibaba Cloud"), "<|im_end|>", "<|eot_id|>"
_ALL = (
    Model("DeepSeek-R1", _DS + "R1", "deepseek-r1", "deepseek-r1", "template", "v3", 2.85, 1.4, 671, _BOS),
    Model("DeepSeek-R1-0528", _DS + "R1-0528", "deepseek-r1", "r1-0528-qwen3", "itself", "v3", 2.95, 2.3, 671, _BOS),
    Model("DeepSeek-V3", _DS + "V3", "deepseek-v3", "deepseek-v3", "never", "v3", 2.7, -0.4, 671, _BOS,
          maker=("DeepSeek-V3", "DeepSeek")),
    Model("DeepSeek-V3-0324", _DS + "V3-0324", "deepseek-v3", "deepseek-v3", "never", "v3", 2.8, 0.4, 671, _BOS,
          maker=("DeepSeek-V3", "DeepSeek")),
    Model("DeepSeek-V3.1", _DS + "V3.1", "deepseek-v3.1", "deepseek-v3.1", "switch", "v3", 2.9, 0.7, 671, _BOS,
          maker=("DeepSeek-V3.1", "DeepSeek")),
    Model("R1-Distill-Qwen-1.5B", _DS + "R1-Distill-Qwen-1.5B", "r1-distill-qwen", "r1-distill-qwen", "template",
          "qwen-math-1.5b", -1.9, -0.9, 1.5, _BOS),
    Model("R1-Distill-Qwen-7B", _DS + "R1-Distill-Qwen-7B", "r1-distill-qwen", "r1-distill-qwen", "template",
          "qwen-math-7b", -0.9, 0.2, 7, _BOS),
    Model("R1-Distill-Qwen-14B", _DS + "R1-Distill-Qwen-14B", "r1-distill-qwen", "r1-distill-qwen", "template",
          "qwen-14b", 0.3, 0.8, 14, _BOS),
    Model("R1-Distill-Qwen-32B", _DS + "R1-Distill-Qwen-32B", "r1-distill-qwen", "r1-distill-qwen", "template",
          "qwen-32b", 0.8, 1.0, 32, _BOS),
    Model("R1-Distill-Llama-8B", _DS + "R1-Distill-Llama-8B", "r1-distill-llama", "r1-distill-llama", "template",
          "llama-8b", -0.4, 0.0, 8, _BOS),
    Model("R1-Distill-Llama-70B", _DS + "R1-Distill-Llama-70B", "r1-distill-llama", "r1-distill-llama", "template",
          "llama-70b", 1.6, 0.9, 70, _BOS),
    Model("R1-0528-Qwen3-8B", _DS + "R1-0528-Qwen3-8B", "r1-0528-qwen3", "r1-0528-qwen3", "itself",
          "qwen3-8b", -0.2, 1.8, 8),
    Model("Qwen2.5-7B-Instruct", "Qwen/Qwen2.5-7B-Instruct", "qwen2.5", "qwen2.5", "never", "qwen-7b", -0.5, -2.2, 7,
          eos=_IM, maker=_QW),
    Model("Qwen2.5-32B-Instruct", "Qwen/Qwen2.5-32B-Instruct", "qwen2.5", "qwen2.5", "never", "qwen-32b", 0.9, -1.6,
          32, eos=_IM, maker=_QW),
    Model("Qwen2.5-72B-Instruct", "Qwen/Qwen2.5-72B-Instruct", "qwen2.5", "qwen2.5", "never", "qwen-72b", 1.5, -1.2,
          72, eos=_IM, maker=_QW),
    Model("QwQ-32B", "Qwen/QwQ-32B", "qwen3", _QWQ, "template", "qwen-32b", 0.8, 1.4, 32, eos=_IM, maker=_QW),
    Model("Qwen3-8B", "Qwen/Qwen3-8B", "qwen3", "qwen3", "itself", "qwen3-8b", -0.2, 1.1, 8, eos=_IM, maker=_QW),
    Model("Qwen3-32B", "Qwen/Qwen3-32B", "qwen3", "qwen3", "itself", "qwen3-32b", 0.9, 1.5, 32, eos=_IM, maker=_QW),
    Model("Qwen3.5-27B", "Qwen/Qwen3.5-27B", "qwen3.5", "qwen3.5", "template", "qwen3.5", 1.0, 1.7, 27, eos=_IM,
          maker=_QW),
    Model("Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-8B-Instruct", "llama-3", _LLAMA, "never", "llama-8b", -0.3,
          -3.0, 8, "<|begin_of_text|>", _EOT, ("Llama", "Meta")),
    Model("Llama-3.3-70B-Instruct", "meta-llama/Llama-3.3-70B-Instruct", "llama-3", _LLAMA, "never", "llama-70b", 1.7,
          -1.2, 70, "<|begin_of_text|>", _EOT, ("Llama", "Meta")),
    Model("GLM-4-32B", "THUDM/GLM-4-32B-0414", "glm-4", "glm-4", "never", "glm", 0.8, -1.3, 32, "[gMASK]<sop>", "<|user|>",
          maker=("ChatGLM", "Zhipu AI")),
    Model("MiniMax-M1", "MiniMaxAI/MiniMax-M1-40k", "minimax", "minimax", "itself", "minimax", 2.3, 1.5, 456,
          eos="<end_of_sentence>", maker=("MiniMax-M1", "MiniMax")),
    Model("Mistral-Small-24B", "mistralai/Mistral-Small-24B-Instruct-2501", "tekken", _MISTRAL, "never", "mistral",
          0.7, -1.7, 24, "<s>", "</s>", ("Mistral Small", "Mistral AI")),
)  # fmt: skip
MODELS: dict[str, Model] = {model.id: model for model in _ALL}
QWQ_SYSTEM = _QWQ_SYSTEM


@cache
def _catalog_kinds() -> dict[str, str]:
    return {variant.id: variant.kind for variant in load_family("deepseek-r1").variants}


@cache
def _sizes() -> dict[str, int]:
    known = [*load_family("deepseek-r1").variants, *load_published()]
    return {variant.id: variant.shape.vocab_size for variant in known if variant.shape.vocab_size}
