"""`./jklg look`: every public page as a picture, on a phone and on a desktop, in the light and in the dark, into one folder.

Opens a house of its own on a free port, with the demo agency in a folder that goes away again; `--url` looks at one that is open already.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from tests.browser.pages import PUBLIC, Shown
from tests.chromium import launch

ROOT = Path(__file__).resolve().parent.parent
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
OPEN_SECONDS = 120


def main() -> int:
    parser = argparse.ArgumentParser(prog="jklg look", description=__doc__)
    parser.add_argument("--url", help="a house that is open already, say http://localhost:3000")
    parser.add_argument("--out", type=Path, default=Path("build/look"), help="the folder (build/look)")
    parser.add_argument("--only", default="", help="pages whose name begins so")
    parser.add_argument("--language", default="", help="ar or hi: the pages under that prefix")
    parser.add_argument("--fold", action="store_true", help="what is seen before one scrolls, not the whole page")
    asked = parser.parse_args()
    pages = [page for page in PUBLIC if page.name.startswith(asked.only)]
    asked.out.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as open_doors:
        url = asked.url or open_doors.enter_context(_house())
        drawn = asyncio.run(_draw(url.rstrip("/"), pages, asked))
    print(f"{drawn} pictures in {asked.out}")
    return 0


@contextlib.contextmanager
def _house() -> Iterator[str]:
    """`jklg up` for as long as we look."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    folder = tempfile.mkdtemp(prefix="jklg-look-")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "jklg", "up", "--port", str(port), "--data-dir", folder]
    house = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://localhost:{port}"
        end = time.monotonic() + OPEN_SECONDS
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{url}/api/health", timeout=5).close()
                break
            if house.poll() is not None or time.monotonic() > end:
                sys.exit("jklg look: the house does not open; try ./jklg up")
            time.sleep(0.2)
        yield url
    finally:
        house.send_signal(signal.SIGTERM)
        house.wait()
        shutil.rmtree(folder, ignore_errors=True)


async def _draw(url: str, pages: list[Shown], asked: argparse.Namespace) -> int:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        for size in SIZES:
            for light in ("light", "dark"):
                await _look(browser, url, pages, size, light, asked)
        await browser.close()
    return len(pages) * len(SIZES) * 2


async def _look(
    browser: Browser, url: str, pages: list[Shown], size: str, light: str, asked: argparse.Namespace
) -> None:
    width, height = SIZES[size]
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if light == "dark" else "light",
        reduced_motion="reduce",
        device_scale_factor=1,
    )
    tab = await context.new_page()
    prefix = f"/{asked.language}" if asked.language else ""
    for page in pages:
        await tab.goto(url + prefix + page.path, wait_until="networkidle")
        await tab.evaluate("for (const one of document.images) one.loading = 'eager'")
        await tab.evaluate("Promise.all([...document.images].map((one) => one.decode().catch(() => {})))")
        await tab.screenshot(path=asked.out / f"{page.name}-{size}-{light}.png", full_page=not asked.fold)
    await context.close()


if __name__ == "__main__":
    sys.exit(main())
