"""Pages as pictures, by headless Chromium."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image, ImageChops

_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--force-device-scale-factor=1",
)  # fmt: skip
_MARGIN = 24


def browser() -> str | None:
    """Where Chromium is; says so where it is not."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        print("no Chromium here: apt-get install chromium fonts-noto-cjk fonts-noto-color-emoji")
    return found


def photograph(page: str, picture: Path, size: tuple[int, int]) -> None:
    """A page as a picture of at most so many pixels, its empty end left out."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(page, encoding="utf-8")
        shot, window = f"--screenshot={picture.resolve()}", f"--window-size={size[0]},{size[1]}"
        command = [browser() or "chromium", *_OPTIONS, f"--user-data-dir={folder}/profile", window, shot, file.as_uri()]
        subprocess.run(command, check=True, capture_output=True)
    with Image.open(picture) as taken:
        shown = taken.convert("RGB")
    blank = Image.new("RGB", shown.size, shown.getpixel((0, shown.height - 1)))
    _, _, _, bottom = ImageChops.difference(shown, blank).getbbox() or (0, 0, 0, shown.height)
    kept = shown.crop((0, 0, shown.width, min(shown.height, bottom + _MARGIN)))
    kept.quantize(128, dither=Image.Dither.NONE).save(picture, optimize=True)
    print(picture, f"{picture.stat().st_size / 1000:.0f} kB")
