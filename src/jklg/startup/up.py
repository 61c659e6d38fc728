"""`jklg up`: everything the house needs, on one machine, with one command.

In order: the directory lock, the settings, the database, the schema, the demo agency, somebody who may sign in as staff,
then the web, the worker and the sandbox gateway, until Ctrl-C.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jklg.kit import embedded_postgres
from jklg.kit.embedded_postgres import DirectoryLock, EmbeddedPostgres
from jklg.settings import Settings, load
from jklg.startup.environment import OWNER_URL, SANDBOX_DATABASE, add_development_secrets
from jklg.startup.serving import reachable_host
from jklg.startup.supervisor import Child, Supervisor


class CannotStart(Exception):
    """`up` gives up. The message says why."""


def up(say: Callable[[str], None], *, demo: bool = True) -> None:
    """Run the house until SIGINT, SIGTERM or SIGHUP. Raises BadSettings, PostgresTrouble, CannotStart."""
    began = time.monotonic()
    settings = load()
    with _interruptible(), _lock(settings):
        settings = _settle_settings(settings)
        server = None
        try:
            if not settings.database_url:
                say("starting PostgreSQL")
                server = embedded_postgres.start(settings.data_dir, say=say)
                os.environ["DATABASE_URL"] = server.access.login_url()
                os.environ[OWNER_URL] = server.access.owner_url()
                os.environ[SANDBOX_DATABASE] = server.access.sandbox_url()
            _prepare(demo=demo)
            say("starting web, worker and sandbox" if settings.sandbox_url else "starting web and worker")
            _supervise(settings, server, say, began)
        finally:
            if server is not None:
                server.close()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Until the supervisor takes over, being asked to stop is an exception that unwinds what was begun."""

    def stop(number: int, _: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    yield


@contextmanager
def _lock(settings: Settings) -> Iterator[None]:
    lock = DirectoryLock(settings.data_dir)
    try:
        yield
    finally:
        lock.release()


def _settle_settings(settings: Settings) -> Settings:
    """Choose what was left open, put it into the environment of the children, and read it back: they see the same."""
    port = settings.port or _free_port()
    _insist_on_port(settings.host, port)
    os.environ["PORT"] = str(port)
    add_development_secrets()
    if not settings.production and not settings.live and not settings.sandbox_url:
        os.environ["SANDBOX_URL"] = f"http://127.0.0.1:{_free_port(port + 1)}"
    return load()


def _insist_on_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(
                f"Cannot listen on {host}, port {port}: {error.strerror}. Choose another --port."
            ) from error


def _free_port(preferred: int = 0) -> int:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", preferred))
        except (OSError, OverflowError):
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _prepare(*, demo: bool) -> None:
    """Migrate, load the demo, make sure of a staff account: in a process of its own, so that its memory is given back."""
    arguments = ["prepare"] if demo else ["prepare", "--no-demo"]
    done = subprocess.run([sys.executable, "-m", "jklg", *arguments], stdin=subprocess.DEVNULL, check=False)  # noqa: S603
    if done.returncode != 0:
        raise CannotStart("The database could not be prepared; see above.")


def _supervise(settings: Settings, server: EmbeddedPostgres | None, say: Callable[[str], None], began: float) -> None:
    environment = dict(os.environ)
    environment.pop(OWNER_URL, None)  # whoever answers requests cannot change the schema
    sandbox_environment = {name: value for name, value in environment.items() if name != "DATABASE_URL"}
    sandbox_environment.setdefault(SANDBOX_DATABASE, environment["DATABASE_URL"])
    environment.pop(SANDBOX_DATABASE, None)
    children = [Child("web", ["web"], environment), Child("worker", ["worker"], environment)]
    if settings.sandbox_url and _is_ours(settings.sandbox_url):
        port = settings.sandbox_url.rpartition(":")[2]
        children.insert(0, Child("sandbox", ["sandbox", "--port", port], sandbox_environment))

    def look_after_database() -> None:
        if server is not None and not server.is_running():
            say("PostgreSQL ended; starting it again")
            server.run()

    supervisor = Supervisor(children, say, look_after_database)
    try:
        supervisor.start()
        _wait_until_open(settings, supervisor)
        if not supervisor.stopping:
            say(_welcome(settings, time.monotonic() - began))
            supervisor.run()
        say("stopping")
    finally:
        supervisor.stop()


def _is_ours(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "http://localhost:"))


def _wait_until_open(settings: Settings, supervisor: Supervisor) -> None:
    """Until /api/health answers. A child that dies again and again before that will not get better."""
    deadline = time.monotonic() + 60
    while not supervisor.stopping and not (_is_healthy(settings) and _is_listening(settings.sandbox_url)):
        hopeless = [child.name for child in supervisor.children if child.deaths >= 3]
        if hopeless or time.monotonic() > deadline:
            raise CannotStart(f"{' and '.join(hopeless) or 'The web'} did not start; see above.")
        supervisor.round(0.05)


def _is_healthy(settings: Settings) -> bool:
    conn = http.client.HTTPConnection(reachable_host(settings), settings.port, timeout=5)
    try:
        conn.request("GET", "/api/health")
        return conn.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        conn.close()


def _is_listening(url: str) -> bool:
    """Whether somebody takes connections there; yes for nowhere at all and for elsewhere, which is not our business."""
    if not _is_ours(url):
        return True
    try:
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=5).close()
    except OSError:
        return False
    return True


def _welcome(settings: Settings, seconds: float) -> str:
    lines = [f"JKLG is open after {seconds:.1f} s", f"  the site    {settings.public_url}/"]
    staff = f"  for staff   {settings.public_url}/staff"
    if not settings.production:
        known = settings.data_dir / "staff.json"
        if known.exists():
            account = json.loads(known.read_text())
            staff += f"   ({account['email']}, password in {known})"
    lines.append(staff)
    if not settings.production and not settings.smtp_host:
        lines.append(f"  mail        {settings.public_url}/dev/mail   (caught here: no SMTP_HOST is set)")
    return "\n".join([*lines, "Ctrl-C stops everything."])
