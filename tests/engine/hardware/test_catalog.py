"""The hardware catalog holds what its makers and drivers say, each figure within what physics and its sheet allow."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import CatalogError
from engine.hardware import find_hardware, hardware_memory, load_hardware, parse_hardware
from engine.hardware.loading import load_catalog
from engine.hardware.schema import Device

DEVICES = list(load_hardware().values())
NAMED = {  # how people write each, in English and in Chinese
    "h20-96gb": ("8×H20", "8卡H20 96G"), "h20-141gb": ("H20-3e", "H20 141G"), "h100-sxm": ("H100 SXM5", "八张H100"),
    "h100-pcie": ("H100-PCIe-80GB", "H100 PCIe卡"), "h100-nvl": ("H100 NVL 94GB", "H100 94G"), "h800": ("H800", "H800 8卡"),
    "h200": ("NVIDIA H200 141GB", "八卡H200"), "h200-nvl": ("4x H200 NVL", "H200 NVL四张"), "gh200": ("GH200", "一台GH200"),
    "b200": ("B200 192GB", "8张B200"), "gb200": ("GB200", "GB200两张"), "b300": ("B300", "B300 8卡"), "gb300": ("GB300", "GB300 四张"),
    "a100-80gb": ("A100-SXM4-80GB", "A100 80G"), "a100-40gb": ("A100 40GB", "40G的A100"),
    "a100-pcie-80gb": ("A100-PCIE-80GB", "A100 80G PCIe"), "a100-pcie-40gb": ("A100-PCIE-40GB", "A100 40G PCIe"),
    "a800": ("A800 80GB", "八卡A800"), "a10": ("NVIDIA A10", "两张A10"), "a10g": ("A10G", "A10G一张"), "a30": ("A30", "A30两张"),
    "a40": ("A40", "A40 48G"), "rtx-a6000": ("RTX A6000", "四张A6000"), "rtx-a5000": ("RTX A5000", "A5000"),
    "l40s": ("L40S", "4卡L40S"), "l40": ("L40", "L40两张"), "l20": ("L20", "八张L20"), "l4": ("L4", "一张L4"), "t4": ("Tesla T4", "T4卡"),
    "v100-32gb": ("Tesla V100-SXM2-32GB", "V100 32G"), "v100-16gb": ("V100 16GB", "16G的V100"),
    "rtx-6000-ada": ("RTX 6000 Ada Generation", "6000 Ada"), "rtx-5000-ada": ("RTX 5000 Ada", "5000 Ada 32G"),
    "rtx-pro-6000": ("RTX PRO 6000 Blackwell", "PRO 6000 96G"),
    "rtx-pro-6000-server": ("RTX PRO 6000 Blackwell Server Edition", "PRO 6000 Server"),
    "rtx-2080-ti": ("RTX 2080 Ti", "2080Ti"), "rtx-3080-10gb": ("RTX 3080", "3080显卡"), "rtx-4060-8gb": ("RTX 4060 8GB", "4060显卡"),
    "rtx-4070-12gb": ("RTX 4070", "4070一张"), "rtx-5070-12gb": ("RTX 5070", "5070显卡"), "rtx-3060-12gb": ("RTX 3060 12GB", "3060显卡"), "rtx-3090": ("GeForce RTX 3090", "双3090"),
    "rtx-3090-ti": ("3090 Ti", "3090Ti一张"), "rtx-4060-ti-16gb": ("4060 Ti 16GB", "4060Ti 16G"),
    "rtx-4070-ti-super": ("RTX 4070 Ti SUPER", "4070TiS"), "rtx-4080": ("RTX 4080", "4080显卡"),
    "rtx-4080-super": ("RTX 4080 Super", "4080super"), "rtx-4090": ("GeForce RTX 4090", "两张4090"), "rtx-4090-d": ("RTX 4090 D", "4090D"),
    "rtx-4090-48gb": ("RTX 4090 48GB", "魔改4090 48G"), "rtx-5060-ti-16gb": ("RTX 5060 Ti 16GB", "5060Ti"),
    "rtx-5070-ti": ("RTX 5070 Ti", "5070Ti"), "rtx-5080": ("RTX 5080", "5080显卡"), "rtx-5090": ("RTX 5090", "双路5090"),
    "rtx-5090-d": ("RTX 5090 D", "5090D"), "mi210": ("Instinct MI210", "MI210"), "mi250x": ("MI250X", "AMD MI250"),
    "mi300x": ("AMD Instinct MI300X", "8张MI300X"), "mi325x": ("MI325X", "MI325X 八卡"), "mi350x": ("MI350X", "MI350X"),
    "mi355x": ("MI355X", "8卡MI355X"), "rx-7900-xtx": ("Radeon RX 7900 XTX", "7900XTX"), "radeon-r9700": ("Radeon AI PRO R9700", "R9700"),
    "ascend-910b": ("Ascend 910B", "昇腾910B3"), "ascend-910b-32gb": ("910B 32GB", "华为昇腾910B4"), "ascend-910c": ("Ascend 910C", "昇腾910C"),
    "atlas-300i-duo": ("Atlas 300I Duo", "昇腾310P"), "gaudi-2": ("Intel Gaudi 2", "Gaudi2八卡"), "gaudi-3": ("Gaudi 3", "英特尔Gaudi3"),
    "mtt-s4000": ("MTT S4000", "摩尔线程S4000"), "m3-ultra-512gb": ("Mac Studio M3 Ultra 512GB", "M3 Ultra 512G内存"),
    "m4-max-128gb": ("M4 Max 128GB", "MacBook Pro M4 Max 128G"), "m4-16gb": ("Apple M4 16GB", "Mac mini M4 16G"),
    "m1-max-64gb": ("M1 Max 64GB", "苹果M1 Max 64G"), "dgx-spark": ("DGX Spark", "一台DGX Spark"),
    "ryzen-ai-max-395-128gb": ("Ryzen AI Max+ 395 128GB", "AI Max 395 128G"), "jetson-thor-128gb": ("Jetson AGX Thor", "Jetson Thor"),
    "jetson-agx-orin-64gb": ("Jetson AGX Orin 64GB", "AGX Orin"), "jetson-agx-orin-32gb": ("AGX Orin 32GB", "AGX Orin 32G"),
    "jetson-orin-nx-16gb": ("Jetson Orin NX", "Orin NX 16G"), "jetson-orin-nano-8gb": ("Jetson Orin Nano", "Orin Nano 8G"),
    "snapdragon-8-gen-3-16gb": ("Snapdragon 8 Gen 3", "骁龙8Gen3 16G"), "snapdragon-8-elite-12gb": ("Snapdragon 8 Elite 12GB", "骁龙8至尊版12G"),
    "dimensity-9300-12gb": ("Dimensity 9300 12GB", "天玑9300 12G"), "a17-pro-8gb": ("iPhone 15 Pro Max", "苹果A17 Pro"),
    "a18-8gb": ("iPhone 16", "iPhone 16 Plus"), "a18-pro-8gb": ("iPhone 16 Pro", "A18 Pro"), "epyc-9654-768gb": ("EPYC 9654", "EPYC 9654 768G"),
    "epyc-9755-1152gb": ("EPYC 9755 1152GB", "EPYC 9755 1152G内存"), "xeon-8480-512gb": ("Xeon Platinum 8480+", "至强 512G"),
    "xeon-6430-256gb": ("Xeon Gold 6430 256GB", "Xeon Gold 6430 256G内存"), "laptop-cpu-32gb": ("Core Ultra 7 155H 32GB", "笔记本CPU"),
    "raspberry-pi-5-16gb": ("Raspberry Pi 5 16GB", "树莓派5 16G"),
    "raspberry-pi-4-8gb": ("Raspberry Pi 4 8GB", "树莓派4 8G"),
}  # fmt: skip
WITHIN = {  # GB/s of memory and TFLOP/s in the widest 16-bit type, of anything such a maker has sold
    "nvidia": ((60, 8200), (14, 2600)), "amd": ((250, 8200), (50, 2600)), "huawei": ((200, 3300), (100, 800)),
    "intel": ((2000, 4000), (400, 2000)), "apple": ((50, 820), (3, 30)), "qualcomm": ((70, 90), (4, 8)),
    "mediatek": ((70, 90), (4, 8)), "other": ((12, 800), (0.05, 120)), "cpu": ((80, 620), (1, 240)),
}  # fmt: skip


def test_there_are_the_devices_that_people_run_models_on() -> None:
    assert len(DEVICES) >= 100
    assert {device.vendor for device in DEVICES} == set(WITHIN)
    assert {device.kind for device in DEVICES} == {"accelerator", "unified", "phone", "cpu"}


@pytest.mark.parametrize(("device", "text"), [(device, text) for device, texts in NAMED.items() for text in texts])
def test_every_device_is_found_by_its_usual_names_and_no_other_is(device: str, text: str) -> None:
    for sentence in (text, f"we have {text} here", f"我们用{text}，可以吗", f"({text})"):
        assert [mention.installed.device for mention in find_hardware(sentence)] == [device], sentence


def test_every_kind_of_device_is_among_those_names() -> None:
    def family(device: Device) -> str:
        return device.id.rsplit("-", 1)[0] if device.id.endswith("gb") else device.id

    apple = {
        "m3-ultra",
        "m4-max",
        "m4-pro",
        "m4",
        "m3-max",
        "m3-pro",
        "m2-ultra",
        "m2-max",
        "m2-pro",
        "m1-ultra",
        "m1-max",
        "m1-pro",
    }
    named = {family(load_hardware()[device]) for device in NAMED} | apple
    assert {family(device) for device in DEVICES} - named <= {"dimensity-9400"}  # named in test_finding


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.id)
def test_figures_are_within_physical_bounds(device: Device) -> None:
    (slow, fast), (few, many) = WITHIN[device.vendor]
    assert 0.5 * device.memory <= device.usable <= 1.08 * device.memory
    assert slow <= device.bandwidth <= fast
    half = max(device.flops.get("bf16", 0), device.flops.get("fp16", 0)) or device.flops["fp32"]
    assert few <= half <= many
    order = [device.flops[dtype] for dtype in ("fp4", "fp8", "bf16", "fp32") if dtype in device.flops]
    assert order == sorted(order, reverse=True), "a smaller type is never slower"
    assert device.flops.get("int8", half) >= half
    if device.watts:
        assert device.watts >= 5 and half / device.watts < 12, "TFLOP/s a watt, more than anything dense reaches"
    assert device.per_node == 1 or device.kind in ("accelerator", "cpu")
    assert device.engines and len(device.source) > 10


@pytest.mark.parametrize("device", [device for device in DEVICES if device.price], ids=lambda device: device.id)
def test_a_price_has_its_source_and_a_bought_one_its_sum(device: Device) -> None:
    assert device.price and 0 < device.price.low <= device.price.high < 20
    if device.price.amortised:
        words = device.price.source.rpartition(": ")[2].removesuffix(" USD").replace(",", "").split(" to ")
        low, high = float(words[0]), float(words[-1])
        power = (device.watts or 0) / 1000 * 0.12
        assert (device.price.low, device.price.high) == pytest.approx((low / 26_280 + power, high / 26_280 + power))
    else:
        assert "20" in device.price.source, "the year it was asked in"


def test_memory_adds_up_in_gigabytes() -> None:
    assert hardware_memory(parse_hardware("8xH200")) == pytest.approx(8 * 150.75)
    assert hardware_memory(parse_hardware("2x4090")[0]) == pytest.approx(51.52)


ZETA = (
    "{id: zeta, title: Zeta, vendor: other, names: 'zeta (one)', memory: 64, usable: 60, bandwidth: 1000,"
    " flops: {bf16: 200}, link: {kind: pcie, bandwidth: 32}, engines: [vllm], source: ours}"
)


def test_a_users_file_adds_devices_and_replaces_ours(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(f"devices:\n  - {ZETA}\n  - {ZETA.replace('id: zeta', 'id: l4').replace('zeta (one)', 'l4')}\n")
    devices = load_hardware((path,))
    assert devices["zeta"].flops == {"bf16": 200} and devices["l4"].memory == 64 and "l4" in load_hardware()
    assert load_hardware()["l4"].memory == 24, "the shipped catalog stays as it is"
    assert parse_hardware("3x zeta one", (path,))[0].device == "zeta"


def test_an_edited_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(f"devices: [{ZETA}]\n")
    assert load_hardware((path,))["zeta"].memory == 64
    path.write_text(f"devices: [{ZETA.replace('memory: 64', 'memory: 96')}]\n# edited\n")
    assert load_hardware((path,))["zeta"].memory == 96


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("memory: 64", "memory: -64"), "memory"),
        (("bandwidth: 1000", "bandwidth: fast"), "bandwidth"),
        (("engines: [vllm]", "engines: [fortran]"), "engines"),
        (("{bf16: 200}", "'bf16 200 300'"), "flops"),
        (("source: ours", "price: 'about 3 dollars', source: ours"), "rent 2-3"),
        (("vendor: other", "vendor: acme"), "vendor"),
        (("'zeta (one)'", "''"), "names"),
    ],
)
def test_a_wrong_file_is_told_by_line_and_field(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(f"devices:\n\n  - {ZETA.replace(*change)}\n")
    with pytest.raises(CatalogError) as refused:
        load_hardware((path,))
    assert told in refused.value.sentence() and "3" in refused.value.sentence(), refused.value.sentence()


def test_a_machine_of_unknown_devices_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text("machines:\n  - {names: our box, devices: omega, count: 8, source: ours}\n")
    with pytest.raises(CatalogError, match="omega"):
        load_hardware((path,))
    path.write_text("machines:\n  - {names: our box, devices: l4, count: 6, source: ours}\n")
    assert parse_hardware("2x our box", (path,))[0].count == 12
    assert load_catalog().machines
