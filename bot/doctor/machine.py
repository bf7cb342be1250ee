"""This machine: optional packages, devices, fonts, and the user's own files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from bot.doctor.finding import Finding, failed
from bot.settings import Settings
from engine.errors import R1Error

_EXTRAS = {"torch": "weights", "matplotlib": "weights", "ray": "ray", "psycopg": "postgres"}
_NODES = ("nvidia[0-9]*", "kfd", "davinci[0-9]*", "dxg", "accel/*", "dri/renderD*")
"""Device nodes of accelerators that torch could know: NVIDIA, AMD, Ascend, Windows' GPUs under WSL, Intel."""


def package_findings(settings: Settings | None) -> Iterator[Finding]:
    """The optional packages, and what there is without them; wrong only where the settings call for one."""
    for name, extra in _EXTRAS.items():
        if find_spec(name) is not None:
            yield Finding(name, "ok", "package", {"name": name, "version": _version(name)})
        else:
            needed = settings is not None and _needs(settings, name)
            values = {"name": name, "install": f"pip install 'r1-detective[{extra}]'"}
            yield Finding(name, "wrong" if needed else "idle", f"without_{name}", values)


def device_finding(settings: Settings) -> Finding:
    """The devices that weights are opened on. torch, which takes seconds to load, is asked only where there is
    something that it might know, or where devices are named."""
    if settings.backend == "local" and not settings.devices and find_spec("torch") and not _accelerators():
        return Finding("devices", "ok", "devices_cpu", {"cores": os.cpu_count() or 1})
    from bot.jobs import devices_seen

    try:
        seen = devices_seen(settings).devices or ()
    except R1Error as error:
        return failed("devices", error)
    names = ", ".join(f"{device.id} {device.name}" for device in seen)
    return Finding("devices", "ok", "devices", {"names": names})


def font_finding() -> Finding:
    """Whether pictures can be labelled in Chinese."""
    if find_spec("matplotlib") is None:
        return Finding("fonts", "idle", "fonts_unused")
    from engine.pictures.picture import chinese_font

    name = chinese_font()
    return Finding("fonts", "ok", "fonts", {"name": name}) if name else Finding("fonts", "idle", "fonts_none")


def file_findings(settings: Settings) -> Iterator[Finding]:
    """The user's own rules, families, hardware and references, and the folders that may be named from Slack."""
    yield from _rules(settings.rule_files, settings.hardware_files)
    yield _family_finding(settings)
    yield _loaded("hardware", settings.hardware_files, lambda: _hardware(settings.hardware_files))
    yield from _references(settings.references)
    yield _signing(settings)
    missing = [root for root in settings.checkpoint_roots if not root.expanduser().is_dir()]
    for root in missing:
        yield Finding("roots", "wrong", "root_missing", {"folder": root})
    if not settings.checkpoint_roots:
        yield Finding("roots", "idle", "roots_none")
    elif not missing:
        yield Finding("roots", "ok", "roots", {"count": len(settings.checkpoint_roots)})


def _rules(files: tuple[Path, ...], hardware_files: tuple[Path, ...]) -> Iterator[Finding]:
    if not files:
        yield _loaded("rules", files, tuple)
        return
    from engine.hardware import load_hardware
    from engine.rules.linting import lint
    from engine.rules.loading import load_rules

    try:
        devices = load_hardware(hardware_files)
    except R1Error:  # the hardware's own check says it
        devices = load_hardware()
    good: list[Path] = []
    for path in files:
        if problems := lint(path, load_rules(tuple(good)), devices):
            yield Finding("rules", "wrong", "rules_wrong", {"file": path, "count": len(problems)})
        else:
            good.append(path)
    if len(good) == len(files):
        yield Finding("rules", "ok", "files", {"count": len(files)})


def _loaded(check: str, files: tuple[Path, ...], load: Callable[[], object]) -> Finding:
    try:
        if files:  # those that ship are part of the program, and tested with it
            load()
    except R1Error as error:
        return failed(check, error)
    return Finding(check, "ok", "files", {"count": len(files)})


def _family_finding(settings: Settings) -> Finding:
    try:
        files = settings.families
    except R1Error as error:
        return failed("families", error)
    return _loaded("families", files, lambda: _families(files))


def _families(files: tuple[Path, ...]) -> object:
    from engine.catalog import family_names, load_family

    return [load_family(name, files) for name in family_names(files)]


def _hardware(files: tuple[Path, ...]) -> object:
    from engine.hardware import load_hardware

    return load_hardware(files)


def _references(places: tuple[Path, ...]) -> Iterator[Finding]:
    from engine.references import references_in

    try:
        found = references_in(places)
    except R1Error as error:
        yield failed("references", error)
        return
    for problem in found.skipped:
        yield failed("references", problem)
    if not found.skipped:
        yield Finding("references", "ok", "files", {"count": len(found.references)})


def _signing(settings: Settings) -> Finding:
    """The keys of signatures; none is made."""
    from bot.signatures import key_file, own_key, trusted

    try:
        key, others = own_key(settings), len(trusted(settings))
        file = key_file(settings)
    except R1Error as error:
        return failed("signing", error)
    if key is None:
        return Finding("signing", "ok", "signing_none", {"count": others, "file": file})
    if file is not None and os.name == "posix" and file.stat().st_mode & 0o077:
        return Finding("signing", "wrong", "signing_open", {"file": file})
    return Finding("signing", "ok", "signing", {"key": key.public, "count": others - 1})


def _needs(settings: Settings, name: str) -> bool:
    if name == "ray":
        return settings.backend == "ray"
    try:
        return name == "psycopg" and make_url(settings.store_url).get_backend_name() == "postgresql"
    except ArgumentError:  # the database's own check says it
        return False


def _accelerators() -> bool:
    return sys.platform != "linux" or any(next(Path("/dev").glob(node), None) for node in _NODES)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # put on the path by hand
        return "?"
