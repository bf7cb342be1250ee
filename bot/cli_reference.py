"""`r1 reference …` and `r1 key …`: what trusted targets showed, as signed files to compare with and to hand on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.completing import reference as reference_
from bot.completing import target as target_
from bot.completing import variant as variant_
from bot.terminal import mark, print_json, progress_line, render, spoken_here
from bot.typed import LANG, printed

if TYPE_CHECKING:
    from bot.references import Kept
    from bot.requests import Lang
    from bot.settings import Settings

_LINE = ("file", "state", "signer", "key", "variant", "version", "host", "created", "parts", "problem")
_OUTPUT = click.option("-o", "--output", type=click.Path(path_type=Path))
_STANDARD = "-"


@click.group
def reference() -> None:
    pass


@reference.command
@click.argument("target", shell_complete=target_)
@click.option("--variant", required=True, metavar="ID", shell_complete=variant_)
@_OUTPUT
@click.option("--budget-tokens", type=click.IntRange(1, 10_000_000), metavar="N")
@click.option("--key-env", metavar="VAR")
@click.option("--family-file", multiple=True, type=click.Path(path_type=Path))
@LANG
@printed(*_LINE, "aside")
def record(target: str, variant: str, output: Path | None, budget_tokens: int | None, key_env: str | None,
           family_file: tuple[Path, ...], lang: Lang | None, as_json: bool) -> int:  # fmt: skip
    import engine
    from bot.keeping import endpoint_asked
    from bot.references import keep_recorded
    from bot.requests import Request
    from bot.settings import load_settings, opened
    from bot.signatures import signing_key

    settings, spoken = load_settings(), lang or spoken_here()
    signing_key(settings)  # what cannot be signed is not asked for
    request = Request(verb="identify", text="", lang=spoken, target=target, thorough=True, budget_tokens=budget_tokens)
    asked = endpoint_asked(settings, request, key_env)
    with opened(settings, asked is None) as backend:
        recorded = engine.record_reference(
            asked.endpoint if asked is not None else target,
            variant,
            family_files=(*family_file, *settings.families),
            budget=asked.budget if asked is not None else None,
            backend=backend,
            on_progress=None if as_json else progress_line(spoken),
        )
    whose = (asked.endpoint.name if asked is not None else "") or recorded["host"]
    put = keep_recorded(settings, recorded, whose, output)
    if as_json:
        print_json({**_plain(put.kept, spoken), "aside": str(put.aside) if put.aside else None})
    else:
        click.echo(mark(put.kept.path))
        _say(spoken, "recorded", put.kept)
        if put.aside is not None:
            _say(spoken, "aside", put.kept, aside=put.aside)
    return 0


@reference.command("list")
@click.option("--earlier", is_flag=True)
@LANG
@printed(*_LINE, many=True)
def list_references(earlier: bool, lang: Lang | None, as_json: bool) -> int:
    from bot.presentation.references import references_view
    from bot.references import every
    from bot.settings import load_settings

    settings, spoken = load_settings(), lang or spoken_here()
    found = every(settings, earlier=earlier)
    if as_json:
        print_json([_plain(kept, spoken) for kept in found])
    else:
        view = references_view(found, _unheard(settings, found), spoken, mark)
        click.echo(render(view, colour=sys.stdout.isatty()))
    return 0


@reference.command
@click.argument("name", metavar="REFERENCE", shell_complete=reference_)
@LANG
@printed(*_LINE, "reference")
def show(name: str, lang: Lang | None, as_json: bool) -> int:
    from bot.presentation.references import reference_view
    from bot.references import find
    from bot.settings import load_settings

    settings, spoken = load_settings(), lang or spoken_here()
    kept = find(settings, name)
    if kept.vouched is None:
        raise kept.problem  # type: ignore[misc]  # one or the other is there
    if as_json:
        print_json({**_plain(kept, spoken), "reference": kept.vouched.reference.model_dump(mode="json")})
    else:
        view = reference_view(kept, _unheard(settings, [kept]), spoken, mark)
        click.echo(render(view, colour=sys.stdout.isatty()))
    return 0


@reference.command("import")
@click.argument("file")
@click.option("--trust", multiple=True, metavar="KEY")
@click.option("--unsigned", is_flag=True)
@LANG
@printed(*_LINE, "aside", "new")
def import_(file: str, trust: tuple[str, ...], unsigned: bool, lang: Lang | None, as_json: bool) -> int:
    from bot.references import take_in
    from bot.settings import load_settings
    from bot.signatures import trusted
    from engine.errors import CatalogError
    from engine.references import read_reference

    settings, spoken = load_settings(), lang or spoken_here()
    name, data = _read(file)
    vouched = read_reference(data, name, trusted(settings, *trust))
    if vouched.state == "unknown":
        raise CatalogError("reference_untrusted", file=name, key=vouched.key)
    if vouched.state == "unsigned" and not unsigned:
        raise CatalogError("reference_unsigned", file=name)
    put = take_in(settings, data, vouched)
    if as_json:
        line = _plain(put.kept, spoken) | {"state": vouched.state, "signer": vouched.signer}
        print_json({**line, "aside": str(put.aside) if put.aside else None, "new": put.new})
        return 0
    _say(spoken, "imported" if put.new else "here_already", put.kept, out=True)
    _say(spoken, f"state.{vouched.state}", put.kept, out=True, signer=vouched.signer, key=vouched.key)
    if put.aside is not None:
        _say(spoken, "aside", put.kept, aside=put.aside)
    if _unheard(settings, [put.kept]):
        _say(spoken, "unheard", put.kept)
    return 0


@reference.command
@click.argument("name", metavar="REFERENCE", shell_complete=reference_)
@_OUTPUT
@click.option("--sign", "sign_it", is_flag=True)
@LANG
@printed(*_LINE, "content")
def export(name: str, output: Path | None, sign_it: bool, lang: Lang | None, as_json: bool) -> int:
    import json

    from bot.references import Kept, find, to_hand_on, write_whole
    from bot.settings import load_settings
    from bot.signatures import trusted
    from engine.references import read_reference

    settings, spoken = load_settings(), lang or spoken_here()
    kept = find(settings, name)
    data = to_hand_on(settings, kept, sign_it=sign_it)
    handed = Kept(output or kept.path, read_reference(data, kept.path.name, trusted(settings)))
    if output is not None:
        write_whole(output, data)
    if as_json:
        print_json({**_plain(handed, spoken), "content": json.loads(data)})
    elif output is None:
        click.echo(data, nl=False)
    else:
        click.echo(mark(output))
        _say(spoken, f"state.{handed.state}", handed)
    return 0


@reference.command
@click.argument("names", metavar="[REFERENCE]...", nargs=-1, shell_complete=reference_)
@LANG
@printed(*_LINE, many=True)
def verify(names: tuple[str, ...], lang: Lang | None, as_json: bool) -> int:
    from bot.exits import ANSWERED, INCONCLUSIVE, REFUSED
    from bot.presentation.references import verified_line
    from bot.references import every, find
    from bot.settings import load_settings

    settings, spoken = load_settings(), lang or spoken_here()
    found = [find(settings, name) for name in names] if names else every(settings, earlier=True)
    if as_json:
        print_json([_plain(kept, spoken) for kept in found])
    else:
        for kept in found:
            click.echo(verified_line(kept, spoken, mark))
        if not found:
            _say(spoken, "none")
    states = {kept.state for kept in found}
    if states & {"tampered", "invalid"}:
        return REFUSED
    return INCONCLUSIVE if names and states & {"unknown", "unsigned"} else ANSWERED


@click.group("key")
def key() -> None:
    pass


@key.command("show")
@LANG
@printed("name", "key", "file")
def show_key(lang: Lang | None, as_json: bool) -> int:
    from bot.settings import load_settings
    from bot.signatures import key_file, own_name, signing_key

    settings, spoken = load_settings(), lang or spoken_here()
    public, file = signing_key(settings).public, key_file(settings)
    if as_json:
        print_json({"name": own_name(), "key": public, "file": str(file) if file else None})
    else:
        click.echo(f"{mark(own_name())} {public}")
        _say(spoken, "key")
    return 0


def _read(file: str) -> tuple[str, bytes]:
    """A file that is to come in, or standard input; no more of it than a reference may be."""
    from engine.errors import CatalogError
    from engine.references import LIMIT

    if file == _STANDARD:
        name, data = "stdin", sys.stdin.buffer.read(LIMIT + 1)
    else:
        name = Path(file).name
        try:
            with Path(file).expanduser().open("rb") as opened:
                data = opened.read(LIMIT + 1)
        except OSError as error:
            raise CatalogError("catalog_missing", file=file[:200]) from error
    if len(data) > LIMIT:
        raise CatalogError("reference_invalid", file=name, problem="too large")
    return name, data


def _plain(kept: Kept, lang: Lang) -> dict[str, Any]:
    """A reference in a line; all but file, state and problem are empty where it is none."""
    from engine.references import PARTS

    vouched = kept.vouched
    entry = vouched.reference if vouched is not None else None
    return {
        "file": str(kept.path),
        "state": kept.state,
        "signer": vouched.signer if vouched is not None else "",
        "key": vouched.key if vouched is not None else "",
        **{name: getattr(entry, name, None) for name in ("variant", "version", "host", "created")},
        "parts": [part for part in PARTS if getattr(entry, part, None)],
        "problem": kept.problem.sentence(lang) if kept.problem is not None else None,
    }


def _unheard(settings: Settings, found: list[Kept]) -> frozenset[str]:
    """Variants among these that no family here knows: nothing is compared with their references."""
    from engine.catalog import family_with
    from engine.errors import CatalogError, UsageError

    unheard = set()
    for variant in {kept.vouched.reference.variant for kept in found if kept.vouched is not None}:
        try:
            family_with(variant, settings.families)
        except UsageError:
            unheard.add(variant)
        except CatalogError:  # families that cannot be read say nothing of references; doctor tells of them
            return frozenset()
    return frozenset(unheard)


def _say(lang: Lang, what: str, kept: Kept | None = None, *, out: bool = False, **values: object) -> None:
    """A sentence beside what is asked for: on standard error, unless it is the answer itself."""
    from bot.presentation.references import sentence

    click.echo(sentence(lang, what, kept, mark, **values), err=not out)
