"""The web processes: uvicorn in front of the application, or of the sandbox gateway."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from jklg.startup.parent import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable

    from jklg.settings import Settings

WEB = "jklg.startup.serving:web_application"
"""What `serve` is given to serve the house: by name, so that several processes can each build their own."""
_MAIN = "JKLG_SERVING_MAIN"  # the process id of the main process, for its workers


def serve(factory: Callable[[], Any] | str, host: str, port: int, workers: int = 1) -> None:
    """Serve an ASGI application until SIGTERM or SIGINT; requests in hand are answered first, for at most ten seconds.

    `factory` runs once in every process that answers: in this one, or with several `workers` in each of them.
    """
    import uvicorn

    if workers > 1:
        os.environ[_MAIN] = str(os.getpid())
    uvicorn.run(
        factory,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        http="jklg.startup.connections:CarefulConnection",
        ws="none",
        lifespan="on",
        proxy_headers=False,  # the front door knows whom to believe
        server_header=False,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=10,
    )


def web_application() -> Any:
    from jklg.app import application

    if main := os.environ.get(_MAIN):
        end_with_parent(int(main))
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
