"""The load: a fixed number of prepared requests over a fixed number of kept connections, one in flight on each.

One epoll loop over raw sockets, the same for every server: it costs about 15 microseconds a request, so that on two
cores the server and the database keep what they need. Answers are read to their end and counted by status.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec


class Outcome(msgspec.Struct, frozen=True):
    """What came back. Latencies in milliseconds. `dropped`: connections that were closed without an answer."""

    seconds: float
    statuses: dict[int, int]
    dropped: int
    p50: float
    p99: float

    @property
    def per_second(self) -> float:
        return sum(self.statuses.values()) / self.seconds


def request_bytes(port: int, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: localhost:{port}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def get_bytes(port: int, path: str, headers: Mapping[str, str]) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: localhost:{port}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


@contextlib.contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    """A connection to ask on, one request after the other."""
    with _connect(port) as conn:
        conn.settimeout(30)
        yield conn


def ask(port: int, request: bytes) -> tuple[int, Any]:
    """One request on a connection of its own: (status, JSON body)."""
    with connected(port) as conn:
        return ask_on(conn, request)


def ask_on(conn: socket.socket, request: bytes) -> tuple[int, Any]:
    conn.sendall(request)
    answer = b""
    while not _complete(answer):
        data = conn.recv(65536)
        if not data:
            break
        answer += data
    return int(answer[9:12]), json.loads(answer.partition(b"\r\n\r\n")[2])


def drive(port: int, requests: Sequence[bytes], connections: int, *, seconds: float = 120.0) -> Outcome:
    """Send every request once. A connection takes the next one as soon as its last is answered. Gives up after `seconds`."""
    poll = select.epoll()
    sockets: dict[int, socket.socket] = {}
    for _ in range(min(connections, len(requests))):
        conn = _connect(port)
        sockets[conn.fileno()] = conn
        poll.register(conn, select.EPOLLIN)
    clock = time.perf_counter
    sent_at: dict[int, float] = {}
    partial: dict[int, bytes] = {}
    statuses: Counter[int] = Counter()
    latencies: list[float] = []
    waiting = iter(requests)
    dropped = 0
    started = clock()
    for number, conn in sockets.items():
        sent_at[number] = clock()
        conn.sendall(next(waiting))
    while sent_at:
        ready = poll.poll(5.0)
        if clock() - started > seconds or not ready:
            dropped += len(sent_at)
            break
        for number, _ in ready:
            conn = sockets[number]
            try:
                data = conn.recv(65536)
            except ConnectionError:
                data = b""
            if not data:
                dropped += 1
                poll.unregister(number)
                conn.close()
                del sockets[number], sent_at[number]
                partial.pop(number, None)
                if (following := next(waiting, None)) is not None:
                    conn = _connect(port)
                    number = conn.fileno()
                    sockets[number] = conn
                    poll.register(conn, select.EPOLLIN)
                    sent_at[number] = clock()
                    conn.sendall(following)
                continue
            if number in partial:
                data = partial.pop(number) + data
            if not _complete(data):
                partial[number] = data
                continue
            now = clock()
            statuses[int(data[9:12])] += 1
            latencies.append(now - sent_at[number])
            if (following := next(waiting, None)) is None:
                del sent_at[number]
            else:
                sent_at[number] = now
                conn.sendall(following)
    took = clock() - started
    poll.close()
    for conn in sockets.values():
        conn.close()
    latencies.sort()
    return Outcome(took, dict(statuses), dropped, *(1000 * _percentile(latencies, share) for share in (0.5, 0.99)))


def pace(port: int, requests: Sequence[bytes], per_second: float) -> Outcome:
    """Send so many a second, whether the ones before are answered or not: a queue that forms is seen and not waited out."""
    poll = select.epoll()
    idle: list[tuple[float, socket.socket]] = []
    asking: dict[int, tuple[socket.socket, float, bytes]] = {}
    statuses: Counter[int] = Counter()
    latencies: list[float] = []
    dropped = sent = 0
    clock = time.perf_counter
    started = clock()
    while sent < len(requests) or asking:
        now = clock()
        due = started + sent / per_second
        if sent < len(requests) and now >= due:
            rested_since, conn = idle.pop() if idle else (now, _connect(port))
            if now - rested_since > 2:  # a server ends connections that rest for long
                conn.close()
                continue
            asking[conn.fileno()] = conn, clock(), b""
            poll.register(conn, select.EPOLLIN)
            conn.sendall(requests[sent])
            sent += 1
            continue
        if now > due + 30:
            dropped += len(asking)
            break
        for number, _ in poll.poll(max(0.0, due - now) if sent < len(requests) else 1.0):
            conn, since, before = asking.pop(number)
            data = conn.recv(65536)
            if data and not _complete(before + data):
                asking[number] = conn, since, before + data
                continue
            poll.unregister(conn)
            if data:
                latencies.append(clock() - since)
                statuses[int((before + data)[9:12])] += 1
                idle.append((now, conn))
            else:
                dropped += 1
                conn.close()
    took = clock() - started
    poll.close()
    for conn in [*(conn for _, conn in idle), *(conn for conn, _, _ in asking.values())]:
        conn.close()
    latencies.sort()
    return Outcome(took, dict(statuses), dropped, *(1000 * _percentile(latencies, share) for share in (0.5, 0.99)))


def _connect(port: int) -> socket.socket:
    conn = socket.create_connection(("127.0.0.1", port), timeout=10)
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return conn


def _complete(answer: bytes) -> bool:
    """Whether the whole answer is here. Every server under test announces its length."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = answer[:end].lower()
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        raise ValueError(f"an answer without a length: {answer[:200]!r}")
    return len(answer) - end - 4 >= int(head[at + 17 :].split(b"\r\n", 1)[0])


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
