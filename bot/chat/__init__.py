"""`r1 chat`: the conversation of Slack in a terminal. One line is heard, understood and answered at a time."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from bot.chat.conversation import Conversation
from bot.chat.lines import Typed, piped
from bot.chat.record import said_json
from bot.chat.screen import Screen
from bot.requests import Lang
from bot.settings import Settings
from engine.errors import R1Error, UsageError

__all__ = ["talk"]
_PROBLEM = 160
"""Characters of a fault of ours that are shown."""


def talk(settings: Settings, lang: Lang, folder: Path | None, *, colour: bool, as_json: bool) -> int:
    """Hold a conversation until its lines end; returns the exit code."""
    conversation = Conversation(settings, lang, folder)
    try:
        if as_json:
            _in_json(conversation)
        elif sys.stdin.isatty():
            _by_hand(conversation, Screen(lang, colour=colour))
        else:
            screen = Screen(lang, colour=colour)
            for line in piped():
                screen.echo(line)
                _respond(conversation, screen, line)
    finally:
        conversation.close()
    return 0


def _by_hand(conversation: Conversation, screen: Screen) -> None:
    """Ctrl-C leaves what is being typed or answered, Ctrl-D the conversation."""
    typed, begun, left = Typed(conversation.completions), "", False
    screen.greet()
    while True:
        try:
            if left:  # said in here: who presses Ctrl-C twice leaves no more than who presses it once
                left = False
                screen.stopped()
            line, begun = typed.read(begun), ""
            if line.strip():
                begun = _respond(conversation, screen, line, typed)
        except KeyboardInterrupt:
            left, begun = True, ""
        except EOFError:
            screen.farewell()
            return


def _respond(conversation: Conversation, screen: Screen, line: str, typed: Typed | None = None) -> str:
    """Answer a line; returns what the next one begins with, where a choice was one to be completed by hand."""
    try:
        heard = conversation.hear(line)
    except R1Error as error:
        if typed is not None and error.code == "secret_pasted":
            typed.forget_last()
        screen.show(conversation.refused(line, error))
        return ""
    if isinstance(heard, str):
        if typed is None:
            screen.show(conversation.refused(line, UsageError("cli_chat_write", line=heard)))
        return heard
    try:
        with screen.watching(heard) as on_progress:
            turn = conversation.answer(heard, on_progress)
    except Exception as error:  # a fault of ours ends the answer, not the conversation
        turn = conversation.refused(line, _crashed(error))
    screen.show(turn)
    return ""


def _in_json(conversation: Conversation) -> None:
    """An object a line, as soon as it is there."""
    for line in piped():
        try:
            heard = conversation.hear(line)
            if isinstance(heard, str):
                raise UsageError("cli_chat_write", line=heard)
            turn = conversation.answer(heard)
        except R1Error as error:
            turn = conversation.refused(line, error)
        except Exception as error:
            turn = conversation.refused(line, _crashed(error))
        text = json.dumps(said_json(line, turn), ensure_ascii=False)
        click.echo(text.encode("utf-8", "replace"))


def _crashed(error: Exception) -> R1Error:
    problem = " ".join(f"{type(error).__name__}: {error}".split())
    return R1Error("cli_crashed", problem=problem[:_PROBLEM])
