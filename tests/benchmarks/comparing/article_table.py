"""The source article's table in §3.1, computed from its own figures by what every comparison goes by:
``python tests/benchmarks/comparing/article_table.py``."""

from __future__ import annotations

import sys

from bot.comparing.article import ARTICLE


def main() -> int:
    """Print the table; says where the article prints something else."""
    print(f"{'metric':24}{'full':>8}{'distilled':>11}{'computed':>11}{'article':>10}")
    for line in ARTICLE:
        computed = f"{100 * line.relative:+.1f} %".replace("-", "−")
        printed = f"{line.printed} %".replace("-", "−")
        aside = "" if line.agrees else f"   the article cuts {100 * line.relative:.1f} to {line.printed.lstrip('+')}"
        print(f"{line.metric:24}{line.full:>8}{line.distilled:>11}{computed:>11}{printed:>10}{aside}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
