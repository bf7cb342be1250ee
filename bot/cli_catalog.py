"""`r1 catalog`: the families there are, updates of them that somebody vouches for, and what verdicts make of those."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.completing import family as proposed
from bot.terminal import mark, print_json, spoken_here
from bot.typed import LANG, printed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.flips import Outcome
    from bot.requests import Lang
    from bot.settings import Settings
    from engine.catalog.schema import Variant
    from engine.catalog.updates import Step


@click.group
def catalog() -> None:
    pass


@catalog.command("list")
@LANG
@printed("name", "version", "source", "file", "variants", "title", many=True)
def _list(lang: Lang | None, as_json: bool) -> int:
    from bot.settings import load_settings
    from engine.catalog import family_names, load_family

    settings, spoken = load_settings(), lang or spoken_here()
    files, said, rows = settings.families, _words(spoken), []
    for name in family_names(files):
        family = load_family(name, files)
        source, file = _source(name, settings)
        rows.append(
            {
                "name": name,
                "version": family.version,
                "source": source,
                "file": str(file) if file is not None else None,
                "variants": len(family.variants),
                "title": family.title,
            }
        )
    if as_json:
        print_json(rows)
        return 0
    for row in rows:
        source = said["sources"][row["source"]].format(file=mark(row["file"]))
        told = {"family": mark(row["name"]), "version": mark(row["version"]), "variants": row["variants"]}
        click.echo(said["list"].format(**told, source=source))
    return 0


@catalog.command("show")
@click.argument("family", shell_complete=proposed)
@click.argument("variant", required=False)
@LANG
@printed("name", "version", "title", "note", "alone", "tokenizers", "vocabularies", "variants", "retired")
def _show(family: str, variant: str | None, lang: Lang | None, as_json: bool) -> int:
    from bot.settings import load_settings
    from engine.catalog import load_family
    from engine.errors import UsageError

    spoken = lang or spoken_here()
    found = load_family(family, load_settings().families)
    chosen = [one for one in found.variants if variant is None or one.id.lower() == variant.lower()]
    if not chosen:
        raise UsageError("variant_unknown", name=(variant or "")[:80], known=", ".join(v.id for v in found.variants))
    if as_json:
        print_json(found.model_copy(update={"variants": tuple(chosen)}).model_dump(mode="json"))
        return 0
    click.echo(f"{mark(found.name)} {mark(found.version)}: {mark(found.title.get(spoken, found.name))}")
    if found.note is not None:
        click.echo(mark(found.note.get(spoken, "")))
    for one in chosen:
        for line in _variant_lines(one, spoken, whole=variant is not None):
            click.echo(f"  {line}")
    return 0


@catalog.command("update")
@click.option("--from", "source", required=True, metavar="FILE|URL")
@LANG
@printed("signer", "families", "recomputed", "failed", "flipped")
def _update(source: str, lang: Lang | None, as_json: bool) -> int:
    from bot.flips import note_families
    from bot.settings import load_settings
    from bot.signatures import trusted
    from bot.store import open_store
    from engine.catalog.fetching import fetch
    from engine.catalog.signed import read_update
    from engine.catalog.updates import steps_of, take_in

    settings, spoken = load_settings(), lang or spoken_here()
    data, name = fetch(source, private=settings.allow_private_endpoints)
    update = read_update(data, trusted(settings), name=name)
    steps_of(update, settings.catalog_folder, name)
    store = open_store(settings.store_url)
    note_families(store, settings)  # what is in use so far, to be held against what comes
    steps = take_in(update, settings.catalog_folder, name)
    note_families(store, settings)
    store.close()
    if as_json:
        print_json({"signer": update.signer, **_brought_up(settings, steps, spoken, as_json=True)})
        return 0
    said = _words(spoken)
    taken = {step.after.name: step for step in steps}
    for written in update.families:
        told = {"family": mark(written.family.name), "version": mark(written.family.version)}
        step = taken.get(written.family.name)
        if step is None:
            click.echo(said["current"].format(**told))
            continue
        before = step.before.version if step.before is not None else ""
        key = "updated" if step.before is not None else "new"
        click.echo(said[key].format(**told, before=mark(before), signer=mark(update.signer)))
        _show_step(step, settings, spoken)
    _brought_up(settings, steps, spoken, as_json=False)
    return 0


@catalog.command("history")
@click.argument("family", required=False, shell_complete=proposed)
@LANG
@printed("family", "version", "previous", "at", "signer", "key", "sha256", "current", many=True)
def _history(family: str | None, lang: Lang | None, as_json: bool) -> int:
    from dataclasses import asdict

    from bot.settings import load_settings
    from engine.catalog.updates import read_index

    index, said = read_index(load_settings().catalog_folder), _words(lang or spoken_here())
    rows = [
        {**asdict(one), "current": index.current.get(one.family) == one.version}
        for one in reversed(index.taken)
        if family in (None, one.family)
    ]
    if as_json:
        print_json(rows)
        return 0
    for row in rows:
        told = {name: mark(row[name]) for name in ("at", "family", "previous", "version", "signer")}
        click.echo(said["kept"].format(**told, current=said["in_use"] if row["current"] else ""))
    if not rows:
        click.echo(said["none"])
    return 0


@catalog.command("rollback")
@click.argument("family", shell_complete=proposed)
@LANG
@printed("families", "recomputed", "failed", "flipped")
def _rollback(family: str, lang: Lang | None, as_json: bool) -> int:
    from bot.flips import note_families, note_family
    from bot.settings import load_settings
    from bot.store import open_store
    from engine.catalog import load_family
    from engine.catalog.updates import roll_back

    settings, spoken = load_settings(), lang or spoken_here()
    store = open_store(settings.store_url)
    note_families(store, settings)
    step = roll_back(settings.catalog_folder, family)
    note_family(store, load_family(family, settings.families), back=True)
    store.close()
    if not as_json:
        told = {"family": mark(step.after.name), "version": mark(step.after.version)}
        click.echo(_words(spoken)["back"].format(**told, before=mark(step.before.version if step.before else "")))
        _show_step(step, settings, spoken)
    found = _brought_up(settings, (step,), spoken, as_json=as_json)
    if as_json:
        print_json(found)
    return 0


@catalog.command("sign")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE.json")
@LANG
@printed("file", "families", "key", "bytes")
def _sign(files: tuple[Path, ...], output: Path | None, lang: Lang | None, as_json: bool) -> int:
    from bot.settings import load_settings
    from bot.signatures import signing_key
    from engine.catalog.signed import sign_families
    from engine.errors import UsageError

    key = signing_key(load_settings())
    data, file = sign_families(files, key), output or files[0].with_suffix(".signed.json")
    try:
        file.write_bytes(data)
    except OSError as error:
        raise UsageError("catalog_signed_unwritable", file=mark(file), problem=error.strerror or str(error)) from error
    names = [path.name for path in files]
    if as_json:
        print_json({"file": str(file), "families": names, "key": key.public, "bytes": len(data)})
    else:
        said = _words(lang or spoken_here())
        click.echo(said["signed"].format(families=mark(", ".join(names)), file=mark(file), key=key.public))
    return 0


def _brought_up(settings: Settings, steps: Sequence[Step], lang: Lang, *, as_json: bool) -> dict[str, Any]:
    """Recompute what new versions may change, and say what became of it."""
    from bot.flips import outcome_of, settle
    from bot.store import open_store
    from bot.store.queries import load_verdict
    from bot.store.recomputed import noted
    from engine.catalog.differences import differences

    store = open_store(settings.store_url)
    with store.read() as session:
        ids = noted(session, {step.after.name: step.after.version for step in steps})
    over = settle(store, settings, ids)
    outcome = outcome_of(store, ids)
    with store.read() as session:
        pairs = [(load_verdict(session, old), load_verdict(session, new or "")) for old, new in outcome.flipped]
    store.close()
    flipped = [(old, new) for old, new in pairs if old is not None and new is not None]
    if as_json:
        from bot.as_json import plain

        return {
            "families": [
                {
                    "family": step.after.name,
                    "before": step.before.version if step.before is not None else None,
                    "version": step.after.version,
                    "differences": plain(differences(step.before, step.after)) if step.before is not None else [],
                }
                for step in steps
            ],
            "recomputed": outcome.recomputed,
            "failed": outcome.failed,
            "flipped": [
                {
                    "id": old.id,
                    "target": old.identification.target.spec,
                    "was": old.identification.verdict.title,
                    "is": new.identification.verdict.title,
                    "new": new.id,
                }
                for old, new in flipped
            ],
        }
    if steps:
        _say_outcome(outcome, len(flipped), lang, over=over)
    from bot.presentation.verdicts import what_text

    for old, new in flipped:
        was, what = (what_text(one.identification.verdict, lang, mark) for one in (old, new))
        told = {"target": mark(old.identification.target.spec), "before": old.id, "after": new.id}
        line = _words(lang, "flip")["terminal"].format(**told, was=was, what=what)
        click.echo("  " + line.replace("`", ""))
    return {}


def _say_outcome(outcome: Outcome, flipped: int, lang: Lang, *, over: bool) -> None:
    said = _words(lang)
    key = {0: "none", 1: "one"}.get(outcome.recomputed, "many")
    click.echo(said["recomputed"][key].format(count=outcome.recomputed, flipped=flipped))
    if outcome.failed:
        click.echo(said["failed"].format(count=outcome.failed))
    if not over:
        click.echo(said["later"])


def _show_step(step: Step, settings: Settings, lang: Lang) -> None:
    """What is another, a line a variant; and where a file of one's own goes before it."""
    from bot.presentation.flips import difference_lines
    from engine.catalog.differences import differences

    if step.before is not None:
        for line in difference_lines(differences(step.before, step.after), lang, mark):
            click.echo(f"  {line}")
    source, file = _source(step.after.name, settings)
    if source == "own":
        click.echo(_words(lang)["overridden"].format(family=mark(step.after.name), file=mark(file)))


def _source(name: str, settings: Settings) -> tuple[str, Path | None]:
    """Where a family comes from."""
    from engine.catalog import read_family

    for path in settings.families:
        if name == read_family(path).name:
            return ("own" if path in settings.family_files else "update"), path
    return "shipped", None


def _variant_lines(one: Variant, lang: Lang, *, whole: bool) -> list[str]:
    said = _words(lang)
    lines = [
        said["title"].format(id=mark(one.id), kind=said["kinds"][one.kind], title=mark(one.title.get(lang, one.id)))
    ]
    if whole:
        from bot.presentation.flips import figure_text

        figures = one.model_dump(exclude_none=True, exclude_defaults=True)
        for name, value in figures.items():
            if name in ("id", "kind", "title", "source"):
                continue
            lines.append(f"  {name}: {figure_text(value, lang, mark)}")
        lines.append("  " + said["source"].format(source=mark(one.source)))
    return [str(line) for line in lines]


def _words(lang: Lang, part: str = "cli") -> dict[str, Any]:
    from bot.presentation.view import words

    said: dict[str, Any] = words(lang)["catalog"][part]
    return said
