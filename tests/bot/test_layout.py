"""Whatever an answer contains, what is sent is valid by Slack's limits, and harmless."""

from __future__ import annotations

import string
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.local_slack.validate import problems_of_message
from bot.presentation.view import Button, Part, Table, View
from bot.slack.blocks import Block, blocks, fallback, mark

FOREIGN = st.one_of(
    st.text(max_size=60),
    st.text(alphabet=string.ascii_letters + "_-/.:", min_size=1, max_size=300),
    st.sampled_from(["", " ", "<!channel>", "🦊" * 200, "﷽" * 300, "x" * 5000, "*`_~<>&", "```", "\u202eabc", "a\nb\n" * 900]),
)  # fmt: skip
LINE = FOREIGN.map(mark)
TABLE = st.integers(1, 24).flatmap(
    lambda width: st.builds(
        Table,
        st.tuples(*[LINE] * width),
        st.lists(st.tuples(*[LINE] * width), max_size=4).map(lambda rows: tuple(rows * 40)),
    )
)
PART = st.builds(
    Part,
    st.lists(LINE, max_size=3).map(lambda lines: tuple(lines * 20)),
    LINE,
    st.booleans(),
    FOREIGN,
    st.lists(LINE, max_size=3).map(tuple),
    st.none() | TABLE,
)
BUTTON = st.builds(
    Button,
    st.sampled_from(["explain", "recheck", "command", "form_identify"]),
    FOREIGN,
    st.text(max_size=20) | st.text(min_size=1990, max_size=2010),
    st.sampled_from([None, "primary", "danger"]),
    LINE | st.just(""),
)
VIEW = st.builds(
    View,
    LINE,
    LINE,
    st.lists(PART, max_size=5).map(tuple),
    st.lists(LINE, max_size=3).map(tuple),
    st.lists(BUTTON, max_size=6).map(lambda buttons: tuple(buttons * 5)),
    st.none() | st.text(alphabet=string.ascii_lowercase, min_size=10, max_size=16),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(VIEW, st.sampled_from(["en", "zh"]))
def test_whatever_a_view_holds_slack_takes_it(view: View, lang: Any) -> None:
    assert problems_of_message({"text": fallback(view), "blocks": blocks(view, lang)}) == []


def of(kind: str, sent: list[Block]) -> list[Block]:
    return [block for block in sent if block["type"] == kind]


def test_buttons_stand_five_in_a_row_and_each_acts_on_its_own_value() -> None:
    buttons = tuple(Button("explain", f"no. {number}", f"v{number}") for number in range(30))
    sent = of("actions", blocks(View("h", "s", buttons=buttons)))
    assert [len(row["elements"]) for row in sent] == [5, 5, 5, 5, 5]
    assert [element["action_id"] for element in sent[0]["elements"]] == ["r1.explain", *(f"r1.explain.{n}" for n in (2, 3, 4, 5))]  # fmt: skip
    assert [element["value"] for row in sent for element in row["elements"]] == [f"v{number}" for number in range(25)]


def test_a_command_too_long_for_a_button_is_not_made_another_command() -> None:
    sent = blocks(View("h", "s", buttons=(Button("command", "run", "x" * 2001), Button("command", "run", "y" * 2000))))
    assert [element["value"] for element in of("actions", sent)[0]["elements"]] == ["y" * 2000]


def test_what_cannot_be_undone_is_asked_about_in_the_readers_language() -> None:
    view = View("h", "s", buttons=(Button("watch_remove", "移除", "w1", "danger", "不再监测 vendor-a？"),))
    (button,) = of("actions", blocks(view, "zh"))[0]["elements"]
    assert button["confirm"]["text"]["text"] == "不再监测 vendor-a？" and button["confirm"]["confirm"]["text"] == "确定"


def test_people_call_a_verdict_right_or_wrong() -> None:
    (judge,) = of("context_actions", blocks(View("h", "s", judged="k3m9x7wq2a")))[0]["elements"]
    assert judge["positive_button"]["value"] == "right:k3m9x7wq2a"
    assert judge["negative_button"]["value"] == "wrong:k3m9x7wq2a"


def test_the_first_table_is_a_table_and_the_second_set_in_letters_of_one_width() -> None:
    table = Table(("", mark("a`<b>`")), ((mark("目标"), "1"), ("x", "22")))
    sent = blocks(View("h", "s", (Part((), "one", table=table), Part((), "two", table=table, after=("then",)))))
    (shown,) = of("table", sent)
    assert [[cell["text"] for cell in row] for row in shown["rows"]] == [["–", "aʼ‹b›ʼ"], ["目标", "1"], ["x", "22"]]
    assert any(
        "```\n–     aʼ‹b›ʼ\n目标  1\nx     22\n```" in str(block["text"]["text"]) for block in of("section", sent)
    )


def test_buttons_are_kept_where_an_answer_is_too_long() -> None:
    parts = tuple(Part((f"line {number}",), f"title {number}") for number in range(60))
    sent = blocks(View("h", "s", parts, buttons=(Button("explain", "Explain", "v"),), judged="v"))
    assert len(sent) == 50 and [block["type"] for block in sent[-2:]] == ["actions", "context_actions"]
    assert "line 59" in sent[-3]["text"]["text"]


def test_fifty_rows_of_evidence_go_on_in_a_second_section() -> None:
    lines = tuple(f"row {number}: " + "evidence " * 10 for number in range(50))
    texts = [block["text"]["text"] for block in of("section", blocks(View("h", "s", (Part(lines, "Evidence"),))))]
    assert len(texts) == 2 and "row 49" in texts[1] and all(len(text) <= 3000 for text in texts)
