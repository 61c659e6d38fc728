"""The web processes: Granian in front of the application, or of the sandbox gateway."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

from jklg.startup.parent import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable

    from jklg.settings import Settings

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
        for number in (signal.SIGTERM, signal.SIGINT):  # Granian's own come later; until then a stop would go unheard
            signal.signal(number, signal.SIG_DFL)
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


def sandbox_application(settings: Settings, port: int, database_url: str | None) -> Any:
    """The play bank, telling the house of these settings what happened."""
    from jklg.sandbox import create_app

    return create_app(
        key=settings.sandbox_key,
        webhook_secret=settings.sandbox_webhook_secret,
        webhook_url=f"http://{reachable_host(settings)}:{settings.port}/api/payments/webhooks/sandbox",
        faults_enabled=settings.sandbox_faults,
        public_url=settings.sandbox_url or f"http://127.0.0.1:{port}",
        database_url=database_url,
    )


def reachable_host(settings: Settings) -> str:
    """Where processes on this machine find the web."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(settings.host, settings.host)  # noqa: S104
    return f"[{host}]" if ":" in host else host
