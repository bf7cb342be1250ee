"""Pictures of replies as Slack shows them, in English and Chinese, by headless Chromium.

python tests/benchmarks/pictures.py FOLDER
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import engine
from bot.commands import parse
from bot.jobs import Answer
from bot.local_slack.render import as_page
from bot.local_slack.workspace import Message
from bot.presentation import present
from bot.slack.blocks import blocks, fallback, mark
from engine.samples import forgeries

_CHROMIUM = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--force-device-scale-factor=1",
)  # fmt: skip
QUESTIONS = {
    "reply-en": ("identify {path} for real-time customer service", 870),
    "reply-zh": ("鉴定 {path} 用于在线客服", 770),
}


def conversation(path: Path, question: str) -> list[Message]:
    """A question and its answer, as the bot would post it."""
    request = parse(question.format(path=path))
    found = engine.identify(request.target or "", scenario=request.scenario)
    view = present(Answer(identification=found, verdict_id="k3m9x7wq2a"), request, mark, prefix="/r1 ")
    asked = Message("C0", "1.0", "U0PERSON", f"/r1 {question.format(path=path)}")
    return [asked, Message("C0", "2.0", "U0R1BOT", fallback(view), blocks(view), edits=1)]


def main() -> int:
    folder = Path(sys.argv[1])
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("no Chromium here: apt-get install chromium fonts-noto-cjk")
        return 1
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        path = forgeries.distill_renamed_full(root / "vendor")
        for name, (question, height) in QUESTIONS.items():
            page = root / f"{name}.html"
            page.write_text(as_page(conversation(path, question)).replace(str(root), "/models"), encoding="utf-8")
            size = f"--window-size=900,{height}"
            shot = f"--screenshot={(folder / f'{name}.png').resolve()}"
            command = [chromium, *_CHROMIUM, f"--user-data-dir={root / 'profile'}", size, shot, page.as_uri()]
            subprocess.run(command, check=True, capture_output=True)
            print(folder / f"{name}.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
