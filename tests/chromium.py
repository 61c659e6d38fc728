"""The Chromium that tests drive. JKLG_TEST_BROWSER names it; `./jklg test` finds or installs one and says so there.

Names are resolved to this machine only, so that a page that calls outside fails its test.
"""

from __future__ import annotations

import os
import shutil

import pytest
from playwright.async_api import Browser, Playwright

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
]


def path_of_browser() -> str | None:
    return os.environ.get("JKLG_TEST_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")


async def launch(playwright: Playwright, *more: str) -> Browser:
    """With `more` flags. In CI a browser that is missing is a failure, elsewhere a skip; one that is there and does not start is a failure everywhere."""
    path = path_of_browser()
    try:
        return await playwright.chromium.launch(executable_path=path, args=[*FLAGS, *more])
    except Exception as error:
        if os.environ.get("CI") == "true" or path:
            pytest.fail(
                f"the browser {path or 'of Playwright'} does not start; set JKLG_TEST_BROWSER to a Chromium: {error}"
            )
        pytest.skip("no browser to test with: set JKLG_TEST_BROWSER to a Chromium")
