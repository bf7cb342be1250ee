"""Devices in words."""

from __future__ import annotations

from bot.presentation.view import Mark, Part, View, words
from bot.requests import Lang
from engine.backends import Device
from engine.units import bytes_text


def devices_view(devices: tuple[Device, ...], lang: Lang, mark: Mark) -> View:
    """A line each; below, what is missing for them to compute."""
    said = words(lang)["devices"]
    lines = tuple(_line(device, lang, mark) for device in devices)
    lacking = [said["no_torch"]] if any(not device.dtypes for device in devices) else []
    return View(said["title"], f"{said['title']}: {len(devices)}", (Part(lines), *(Part((text,)) for text in lacking)))


def _line(device: Device, lang: Lang, mark: Mark) -> str:
    said = words(lang)["devices"]
    text: str = said["line"].format(
        id=device.id,
        name=mark(device.name),
        free=bytes_text(device.memory_free),
        total=bytes_text(device.memory_total),
        budget=bytes_text(device.budget),
    )
    computes = said["dtypes"].format(names=", ".join(device.dtypes)) if device.dtypes else ""
    return f"{text}{computes}{said['where'].format(host=mark(device.where)) if device.where else ''}"
