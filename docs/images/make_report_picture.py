"""Draw ``failing_report.png``: what a student sees who has the size right but lets the kernel move by one.

Needs Chromium: ``python docs/images/make_report_picture.py``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops

from cs_utils.checking import Case, Exercise, Outcome, observe, report
from cs_utils.checking.evaluate import evaluate
from cs_utils.checking.notebook import PUBLIC_SEED
from cs_utils.exercises import exercises

PICTURE = Path(__file__).with_name("failing_report.png")
WIDTH, HEIGHT, MARGIN = 760, 1400, 14
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pair(option: int | tuple[int, int]) -> tuple[int, int]:
    return option if isinstance(option, tuple) else (option, option)


def corr2d(
    x: np.ndarray,
    w: np.ndarray,
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
) -> np.ndarray:
    """A student's answer with one mistake: the window starts at (i, j) instead of (i, j) times the stride."""
    (sh, sw), (ph, pw), (kh, kw) = pair(stride), pair(padding), w.shape
    x = np.pad(x, ((ph, ph), (pw, pw)))
    out = np.zeros(((x.shape[0] - kh) // sh + 1, (x.shape[1] - kw) // sw + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (x[i : i + kh, j : j + kw] * w).sum()
    return out


def call(exercise: Exercise, given: Case) -> Outcome:
    return observe(corr2d, given.args, given.kwargs, exercise.parameters)


def photograph(html: str, picture: Path, browser: str) -> None:
    """Render `html` on a white page and save what is not white."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        page.write_text(f'<!doctype html><meta charset="utf-8"><body style="margin:{MARGIN}px">{html}')
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
        options += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
        options += [f"--user-data-dir={folder}/profile", f"--window-size={WIDTH},{HEIGHT}"]
        options += ["--force-device-scale-factor=1.5", f"--screenshot={folder}/page.png", page.as_uri()]
        subprocess.run([browser, *options], check=True, capture_output=True, timeout=120)
        with Image.open(f"{folder}/page.png") as taken:
            drawn = taken.convert("RGB")
    box = ImageChops.difference(drawn, Image.new("RGB", drawn.size, "white")).getbbox()
    drawn.crop(box).quantize(64).save(picture, optimize=True)


def main() -> None:
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        sys.exit(f"no browser found; install one of: {', '.join(BROWSERS)}")
    photograph(report.to_html(evaluate(exercises()["corr2d"], PUBLIC_SEED, call)), PICTURE, browser)
    print(f"wrote {PICTURE} ({PICTURE.stat().st_size / 1000:.0f} kB)")


if __name__ == "__main__":
    main()
