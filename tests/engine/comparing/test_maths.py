"""Results as they are written and said, and derivations."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.comparing.metrics import maths
from engine.comparing.metrics.numbers import value_of
from engine.comparing.records import Answer, Case


def right(wanted: str, said: str) -> bool:
    return maths.right(Case("1", "?", (wanted,)), Answer("1", said)) == 1


@pytest.mark.parametrize(
    "same",
    [
        [
            "0.5",
            "1/2",
            r"\frac{1}{2}",
            r"\dfrac12",
            "50%",
            r"50\%",
            "二分之一",
            "百分之五十",
            ".5",
            "一半",
            r"$\frac{1}{2}$",
        ],
        ["1000", "1,000", r"1{,}000", "1e3", r"1 \times 10^3", "10^{3}", "一千", "1 thousand", "x = 1000", "１０００"],
        ["3 cm", r"$3\text{ cm}$", "3", "3厘米", "3 centimeters"],
        ["3 cm", "0.03 m", "30 mm"],
        ["3.5", "3 1/2", r"3\frac{1}{2}", "7/2", "三又二分之一", "三点五"],
        [r"2\sqrt{3}", r"\sqrt{12}", "2√3", "x=2√3"],
        [r"\frac{\pi}{4}", "π/4", "pi/4"],
        ["-2", "−2", "负二", "- 2", "1 - 3"],
        ["12000", "一万二千", "1.2万", "12,000"],
        ["120", "一百二十", "120 apples", "120个", "$120", "120."],
        ["(9, 4)", "(x, y) = (9, 4)", "(9,4)", r"\left(9, 4\right)"],
        ["x = 1 or x = 2", "1, 2", "x = 2, x = 1", "1和2", r"\{1, 2\}"],
        ["45°", "45 degrees", r"45^\circ", "45度"],
        ["x^2+1", "x^{2} + 1", "$x^2 + 1$"],
    ],
)
def test_ways_to_write_a_result_are_equal(same: list[str]) -> None:
    assert [(one, other) for one in same for other in same if not right(one, rf"\boxed{{{other}}}")] == []


@pytest.mark.parametrize(
    ("wanted", "other"),
    [
        ("3 cm", "3 m"),
        ("(9, 4)", "(4, 9)"),
        ("1, 2", "1"),
        ("1, 2", "1, 2, 2"),
        ("50", "50%"),
        ("1/3", "0.33"),
        ("2 kg", "2 h"),
        ("x^2+1", "x^2-1"),
        ("7", "17"),
        ("7", "7/2"),
        ("12", "十一"),
        ("1", ""),
    ],
)
def test_results_that_differ_do(wanted: str, other: str) -> None:
    assert not right(wanted, rf"\boxed{{{other}}}")


@pytest.mark.parametrize(
    ("wanted", "said", "is_right"),
    [
        ("54", "So 80 * 0.75 = 60, and 60 * 0.9 = 54.", True),
        ("54", "So 80 * 0.75 = 60", False),
        ("54", r"First \boxed{54}, but rather \boxed{55}", False),
        ("54", "The final price is **$54**.", True),
        ("9", "The answer is 9, because 27/3 = 9.", True),
        ("9", "#### 9", True),
        ("1/9", "The probability is 4/36 = 1/9 ≈ 0.111.", True),
        ("0.111", "The probability is 4/36 = 1/9 ≈ 0.111.", True),
        ("4", "x = 4 (since x = -3 is negative)", True),
        ("-1/2", r"-\frac{1}{2}", True),
        ("90", "The average speed is 90 km/h.", True),
        ("B", "The answer is (B).", True),
        ("2205", "两年后共有2205元。", True),
        ("2", "答案是2小时。", True),
        ("15", "斜边长为15厘米", True),
        ("6", "It is not 5, it is 6.", True),
        ("5", "", False),
    ],
)
def test_the_result_is_found_in_what_is_said(wanted: str, said: str, is_right: bool) -> None:
    assert right(wanted, said) is is_right


@settings(max_examples=60, deadline=None)
@given(st.fractions(min_value=-2000, max_value=2000, max_denominator=500))
def test_a_fraction_is_itself_however_it_is_set(value: Fraction) -> None:
    above, below = value.numerator, value.denominator
    sign, size = ("-" if above < 0 else ""), abs(above)
    ways = [
        f"{above}/{below}",
        rf"\frac{{{above}}}{{{below}}}",
        rf"${sign}\dfrac{{{size}}}{{{below}}}$",
        f"({above}) / {below}",
    ]
    ways += (
        [f"{sign}{size // below} + {sign}{size % below}/{below}", f"{float(value * 8):.1f}/8"]
        if value * 8 % 1 == 0
        else []
    )
    assert {found.number if (found := value_of(way)) else None for way in ways} == {value}


@settings(max_examples=150, deadline=None)
@given(st.text("0123456789.,/%^()[]{}\\-+*=x一二十万分之点负 cmfraqtb$√π!e"))
def test_no_text_breaks_the_reader(text: str) -> None:
    value_of(text)
    right(text, text)


def test_what_is_too_large_is_no_value() -> None:
    for text in ("9^9^9^9", "10^1000^10", "(" * 190, "1/0", "1" * 500, "0^-1", r"\sqrt{-1}"):
        assert value_of(text) is None


def test_a_derivation_is_complete_as_far_as_its_steps_are_shown_in_answer_or_thoughts() -> None:
    case = Case("1", "?", ("192",), steps=(("8w = 64", "64/8"), ("24",), ("24 × 8",), ("Pythagoras",)))
    answer = Answer("1", r"Width: $\left(\frac{64}{8}\right)$, length 24. Area: $24 \cdot 8 = 192$.")
    assert maths.steps_shown(case, answer) == 3 / 4
    assert maths.steps_shown(case, Answer("1", "192", reasoning="8 w = 64, by Pythagoras")) == 2 / 4
    assert maths.steps_shown(case, Answer("1", "124 × 8 = 1240; 164/8")) == 0
