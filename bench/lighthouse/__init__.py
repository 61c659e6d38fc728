"""`bench lighthouse`: what Lighthouse says of the pages that sell, on its phone: a slow one, on a slow network.

The house runs as in production, on this machine: pages and files compressed as there, no test mode, real headers. Lighthouse comes from npm by the lock
file beside this and drives the browser that the tests drive; it resolves no name but this machine's.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import statistics
import subprocess
import urllib.request
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bench import processes
from bench.report import Report, Unable
from bench.stand import Stand, install, standing
from jklg import demo
from jklg.kit.db import open_database
from tests.chromium import FLAGS, path_of_browser

FOLDER = Path(__file__).parent
LIMIT = 98
TRIES = 3
"""Now and then it loses its own recording (NO_NAVSTART) and asks to be run again."""
KINDS = {
    "performance": "performance",
    "accessibility": "accessibility",
    "best-practices": "best practices",
    "seo": "SEO",
}
JOURNEY = "/packages/kashmir-bliss"


class Judged(NamedTuple):
    """`hidden`: the page tells search engines to stay away, on purpose; that is then checked, and not counted against its SEO."""

    name: str
    path: str
    hidden: bool = False


def run(options: Namespace) -> Report:
    report = Report("lighthouse")
    install(FOLDER)
    rounds = 1 if options.quick else 3
    with standing() as stand:
        asyncio.run(_load_demo(stand))
        port = processes.free_port()
        with stand.server("jklg", port=port, **_as_in_production(port)) as server:
            url = f"http://localhost:{server.port}"
            report.say(f"mobile profile, simulated slow 4G and processor; median of {rounds}")
            pages = _pages(url)
            _ask(url, pages[0], stand.folder)  # the first look finds browser and house cold, and is nobody's
            for page in pages:
                _judge(report, page, [_ask(url, page, stand.folder) for _ in range(rounds)])
    return report


def _judge(report: Report, page: Judged, answers: list[Mapping[str, Any]]) -> None:
    for kind, name in KINDS.items():
        score = statistics.median(answer["categories"][kind]["score"] or 0 for answer in answers)
        report.at_least(f"{page.name}, {name}", round(100 * score), LIMIT)
    if page.hidden:
        seen = sum(1 for answer in answers if "noindex" not in answer["kept_away"])
        report.exactly(f"{page.name}, answers that search engines may keep", seen, 0)
    for audit in {each["id"]: each for answer in answers for each in _faults(answer)}.values():
        report.say(f"            {audit['id']}: {audit['title']} {audit.get('displayValue', '')}")


def _faults(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Audits that cost points."""
    counted = {each["id"] for kind in KINDS for each in answer["categories"][kind]["auditRefs"] if each["weight"]}
    return [each for name, each in answer["audits"].items() if name in counted and (each["score"] or 0) < 0.9 and each["scoreDisplayMode"] in ("binary", "numeric", "metricSavings")]  # fmt: skip


def _ask(url: str, page: Judged, folder: Path) -> Mapping[str, Any]:
    """One look. What it may not be judged by is left out by name, so that it is not averaged away."""
    node = shutil.which("node")
    if node is None:
        raise Unable("Lighthouse needs Node.js 20 or newer on the PATH")
    out = folder / "lighthouse.json"
    command = [
        node, str(FOLDER / "node_modules" / "lighthouse" / "cli" / "index.js"), url + page.path, "--quiet", "--output=json", f"--output-path={out}",
        "--no-enable-error-reporting", f"--only-categories={','.join(KINDS)}", f"--chrome-flags={_quoted(FLAGS)}",
        *(["--skip-audits=is-crawlable"] if page.hidden else []),
    ]  # fmt: skip
    environment = {**os.environ, "CHROME_PATH": path_of_browser() or "", "HOME": str(folder)}
    for _ in range(TRIES):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)
        if not done.returncode:
            break
    else:
        raise Unable(f"Lighthouse on {page.path}: {done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(out.read_text())
    with urllib.request.urlopen(url + page.path) as plain:
        answer["kept_away"] = plain.headers.get("X-Robots-Tag", "")
    return answer


def _quoted(flags: list[str]) -> str:
    return " ".join(f'"{flag}"' if " " in flag else flag for flag in flags)


def _pages(url: str) -> list[Judged]:
    """The checkout is that of the first date with seats."""
    with urllib.request.urlopen(url + JOURNEY) as answer:
        found = re.search(r'name="departure" value="([0-9a-f-]{36})"', answer.read().decode())
    if found is None:
        raise Unable("no date of the demo agency's journey can be booked")
    return [
        Judged("home", "/"),
        Judged("packages", "/packages"),
        Judged("package", JOURNEY),
        Judged("checkout", f"/checkout?departure={found[1]}&adult=2", hidden=True),
        Judged("sign-in", "/login", hidden=True),
    ]


def _as_in_production(port: int) -> dict[str, str]:
    return {
        "JKLG_ENV": "production",
        "JKLG_PUBLIC_URL": f"https://localhost:{port}",
        "SMTP_HOST": "localhost",
        "SMTP_TLS": "none",
        "SMTP_FROM_EMAIL": "bookings@example.org",
        "STRIPE_API_BASE": "https://api.stripe.com",
    }


async def _load_demo(stand: Stand) -> None:
    database = await open_database(stand.url)
    await demo.load(database)
    await database.close()
