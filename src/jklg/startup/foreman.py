"""A worker that is killed is replaced at once: its foreman has the program loaded, and forks the next one from that.

What was in the hands of the one that was killed has its leases, and is taken up when they end; what comes meanwhile does not wait for a program to load.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from jklg.startup.parent import end_with_parent

SETTLED_AFTER = 5.0
"""Seconds. Who is killed sooner is not replaced: whoever started us does that, and waits longer each time."""

_HANDED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def replace_whoever_is_killed(say: Callable[[str], None]) -> int | None:
    """Fork. Returns None in the process that is to work, and again in each that replaces it; in the foreman the exit status, once one has ended
    by itself or was asked to stop. Call it with the program loaded, from the main thread, before there is a loop, a thread or a connection.

    Signals that ask to stop are handed on. A foreman that dies takes its worker along; a worker that is killed too soon takes its foreman.
    """
    if not sys.platform.startswith("linux"):
        return None
    gc.freeze()  # what both share stays shared
    return _Foreman(say).watch()


class _Foreman:
    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.worker = 0
        self.stopping = False

    def watch(self) -> int | None:
        for number in _HANDED_ON:
            signal.signal(number, self._hand_on)
        while True:
            began = time.monotonic()
            foreman = os.getpid()
            signal.pthread_sigmask(signal.SIG_BLOCK, _HANDED_ON)
            if self.stopping:  # asked between two workers
                return 0
            self.worker = os.fork()
            if self.worker == 0:
                for number in _HANDED_ON:
                    signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
                end_with_parent(foreman, signal.SIGKILL)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDED_ON)
                return None
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDED_ON)
            _, status = os.waitpid(self.worker, 0)
            if os.WIFEXITED(status):
                return os.WEXITSTATUS(status)
            by = signal.Signals(os.WTERMSIG(status))
            if self.stopping or time.monotonic() - began < SETTLED_AFTER:
                if by in _HANDED_ON:
                    signal.signal(by, signal.SIG_DFL)
                os.kill(os.getpid(), by)
                os._exit(128 + by)  # the first process of a container outlives its own signals
            self.say(f"the worker was killed by {by.name}; another one takes over")

    def _hand_on(self, number: int, _: object) -> None:
        self.stopping = True
        with suppress(ProcessLookupError):
            os.kill(self.worker, number)
