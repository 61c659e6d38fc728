"""Processes of a benchmark: start them, wait until they answer, weigh them, and end exactly those."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.report import Unable

_TICKS = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def running(command: Sequence[str], *, log: Path, cwd: Path, env: Mapping[str, str]) -> Iterator[int]:
    """Run `command` in its own process group for the length of the block; yields its process id. What it says goes to `log`."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process.pid
    finally:
        family = tree(process.pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            for pid in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_served(port: int, path: str, *, pid: int | None, log: Path, seconds: float) -> float:
    """Ask until the answer is 200; returns how long that took. Raises Unable with the end of the log."""
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        with contextlib.suppress(OSError):
            if ask(port, path) == 200:
                return time.perf_counter() - started
        if pid is not None and not alive(pid):
            break
        time.sleep(0.02)
    said = log.read_text(errors="replace")[-3000:] if log.exists() else ""
    raise Unable(
        f"nothing is served at http://localhost:{port}{path} after {time.perf_counter() - started:.0f} s\n{said}"
    )


def ask(port: int, path: str) -> int:
    """The status of one GET."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as conn:
        conn.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode())
        first = conn.recv(65536)
        while conn.recv(65536):
            pass
    return int(first[9:12] or 0)


def alive(pid: int) -> bool:
    fields = _stat(pid)
    return fields is not None and fields[0] != "Z"


def tree(root: int) -> list[int]:
    """The process and everything it has started, directly or not."""
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := _stat(int(entry))) is not None:
            parents.setdefault(int(fields[1]), []).append(int(entry))
    found = [root]
    for pid in found:
        found += parents.get(pid, [])
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time the processes have used so far."""
    ticks = 0
    for pid in pids:
        if (fields := _stat(pid)) is not None:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def _stat(pid: int) -> list[str] | None:
    """/proc/<pid>/stat from its third field on: state, parent, ... (the second may hold spaces)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def memory_kib(pid: int) -> tuple[int, int]:
    """(PSS, RSS) of one process. PSS shares what is shared, so that the sum over processes is true."""
    pss = rss = 0
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                pss = int(line.split()[1])
            elif line.startswith("Rss:"):
                rss = int(line.split()[1])
    return pss, rss
