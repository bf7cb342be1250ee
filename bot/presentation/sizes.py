"""What a model takes, in words and tables: memory by quantisation, speed, cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.presentation.columns import aligned
from bot.presentation.quantities import cost_text, rate_range, seconds_range
from bot.presentation.view import Mark, Part, View, words
from bot.requests import Lang
from bot.sizing import Sized
from engine.choosing.wording import hardware_text, rate_text
from engine.sized import Sizing
from engine.text import say

_NONE = "–"


def sizes_view(found: Sized, lang: Lang, mark: Mark) -> View:
    """A table of quantisations: whether each fits and by how much; below, how fast those that fit are."""
    said, work = words(lang)["size"], found.workload
    sizings = found.sizings
    workload = said["workload"].format(
        concurrency=f"{work.concurrency:,}",
        prompt=f"{work.prompt:,}",
        output=f"{work.output:,}",
        context=f"{work.context:,}",
    )
    if not found.hardware:
        title = said["title_menu"].format(model=mark(found.model))
        parts = [Part((), said["memory"], code=_smallest_table(sizings, lang)), *_notes(sizings, lang)]
        fields = (workload, *_demands(found, lang))
        return View(title, said["summary_menu"].format(model=mark(found.model)), tuple(parts), fields)
    hardware = mark(_hardware_of(sizings) or found.hardware)
    fitting = [sizing for sizing in sizings if sizing.fits]
    form = "none" if not fitting else "all" if len(fitting) == len(sizings) else "some"
    comma = "、" if lang == "zh" else ", "
    names = comma.join(dict.fromkeys(sizing.quantization for sizing in fitting))
    parts = list(_tables(sizings, lang, mark))
    summary = said["summary"].format(
        model=mark(found.model), hardware=hardware, fitting=len(fitting), count=len(sizings)
    )
    fields = (said["fits"][form].format(names=names), workload, *_demands(found, lang))
    title = said["title"].format(model=mark(found.model), hardware=hardware)
    return View(title, summary, (*parts, *_notes(sizings, lang)), fields)


def _demands(found: Sized, lang: Lang) -> Iterator[str]:
    """What was demanded of it beside fitting, and which quantisations are estimated to do it."""
    said, comma = words(lang)["size"], "、" if lang == "zh" else ", "
    for name, (value, quantizations) in found.met.items():
        what = said["demands"][name].format(value=f"{value:g}")
        yield said["meets" if quantizations else "misses"].format(what=what, names=comma.join(quantizations))
    if found.left:
        yield said["left"].format(names=comma.join(found.left))


def _tables(sizings: Sequence[Sizing], lang: Lang, mark: Mark) -> Iterator[Part]:
    """Memory and speed, for each kind of device that was named."""
    said = words(lang)["size"]
    devices = list(dict.fromkeys(sizing.device for sizing in sizings))
    for device in devices:
        here = [sizing for sizing in sizings if sizing.device == device]
        fitting = [sizing for sizing in here if sizing.fits]
        name = f"{mark(_hardware_of(here))} – " if devices[1:] else ""
        yield Part((), f"{name}{said['memory']}", code=_memory_table(here, lang))
        if fitting:
            costs = tuple(_costs(fitting, lang, mark))
            yield Part((), f"{name}{said['speed']}", code=_speed_table(fitting, lang), after=costs)


def _memory_table(sizings: Sequence[Sizing], lang: Lang) -> str:
    said = words(lang)["size"]
    columns = said["columns"]
    names = ("quantization", "fits", "spare", "needs", "weights", "kv", "context", "requests")
    return aligned([columns[name] for name in names], (tuple(_memory_row(sizing, said)) for sizing in sizings))


def _memory_row(sizing: Sizing, said: dict[str, str]) -> Iterator[str]:
    memory = sizing.memory
    yield sizing.quantization
    yield said["yes" if sizing.fits else "no"]
    if not memory.capacity:  # nothing there runs it at all; a note says why
        yield from (_NONE, _NONE, _gb(memory.weights), _NONE, _NONE, _NONE)
        return
    yield f"{(memory.capacity - memory.needed) / 1e9:+,.1f}"
    yield _gb(memory.needed)
    yield _gb(memory.weights)
    yield f"{memory.kv_per_token / 1e3:,.0f} KB"
    yield f"{sizing.max_context:,}"
    yield f"{sizing.max_concurrency:,}"


def _speed_table(sizings: Sequence[Sizing], lang: Lang) -> str:
    columns = words(lang)["size"]["columns"]
    names = ("quantization", "ttft", "tpot", "throughput", "layout")
    rows = (
        (
            sizing.quantization,
            seconds_range(sizing.ttft),
            seconds_range(sizing.tpot),
            rate_range(sizing.throughput),
            layout_text(sizing, lang),
        )
        for sizing in sizings
    )
    return aligned([columns[name] for name in names], rows, words=(0, 4))


def _smallest_table(sizings: Sequence[Sizing], lang: Lang) -> str:
    columns = words(lang)["size"]["columns"]
    names = ("quantization", "weights", "kv", "needs", "smallest", "cost")
    rows = (
        (sizing.quantization, _gb(sizing.memory.weights), f"{sizing.memory.kv_per_token / 1e3:,.0f} KB", _gb(sizing.memory.needed),
         hardware_text(sizing.device, sizing.count), rate_text(sizing.cost.value) if sizing.cost else _NONE)
        for sizing in sizings
    )  # fmt: skip
    return aligned([columns[name] for name in names], rows, words=(0, 4))


def layout_text(sizing: Sizing, lang: Lang) -> str:
    """``TP8 EP8 vllm``: how it is cut over devices, and by which software."""
    said, layout = words(lang)["size"]["layout"], sizing.layout
    cut = [
        said[name].format(n=count)
        for name in ("tensor", "pipeline", "expert", "replicas", "nodes")
        if (count := getattr(layout, name)) > 1
    ]
    return " ".join([*(cut or [said["single"]]), sizing.engine])


def _hardware_of(sizings: Sequence[Sizing]) -> str:
    """The hardware by its titles, as far as it is used."""
    most: dict[str, int] = {}
    for sizing in sizings:
        most[sizing.device] = max(sizing.count, most.get(sizing.device, 0))
    return " / ".join(hardware_text(device, count) for device, count in most.items())


def _costs(sizings: Sequence[Sizing], lang: Lang, mark: Mark) -> Iterator[str]:
    said = words(lang)["size"]
    for sizing in {(sizing.device, sizing.count): sizing for sizing in sizings}.values():
        line = f"{mark(hardware_text(sizing.device, sizing.count))}{said['of']}{cost_text(sizing.cost, lang)}"
        if sizing.watts:
            line += f" · {said['watts'].format(watts=f'{sizing.watts / 1e3:.2g}')}"
        yield line


def _notes(sizings: Sequence[Sizing], lang: Lang) -> Iterator[Part]:
    """What the estimates rest on and warn of; each sentence once, with the quantisations that it is about."""
    about: dict[str, list[str]] = {}
    for sizing in sizings:
        for note in sizing.notes:
            values = {name: f"{value:,}" if isinstance(value, int) else value for name, value in note.values.items()}
            about.setdefault(say(f"sizing.notes.{note.code}", lang, **values), []).append(sizing.quantization)
    lines = []
    for sentence, names in about.items():
        whole = len(names) == len(sizings)
        comma, colon = "、" if lang == "zh" else ", ", words(lang)["size"]["of"]
        lines.append(sentence if whole else f"{comma.join(dict.fromkeys(names))}{colon}{sentence}")
    if lines:
        yield Part(tuple(f"• {line}" for line in lines), words(lang)["size"]["notes"])


def _gb(size: int) -> str:
    return f"{size / 1e9:,.1f}"
