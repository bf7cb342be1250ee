"""The hardware catalog: what ships, and what users add."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from engine.catalog.yaml_file import read_records
from engine.hardware.schema import Device, HardwareFile

_SHIPPED = Path(__file__).with_name("devices.yaml")


def load_hardware(hardware_files: tuple[Path, ...] = ()) -> Mapping[str, Device]:
    """Devices by id, in the order of the files; a later file's device replaces an earlier one of the same id.

    Raises:
        CatalogError: a file is missing or invalid; names it and the line.
    """
    return _load(tuple((path, _stamp(path)) for path in (_SHIPPED, *hardware_files)))


@lru_cache(maxsize=8)
def _load(files: tuple[tuple[Path, int], ...]) -> Mapping[str, Device]:
    devices: dict[str, Device] = {}
    for path, _ in files:
        devices.update((device.id, device) for device in read_records(path, HardwareFile).devices)
    return MappingProxyType(devices)


def _stamp(path: Path) -> int:
    """When a file last changed, so that an edited one is read again; 0: not there, which reading it will say."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
