"""No orphans: a child of `up` stops when its parent is gone, even if the parent was killed with SIGKILL."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
_on_linux = sys.platform.startswith("linux")


def end_with_parent(parent: int, number: signal.Signals = signal.SIGTERM) -> None:
    """From now on, receive this signal when `parent` (our parent process) ends. Call it from the main thread."""
    if _on_linux:
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(parent, number), daemon=True).start()
    if os.getppid() != parent:  # it was gone before we asked
        os.kill(os.getpid(), number)


def _watch(parent: int, number: signal.Signals) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), number)
