"""The hardware catalog: what ships, and what users add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType

from engine.catalog.yaml_file import last_written, read_records
from engine.errors import CatalogError
from engine.hardware.naming import Index, build_index
from engine.hardware.schema import Device, HardwareFile, Machine

_SHIPPED = Path(__file__).with_name("devices.yaml")


@dataclass(frozen=True)
class Catalog:
    devices: Mapping[str, Device]
    machines: tuple[Machine, ...]

    @cached_property
    def index(self) -> Index:
        return build_index(self.devices, self.machines)


def load_hardware(hardware_files: tuple[Path, ...] = ()) -> Mapping[str, Device]:
    """Devices by id, in the order of the files; a later file's device replaces an earlier one of the same id.

    Raises:
        CatalogError: a file is missing or invalid; names it and the line.
    """
    return load_catalog(hardware_files).devices


def load_catalog(hardware_files: tuple[Path, ...] = ()) -> Catalog:
    """Devices, machines, and their names. Raises as ``load_hardware``."""
    return _load(tuple((path, last_written(path)) for path in (_SHIPPED, *hardware_files)))


@lru_cache(maxsize=8)
def _load(files: tuple[tuple[Path, int], ...]) -> Catalog:
    devices: dict[str, Device] = {}
    machines: list[Machine] = []
    for path, _ in files:
        read = read_records(path, HardwareFile)
        devices.update((device.id, device) for device in read.devices)
        machines += read.machines
        for machine in read.machines:
            if unknown := [part for part in machine.devices if part not in devices]:
                raise CatalogError("hardware_machine", file=path.name, name=machine.names[0], device=unknown[0])
    return Catalog(MappingProxyType(devices), tuple(machines))
