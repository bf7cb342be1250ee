"""`r1 rules …`: the scenario rules there are, and what is wrong with files of one's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.terminal import mark, print_json, spoken_here
from bot.typed import LANG, printed

if TYPE_CHECKING:
    from bot.requests import Lang
    from bot.settings import Settings
    from engine.rules.schema import Rule
    from engine.rules.trying import Tried

_FILES = click.argument("files", nargs=-1, type=click.Path(path_type=Path))


@click.group
def rules() -> None:
    pass


@rules.command
@_FILES
@LANG
@printed("file", "line", "code", "problem", many=True)
def lint(files: tuple[Path, ...], lang: Lang | None, as_json: bool) -> int:
    from engine.hardware import load_hardware
    from engine.rules.linting import Problem
    from engine.rules.linting import lint as lint_file
    from engine.rules.loading import SHIPPED, load_rules

    settings = _settings()
    chosen, devices = files or (SHIPPED, *settings.rule_files), load_hardware(settings.hardware_files)
    found: list[Problem] = []
    beside: tuple[Rule, ...] = () if SHIPPED in chosen else load_rules()
    for path in chosen:
        problems = lint_file(path, beside, devices)
        found += problems
        beside = _with(beside, path) if not problems else beside
    spoken = lang or spoken_here()
    if as_json:
        print_json([
            {"file": problem.file, "line": problem.line, "code": problem.code, "problem": problem.sentence(spoken)}
            for problem in found
        ])  # fmt: skip
    else:
        for problem in found:
            click.echo(mark(problem.sentence(spoken)))
        if not found:
            click.echo(_words(spoken)["clean"].format(files=", ".join(mark(path.name) for path in chosen)))
    return 2 if found else 0


@rules.command
@_FILES
@LANG
@printed("file", "line", "given", "message", "understood", "choice", "fired", "passed", "wrong", many=True)
def test(files: tuple[Path, ...], lang: Lang | None, as_json: bool) -> int:
    from engine.hardware import load_hardware
    from engine.rules.loading import SHIPPED, load_rules
    from engine.rules.trying import try_rules

    settings = _settings()
    loaded = load_rules(files or settings.rule_files)
    devices = load_hardware(settings.hardware_files)
    tried = [done for path in files or (SHIPPED, *settings.rule_files) for done in try_rules(path, loaded, devices)]
    spoken = lang or spoken_here()
    if as_json:
        print_json([_plain(done, spoken) for done in tried])
    else:
        for done in tried:
            _show_tried(done, spoken)
        wrong = sum(not done.passed for done in tried)
        click.echo(_words(spoken)["tested" if tried else "untested"].format(count=len(tried), wrong=wrong))
    return 2 if any(not done.passed for done in tried) else 0


@rules.command("list")
@LANG
@printed("id", "effect", "priority", "when", "any", "words", "chosen", "disable", "reason", "source", many=True)
def list_(lang: Lang | None, as_json: bool) -> int:
    from engine.rules.loading import load_rules

    spoken = lang or spoken_here()
    loaded = sorted(load_rules(_settings().rule_files), key=lambda rule: (-rule.priority, rule.id))
    if as_json:
        print_json([rule.model_dump(mode="json", by_alias=True) for rule in loaded])
        return 0
    said = _words(spoken)
    for rule in loaded:
        effect = said["effects"][rule.effect]
        click.echo(f"{rule.priority:>4}  {_bold(rule.id)}  {effect}")
        click.echo(f"      {mark(rule.reason[spoken])}")
        click.echo(f"      {said['source'].format(source=mark(rule.source))}")
    return 0


def _with(beside: tuple[Rule, ...], path: Path) -> tuple[Rule, ...]:
    """The rules there are once the file at ``path`` is loaded too."""
    from engine.rules.loading import read_rules

    by_id = {rule.id: rule for rule in (*beside, *read_rules(path).rules)}
    return tuple(rule for rule in by_id.values() if not rule.disable)


def _show_tried(done: Tried, lang: Lang) -> None:
    said = _words(lang)
    asked = [f"{name}={value}" for name, value in done.test.given.items()]
    asked += [done.test.message] if done.test.message else []
    asked += [said["identified"]] if done.test.identified else []
    if done.test.chosen is not None:
        chosen = done.test.chosen.model_dump(exclude_defaults=True)
        asked.append(said["chosen"].format(what=" ".join(chosen.values())))
    sign = "✓" if done.passed else "✗"
    kind = said["effects"][done.kind] if done.kind else said["open"]
    click.echo(f"{sign} {done.file}:{done.line}  {mark(' · '.join(asked))}  → {kind}")
    fired = ", ".join(f"{hit.id} ({said['effects'][hit.effect]}, {hit.priority})" for hit in done.fired)
    click.echo(f"    {said['fired'].format(rules=mark(fired)) if fired else said['none_fired']}")
    for sentence in done.sentences(lang):
        click.echo(f"    {mark(sentence)}")


def _plain(done: Tried, lang: Lang) -> dict[str, Any]:
    return {
        "file": done.file,
        "line": done.line,
        "given": done.test.given,
        "message": done.test.message,
        "understood": done.understood,
        "choice": done.kind,
        "fired": [hit.id for hit in done.fired],
        "passed": done.passed,
        "wrong": list(done.sentences(lang)),
    }


def _bold(text: str) -> str:
    return click.style(text, bold=True) if sys.stdout.isatty() else text


def _words(lang: Lang) -> dict[str, Any]:
    from bot.presentation import words

    said: dict[str, Any] = words(lang)["rules"]
    return said


def _settings() -> Settings:
    from bot.settings import load_settings

    return load_settings()
