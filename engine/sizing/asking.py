"""``size``: the question as people ask it."""

from __future__ import annotations

from pathlib import Path

from engine.constraints.record import Installed
from engine.errors import UsageError
from engine.sized import Sizing, Workload
from engine.sizing.models import find_model
from engine.sizing.options import size_option
from engine.sizing.quantizations import quantizations


def size(
    model: str,
    hardware: tuple[Installed, ...],
    *,
    quantization: str | None = None,
    workload: Workload,
    family_files: tuple[Path, ...] = (),
    hardware_files: tuple[Path, ...] = (),
) -> tuple[Sizing, ...]:
    """How ``model`` runs on each of ``hardware``, in every quantisation that exists for it and runs there, or in the one
    named.

    Args:
        model: see ``engine.sizing.models.find_model``.
        hardware: devices of the hardware catalog; several kinds are answered one by one.

    Raises:
        UsageError: the model, a device or the quantisation is unknown.
        TargetError: the target cannot be read.
    """
    from engine.hardware import load_hardware

    variant = find_model(model, family_files)
    devices = load_hardware(hardware_files)
    chosen = [_quantization(quantization)] if quantization else list(quantizations())
    found = []
    for installed in hardware:
        if installed.device not in devices:
            raise UsageError("size_device_unknown", name=installed.device[:60])
        for name in chosen:
            answer = size_option(variant, name, devices[installed.device], installed.count, workload)
            if quantization or answer.memory.capacity:
                found.append(answer)
    return tuple(found)


def _quantization(text: str) -> str:
    """The id that is meant, however it is written."""
    plain = {name.lower().replace("_", "-"): name for name in quantizations()}
    wanted = text.strip().lower().replace("_", "-")
    found = plain.get(wanted) or plain.get(_OTHER_NAMES.get(wanted, ""))
    if found is None:
        raise UsageError("quantization_unknown", name=text[:60], known=", ".join(quantizations()))
    return found


_OTHER_NAMES = {
    "fp16": "bf16", "bfloat16": "bf16", "float16": "bf16", "w8a8": "int8", "fp8-w8a8": "fp8", "awq": "awq-int4", "int4": "awq-int4",
    "w4a16": "awq-int4", "gptq": "gptq-int4", "fp4": "nvfp4", "q8": "q8-0", "q6": "q6-k", "q5": "q5-k-m", "q4": "q4-k-m",
    "q4-k": "q4-k-m", "q3": "q3-k-m", "q2": "q2-k", "iq1-s": "ud-iq1-s", "1.58bit": "ud-iq1-s", "q2-k-xl": "ud-q2-k-xl",
}  # fmt: skip
