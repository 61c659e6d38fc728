"""A worker that is killed is replaced at once by its foreman; one that cannot live is left to whoever watches the foreman."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the worker works alone")

PROGRAM = """
import os, signal, sys, time
from jklg.startup import foreman
foreman.SETTLED_AFTER = float(sys.argv[1])
if sys.argv[4:] == ["deaf"]:
    signal.signal(signal.SIGABRT, signal.SIG_IGN)
ended = foreman.replace_whoever_is_killed(lambda text: None)
if ended is not None:
    print("foreman ends", ended, flush=True)
    sys.exit(ended)
signal.signal(signal.SIGABRT, signal.SIG_DFL)
signal.signal(signal.SIGTERM, lambda *_: (print("asked to stop", flush=True), time.sleep(float(sys.argv[3])), sys.exit(int(sys.argv[2]))))
print("worker", os.getpid(), flush=True)
while True:
    time.sleep(60)
"""


class Foreman:
    """One at work, and what it and its workers say."""

    def __init__(
        self, *, settled_after: float = 0.0, ends_with: int = 0, stops_in: float = 0.0, deaf: bool = False
    ) -> None:
        command = [sys.executable, "-c", PROGRAM, str(settled_after), str(ends_with), str(stops_in)]
        command += ["deaf"] if deaf else []
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def worker(self) -> int:
        """The next worker that begins."""
        word, pid = self.says().split()
        assert word == "worker"
        return int(pid)


@pytest.fixture
def hired() -> Iterator[list[Foreman]]:
    there: list[Foreman] = []
    yield there
    for each in there:
        each.process.kill()
        each.process.wait()
        assert each.process.stdout is not None
        each.process.stdout.close()


def test_a_killed_worker_is_replaced_as_often_as_it_is_killed(hired: list[Foreman]) -> None:
    foreman = Foreman()
    hired.append(foreman)
    workers = []
    for _ in range(3):
        workers.append(foreman.worker())
        os.kill(workers[-1], signal.SIGKILL)
    workers.append(foreman.worker())
    assert len({*workers, foreman.process.pid}) == 5
    assert foreman.process.poll() is None


def test_one_that_is_killed_at_once_takes_its_foreman_along(hired: list[Foreman]) -> None:
    foreman = Foreman(settled_after=60)
    hired.append(foreman)
    os.kill(foreman.worker(), signal.SIGABRT)
    assert foreman.process.wait(10) == -signal.SIGABRT
    assert foreman.says() == ""


def test_a_foreman_that_no_signal_ends_goes_all_the_same(hired: list[Foreman]) -> None:
    """As the first process of a container it killed itself in vain, and went on replacing a worker that could not live."""
    foreman = Foreman(settled_after=60, deaf=True)
    hired.append(foreman)
    os.kill(foreman.worker(), signal.SIGABRT)
    assert foreman.process.wait(10) == 128 + signal.SIGABRT
    assert foreman.says() == ""


def test_who_is_asked_to_stop_finishes_and_how_it_ended_is_told(hired: list[Foreman]) -> None:
    foreman = Foreman(ends_with=3, stops_in=0.2)
    hired.append(foreman)
    foreman.worker()
    foreman.process.send_signal(signal.SIGTERM)
    assert [foreman.says(), foreman.says()] == ["asked to stop", "foreman ends 3"]
    assert foreman.process.wait(10) == 3


def test_who_is_killed_while_it_stops_is_not_replaced(hired: list[Foreman]) -> None:
    foreman = Foreman(stops_in=60)
    hired.append(foreman)
    worker = foreman.worker()
    foreman.process.send_signal(signal.SIGTERM)
    assert foreman.says() == "asked to stop"
    os.kill(worker, signal.SIGKILL)
    assert foreman.process.wait(10) == -signal.SIGKILL
    assert foreman.says() == ""


def test_a_killed_foreman_leaves_no_worker_behind(hired: list[Foreman]) -> None:
    foreman = Foreman()
    hired.append(foreman)
    worker = foreman.worker()
    foreman.process.kill()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{worker}").exists() and _state(worker) != "Z":
        assert time.monotonic() < deadline, "the worker outlives its foreman"
        time.sleep(0.02)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"
