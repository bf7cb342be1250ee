"""The phrases of simulated models. ``{quote}`` is a piece of the user's text, ``{number}`` a question's number,
``{value}`` its answer. Openings of thoughts are like those that the real models are known for."""

from __future__ import annotations

from typing import Literal

Lang = Literal["en", "zh"]

OPENINGS: dict[str, dict[Lang, tuple[str, ...]]] = {
    "r1": {
        "en": ("Okay, so the user", "Okay, the user", "Alright, the user", "Hmm, the user"),
        "zh": ("嗯，用户", "好的，用户", "嗯，我现在看到用户"),
    },
    "r1-0528": {
        "en": ("Hmm, the user", "We are given that the user", "Okay, the user", "First, the user"),
        "zh": ("嗯，用户", "首先，用户", "唔，用户"),
    },
    "distill": {
        "en": ("Okay, so I see that the user", "Alright, so the user", "Okay, so the user", "Alright, I see the user"),
        "zh": ("嗯，用户", "好，我现在看到用户", "首先，用户"),
    },
    "qwen": {
        "en": ("Okay, the user", "Okay, let's see. The user", "Okay, so the user"),
        "zh": ("好的，用户", "嗯，用户", "好的，我现在看到用户"),
    },
    "minimax": {
        "en": ("Okay, let me see. The user", "First, the user", "The user"),
        "zh": ("好的，用户", "首先，用户", "用户"),
    },
}

NOTICED: dict[Lang, tuple[str, ...]] = {
    "en": (
        ' wrote "{quote}". I need to figure out what that is.', ' sent me "{quote}". Let me look at it part by part.',
        ' just sent "{quote}" and nothing else. It looks like a mix of words and characters.',
        " gave a text that begins with {quote}. Let me think about what they want.",
        ' has this query: "{quote}". First, I should understand it.',
    ),
    "zh": (
        "发来了“{quote}”。我需要弄清楚这是什么意思。", "给出的内容是“{quote}”，先逐段看一下。",
        "只发了{quote}，没有说明想做什么。", "的消息以{quote}开头，看起来像是几段内容拼在一起。",
    ),
}  # fmt: skip

MUSED: dict[Lang, tuple[str, ...]] = {
    "en": (
        " Wait, maybe it's a code of some kind.", " The number part might be a constant.", " Let me break it down.",
        " It could also be a test of how I handle odd input.", " I should ask what they would like to know.",
        " Hmm, {quote} could be a typo.", " Let me consider the digits first.", " There's no clear question here.",
        " Maybe they pasted this by accident.", " I'll keep the answer short and helpful.",
    ),
    "zh": (
        "也许这是某种编码。", "其中的数字可能是一个常数。", "先拆开来看。", "也可能是在测试我如何处理奇怪的输入。",
        "我应该问清楚用户想了解什么。", "“{quote}”也许是误输入。", "先看一下数字部分。", "这里没有明确的问题。",
        "回答要简短、有帮助。",
    ),
}  # fmt: skip

REPLIED: dict[Lang, tuple[str, ...]] = {
    "en": (
        "It looks like you sent a string of mixed text.", "Your message combines several kinds of content.",
        "This appears to be a jumble of numbers and words.", "Thank you for the message!", "Hello!",
        "I see some text here, but no question.", "Here is what I can make out of it.", "Sure.", "Certainly!",
        "The text you've shared seems to mix several languages.", "You wrote: {quote}.",
    ),
    "zh": (
        "您发送的内容似乎混合了多种文本。", "您好！", "看起来这是一段数字和文字的组合。", "您提到的“{quote}”含义不太明确。",
        "这段内容包含几个部分。", "收到您的消息。", "根据您提供的信息，", "这串字符里有一个常见的数字。",
    ),
}  # fmt: skip

WENT_ON: dict[Lang, tuple[str, ...]] = {
    "en": (
        " Could you tell me what you would like to do with it?", " If you explain a little, I can help further.",
        " The number may be the speed of light in metres per second.", " Some of it is Chinese.",
        " Please share more context.", " Let me know if you need a translation.", " It has no single meaning.",
        " In the years that followed, much of it changed.", " Most of the work was done by hand.",
        " There are three things to keep in mind.", " First, think of what it is for.", " It depends on the place.",
        " The rest is less certain.", " That is why it matters today.", " Many visitors come in summer.",
        " A small group kept the records.", " This was rebuilt twice.", " The cost was shared by the town.",
    ),
    "zh": (
        "请问您想了解什么？", "如果能补充一些背景，我可以提供更多帮助。", "其中的数字可能是真空中的光速。", "部分内容是中文。",
        "如需翻译请告诉我。", "它没有唯一的含义。", "此后的许多年里情况有了变化。", "大部分工作由人工完成。", "需要注意三点。",
        "首先要看它的用途。", "其余部分不太确定。",
    ),
}  # fmt: skip

TASK: dict[str, dict[Lang, tuple[str, ...]]] = {
    "repeat": {
        "en": (' wants me to repeat "{quote}" exactly.', " asked for the text {quote} to be repeated, nothing else."),
        "zh": ("要我原样重复“{quote}”。", "让我重复两行短横线之间的文字：{quote}，不要别的内容。"),
    },
    "numbers": {
        "en": (" wants one number for each question.", " has a list of questions, each to be answered by a number."),
        "zh": ("要求每题只回答一个数字。", "列出了几道题，每行一个答案。"),
    },
    "needle": {
        "en": (" asks for an access code that is in the text.", " gave a text and wants the access code in it."),
        "zh": ("问的是文中的通行码。", "给了一段文字，要找出通行码。"),
    },
    "self": {
        "en": (" is asking which model I am and who made me.", " wants to know who I am, in one sentence."),
        "zh": ("想知道我是什么模型、由谁开发。", "在问我的身份。"),
    },
}

WORKED: dict[Lang, tuple[str, ...]] = {
    "en": (
        "\n\nQuestion {number}: I recall that it's {value}. Yes, {value} fits.",
        "\n\nFor number {number}, let me think... It should be {value}, I'm fairly sure.",
        "\n\nNext, {number}. That would be {value}. Let me double-check: {value}.",
    ),
    "zh": (
        "\n\n第{number}题：我记得是{value}，应该没错。",
        "\n\n第{number}题，想一想……应该是{value}。",
        "\n\n接着第{number}题，答案是{value}，再核对一下，是{value}。",
    ),
}

SELF: dict[Lang, tuple[str, ...]] = {
    "en": (
        "I'm {name}, an AI assistant made by {maker}.", "I am {name}, a language model developed by {maker}.",
        "I'm an AI assistant called {name}, created by {maker}.",
    ),
    "zh": ("我是{name}，由{maker}开发的人工智能助手。", "您好，我是{maker}研发的{name}模型。", "我是{maker}推出的{name}。"),
}  # fmt: skip
