"""Pages of the loopback Slack show everything that it holds, and nothing runs over anything, on a phone or a desk."""

from __future__ import annotations

import base64
import html
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from local_app import actions, button, client, option, plain

from bot.local_slack import LocalSlack
from bot.local_slack.render import as_page, as_text, home_page, modal_page
from bot.local_slack.render_markup import markdown, mrkdwn, rich

LONG = "a-name-without-any-place-to-break/" * 9
RTL = "هل هذا النموذج كامل؟ 👩‍🔬🏳️‍🌈"
NAMES = {"U0ZH": "小林"}


def section(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def raw(text: str) -> dict[str, Any]:
    return {"type": "raw_text", "text": text}


def thumb(text: str) -> dict[str, Any]:
    return {"text": plain(text), "value": text}


THUMBS = {"type": "feedback_buttons", "positive_button": thumb("👍"), "negative_button": thumb("👎")}
TRASH = {"type": "icon_button", "icon": "trash", "text": plain("Delete")}
MENU = {"type": "static_select", "options": [option("first"), option(LONG[:75])], "placeholder": plain("Choose")}
ANSWER: list[dict[str, Any]] = [
    {"type": "header", "text": plain("As claimed: " + LONG[:130])},
    section(f"*99.9 %* of `{LONG}` – <https://x.example/a?b=1&amp;c=2|their page> :eyes:\n&gt; {RTL}"),
    {"type": "section", "fields": [{"type": "mrkdwn", "text": f"*{n}*\n{LONG}"} for n in range(4)]},
    section(RTL, accessory=button("a", "Press me, please")),
    {"type": "table", "rows": [[raw("Evidence"), raw("Says"), raw("Fooled by")]] + [[raw(LONG), raw(RTL), raw("x")]] * 5,
     "column_settings": [{"is_wrapped": True}, {"align": "right"}]},
    {"type": "markdown", "text": f"## Which\n\n| a | b |\n|--|--|\n| {LONG} | `x` |\n\n- one\n- ~~two~~\n\n```\n{LONG}\n```"},
    {"type": "context", "elements": [{"type": "mrkdwn", "text": LONG}, {"type": "plain_text", "text": RTL}]},
    actions(*[button(str(n), f"Button {n}") for n in range(8)], button("go", "Go", style="primary"),
            button("no", "x" * 75, style="danger"), MENU, {"type": "overflow", "options": [option("x")]},
            {"type": "datepicker"}),
    {"type": "context_actions", "elements": [THUMBS, TRASH]},
]  # fmt: skip


def field(name: str, element: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "input", "block_id": name, "label": plain(name), "element": {"action_id": name, **element}, **more}


@pytest.fixture(scope="module")
def pages() -> Iterator[dict[str, str]]:
    """A conversation with everything in it, an assistant's thread, a Home tab and a modal."""
    with LocalSlack() as slack:
        space, calls = slack.workspace, client(slack)
        space.scopes = (*space.scopes, "reactions:write", "assistant:write", "links:write")
        asked = space.say("C0MODELS", "U0PERSON", f"<@U0R1BOT> {RTL} <!here>")
        calls.reactions_add(channel="C0MODELS", timestamp=asked.ts, name="eyes")
        stream = calls.chat_stream(channel="C0MODELS", thread_ts=asked.ts, recipient_user_id="U0PERSON",
                                   recipient_team_id="T0LOCAL", task_display_mode="plan")  # fmt: skip
        states = ("complete", "error", "in_progress", "pending")
        source = {"type": "url", "url": "https://x.example", "text": LONG[:200]}
        stream.append(chunks=[{"type": "plan_update", "title": LONG[:256]}, *(
            {"type": "task_update", "id": state, "title": f"{state} {LONG[:200]}", "status": state, "output": LONG[:256],
             "sources": [source]} for state in states)])  # fmt: skip
        under_way = as_page(space.visible("C0MODELS"))
        stream.stop(blocks=ANSWER)
        calls.chat_postEphemeral(channel="C0MODELS", user="U0PERSON", text="Only *you*", thread_ts=asked.ts)
        space.unfurl_domains = {"r1.example"}
        link = "https://r1.example/r/1"
        shared = space.say("C0MODELS", "U0ZH", f"<{link}>")
        calls.chat_unfurl(channel="C0MODELS", ts=shared.ts, unfurls={link: {"blocks": [section("*满血版*")]}})
        calls.files_upload_v2(channel="C0MODELS", filename="r1-report.html", content="<p>", title="The report")
        channel = as_page(space.visible("C0MODELS"), names=NAMES)
        ts = slack.open_assistant()
        calls.assistant_threads_setTitle(channel_id="D0PERSON", thread_ts=ts, title="About R1")
        prompts = [{"title": LONG[:60], "message": "x"}] * 4
        calls.assistant_threads_setSuggestedPrompts(channel_id="D0PERSON", thread_ts=ts, prompts=prompts, title="Try")
        calls.assistant_threads_setStatus(channel_id="D0PERSON", thread_ts=ts, status="is looking …")
        thread = as_page([], thread=space.threads[("D0PERSON", ts)])
        calls.views_publish(user_id="U0PERSON", view={"type": "home", "blocks": [
            section(f"*{LONG}*", accessory={"type": "overflow", "options": [option("x")]}),
            actions(button("d", "My defaults …")), field("Language", MENU)]})  # fmt: skip
        two = [option("first"), {**option("second"), "description": plain("said at more length")}]
        blocks = [
            section("What is it?"), field("Target", {"type": "plain_text_input", "placeholder": plain("vendor/model")},
                                          hint=plain("A name")),
            field("Notes", {"type": "plain_text_input", "multiline": True}, optional=True),
            field("Number", {"type": "number_input", "is_decimal_allowed": False, "initial_value": "4"}),
            field("Mode", {"type": "radio_buttons", "options": two, "initial_option": two[1]}),
            field("Checks", {"type": "checkboxes", "options": two, "initial_options": two[:1]}),
            field("Tasks", {"type": "multi_static_select", "options": two, "initial_options": two}),
            field("Device", MENU), field("Where", {"type": "conversations_select"}),
            field("Day", {"type": "datepicker", "initial_date": "2026-12-01"}), field("Time", {"type": "timepicker"}),
            field("File", {"type": "file_input"}),
        ]  # fmt: skip
        view = {"type": "modal", "title": plain("Identify a model"), "submit": plain("Identify"),
                "close": plain("Cancel"), "blocks": blocks}  # fmt: skip
        calls.views_open(trigger_id=slack.slash_payload("x")["trigger_id"], view=view)
        modal = slack.modal()
        assert modal is not None
        modal.errors, modal.typed = {"Target": "No model of this name."}, {"Target": LONG}
        assert (
            space.violations == []
            and "[Button 0]" in as_text(space.messages)
            and "✓ complete" in as_text(space.messages)
        )
        home = home_page(space.homes["U0PERSON"])
        yield {"under_way": under_way, "channel": channel, "thread": thread, "home": home, "modal": modal_page(modal)}


def test_everything_is_shown(pages: dict[str, str]) -> None:
    for page, shown in (
        ("under_way", ('class="task complete"', 'class="task error"', 'class="task in_progress"', 'class="task pending"',
                       'class="typing"')),
        ("channel", ("@R1 Detective", '<mark class="ping">!here</mark>', "👀 1", "Something went wrong", 'class="primary"',
                     'class="danger"', '<td class="right">', "<s>two</s>", "Only visible to you", "小林", "满血版",
                     "Added by R1 Detective", "👍", "👎", "🗑", "The report", 'href="https://x.example/a?b=1&amp;c=2"')),
        ("thread", ("About R1", 'class="prompt"', "Try", "R1 Detective is looking …")),
        ("home", ("My defaults …", "⋯", "Language", "Choose")),
        ("modal", ("No model of this name.", "Choose", "(optional)", "◉", "☑", 'class="chip"', "📅", "Upload files",
                   "Identify a model", "Cancel", "A name")),
    ):  # fmt: skip
        assert [what for what in shown if what not in pages[page]] == []
    assert 'class="typing"' not in pages["channel"].replace(".typing", "")


def test_what_looks_like_html_is_shown_and_not_done() -> None:
    hostile = "<script>alert(1)</script>"
    section_ = {"type": "rich_text_section", "elements": [{"type": "text", "text": hostile}]}
    assert "<script" not in markdown(hostile) + rich({"elements": [section_]}) + mrkdwn(html.escape(hostile))
    for link in ('<https://x"onclick=1|here>', '<https://x"onclick=1>'):
        assert '<a href="https://x%22onclick=1">' in mrkdwn(link)


_LOOK = """
const found = [];
const kinds = "p,h1,h2,button,.input,.tick,th,td,pre,.task>div,.mark,.reaction,.document,label,.context span,.face";
for (const frame of document.querySelectorAll("iframe")) {
  const page = frame.contentDocument, name = frame.name;
  if (page.documentElement.scrollWidth > frame.clientWidth + 1) found.push(name + " is wider than its window");
  const seen = [...page.querySelectorAll(kinds)].map(e => [e, e.getBoundingClientRect()]).filter(([, r]) => r.width);
  for (const [one, a] of seen) {
    if (!one.closest(".table,.markdown") && a.right > frame.clientWidth + 1) found.push(name + " cuts " + one.outerHTML.slice(0, 80));
    for (const [two, b] of seen) {
      if (one === two || one.contains(two) || two.contains(one)) continue;
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 2 && high > 2) found.push(name + ": " + one.outerHTML.slice(0, 80) + " over " + two.outerHTML.slice(0, 80));
    }
  }
}
document.body.innerHTML = "<pre>" + btoa(unescape(encodeURIComponent(JSON.stringify(found)))) + "</pre>";
"""


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium")
def test_nothing_is_cut_or_runs_over_anything(pages: dict[str, str], tmp_path: Path) -> None:
    frames = "".join(
        f'<iframe name="{name} at {width}" width="{width}" height="3000" srcdoc="{html.escape(page, quote=True)}"></iframe>'
        for name, page in pages.items()
        for width in (390, 1100)
    )
    looked = tmp_path / "pages.html"
    looked.write_text(f"<!doctype html><meta charset=utf-8><body>{frames}<script>onload = () => {{{_LOOK}}}</script>")
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom",
         f"--user-data-dir={tmp_path / 'profile'}", looked.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    (told,) = re.findall(r"<pre>([\w+/=]+)</pre>", done.stdout)
    assert json.loads(base64.b64decode(told)) == []
