"""`bench startup`: how long a newcomer waits for the first page, and everybody after that."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import processes
from bench.report import Report, Unable
from bench.stand import ROOT


def run(options: argparse.Namespace) -> Report:
    report = Report("startup")
    with checkout() as folder:
        cold = seconds_until_served(folder)
        report.at_most("bare checkout to the first page, everything installed on the way", cold, 90, " s")
        warm = [seconds_until_served(folder) for _ in range(1 if options.quick else 5)]
        report.say(f"  warm starts: {', '.join(f'{seconds:.2f}' for seconds in warm)} s")
        report.at_most("slowest warm start to the first page", max(warm), 5, " s")
    return report


@contextlib.contextmanager
def checkout() -> Iterator[Path]:
    """What git would check out, in a new folder, with what is changed here and not yet committed."""
    folder = Path(tempfile.mkdtemp(prefix="jklg-bench-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user when we are root
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=False
        )  # fmt: skip
        if listed.returncode:
            raise Unable("a checkout can only be made from a git repository")
        for name in filter(None, listed.stdout.decode().split("\0")):
            source, target = ROOT / name, folder / "checkout" / name
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def up(folder: Path) -> Iterator[tuple[int, int, float]]:
    """`./jklg up` in that checkout, until its home page is served: (process id, port, seconds it took)."""
    port = processes.free_port()
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    command = ["./jklg", "up", "--port", str(port), "--data-dir", str(folder / "data")]
    log = folder / "up.log"
    began = time.perf_counter()
    with processes.running(command, log=log, cwd=folder / "checkout", env=env) as pid:
        processes.wait_until_served(port, "/", pid=pid, log=log, seconds=600)
        yield pid, port, time.perf_counter() - began


def seconds_until_served(folder: Path) -> float:
    with up(folder) as (_, _, seconds):
        return seconds
