"""Keeps the children of `up` running: restarts what dies, waits longer each time, and lets nobody survive the end."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

SUPERVISOR = "JKLG_SUPERVISOR"
"""The supervisor's process id, for its children: see startup.parent."""

_FIRST_WAIT, _LONGEST_WAIT, _GOOD_AFTER = 0.2, 30.0, 30.0  # seconds


@dataclass
class Child:
    """One process to keep running: `python -m jklg <arguments>`."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    wait: float = _FIRST_WAIT
    due_at: float = 0.0
    deaths: int = 0

    def start(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603  (our own program)
            [sys.executable, "-m", "jklg", *self.arguments],
            stdin=subprocess.DEVNULL,
            env={**self.environment, SUPERVISOR: str(os.getpid())},
            start_new_session=True,  # Ctrl-C in a terminal reaches only the supervisor
        )
        self.started_at = time.monotonic()

    def bury(self) -> int | None:
        """If the process has ended: end what it left behind, and answer its exit status."""
        if self.process is None:
            return None
        status = self.process.poll()
        if status is not None:
            self.signal_group(signal.SIGKILL)
            self.process = None
        return status

    def signal_group(self, number: int) -> None:
        """Everything in the child's session. The group's number is its leader's, and lives as long as any member."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)


@dataclass
class Supervisor:
    """Runs in the main thread, between `start` and `stop`."""

    children: Sequence[Child]
    say: Callable[[str], None]
    look_after: Callable[[], None] = lambda: None  # asked every round; the database
    stopping: bool = False
    _wakeup: tuple[int, int] = field(default_factory=os.pipe)

    def start(self) -> None:
        for end in self._wakeup:
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._wakeup[1], warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # being told is enough; without a handler nobody wakes us
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        for child in self.children:
            child.start()

    def _ask_to_stop(self, _: int, __: object) -> None:
        if self.stopping:  # asked twice: no more patience
            for child in self.children:
                child.signal_group(signal.SIGKILL)
        self.stopping = True

    def round(self, seconds: float) -> None:
        """Restart what has died; then sleep until something happens, at most `seconds`."""
        self.look_after()
        now = time.monotonic()
        for child in self.children:
            started_at = child.started_at
            status = child.bury()
            if status is not None:
                child.deaths += 1
                if now - started_at > _GOOD_AFTER:
                    child.wait, child.deaths = _FIRST_WAIT, 1
                child.due_at = now + child.wait
                self.say(f"{child.name} ended ({_how(status)}); starting it again in {child.wait:.1f} s")
                child.wait = min(child.wait * 2, _LONGEST_WAIT)
            if child.process is None and now >= child.due_at and not self.stopping:
                child.start()
        due = [child.due_at - now for child in self.children if child.process is None]
        with suppress(InterruptedError):
            select.select([self._wakeup[0]], [], [], max(0.0, min([seconds, *due])))
        with suppress(BlockingIOError):
            os.read(self._wakeup[0], 4096)

    def run(self) -> None:
        """Until somebody asks to stop."""
        while not self.stopping:
            self.round(5.0)

    def stop(self, patience: float = 12.0) -> None:
        """SIGTERM to all at once; SIGKILL to whoever is still there after `patience` seconds."""
        self.stopping = True
        for child in self.children:
            if child.process is not None and child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + patience
        for child in self.children:
            if child.process is not None:
                with suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(0.0, deadline - time.monotonic()))
                child.signal_group(signal.SIGKILL)
                child.process.wait()
                child.process = None
        signal.set_wakeup_fd(-1)
        for end in self._wakeup:
            os.close(end)


def _how(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"status {status}"
