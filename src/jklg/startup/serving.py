"""The web processes: Granian in front of the application, or of the sandbox gateway."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from jklg.startup.parent import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable

_MAIN = "JKLG_SERVING_MAIN"  # the process id of Granian's main process, for its workers


def serve(factory: Callable[[], Any], host: str, port: int, workers: int = 1) -> None:
    """Serve an ASGI application until SIGTERM or SIGINT; requests in hand are answered first.

    `factory` runs once in every worker process. The main process holds the socket and nothing else.
    """
    from granian import Granian
    from granian.constants import Interfaces, Loops
    from granian.log import LogLevels

    os.environ[_MAIN] = str(os.getpid())

    def build() -> Any:
        end_with_parent(int(os.environ[_MAIN]))
        return factory()

    Granian(
        "jklg",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=workers,
        runtime_blocking_threads=8,
        websockets=False,
        respawn_failed_workers=workers > 1,
        workers_kill_timeout=10,
        log_level=LogLevels.warning,
    ).serve(target_loader=lambda *_: build(), wrap_loader=False)


def web_application() -> Any:
    from jklg.app import application

    return application()


def sandbox_application(settings: Settings) -> Any:
    from jklg.sandbox import create_app

    raise NotImplementedError(create_app, settings)
