"""Servers take turns at the same work; pgbench does the same statements in between. Medians and ratios."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import msgspec

from bench import load, processes
from bench.report import Report, Unable, median_and_spread
from bench.stand import Server


class Work(msgspec.Struct, frozen=True):
    """One kind of request, and how to do it in rounds that all start from the same state."""

    requests: Callable[[Server, int], Sequence[bytes]]
    """The prepared requests of one round for one server; the number is that of the round."""
    expected: int
    """The status every answer must have."""
    reset: Callable[[], None]
    verify: Callable[[], None]
    """Asks the database whether the round did what it says."""
    pgbench: Callable[[], float]
    """Transactions a second of the same statements."""


class Measured(msgspec.Struct):
    """Of one server, one figure a round. CPU in microseconds a request, of the application alone; latencies in ms."""

    per_second: list[float] = []
    cpu: list[float] = []
    p50: list[float] = []
    p99: list[float] = []


def take_turns(
    report: Report, servers: Sequence[Server], work: Work, *, rounds: int, connections: int
) -> tuple[dict[str, Measured], list[float]]:
    """One round to warm up, then `rounds` that count. Who goes first changes from round to round."""
    measured = {server.name: Measured() for server in servers}
    pgbench: list[float] = []
    for number in range(rounds + 1):
        work.reset()
        tps = work.pgbench()
        for turn in range(len(servers)):
            server = servers[(turn + number) % len(servers)]
            requests = work.requests(server, number)
            work.reset()
            family = processes.tree(server.pid)
            cpu = processes.cpu_seconds(family)
            outcome = load.drive(server.port, requests, connections)
            cpu = processes.cpu_seconds(family) - cpu
            if outcome.statuses != {work.expected: len(requests)} or outcome.dropped:
                raise Unable(
                    f"{server.name} answered {outcome.statuses}, {outcome.dropped} dropped; expected {work.expected} throughout"
                )
            work.verify()
            if number:
                mine = measured[server.name]
                mine.per_second.append(outcome.per_second)
                mine.cpu.append(1e6 * cpu / len(requests))
                mine.p50.append(outcome.p50)
                mine.p99.append(outcome.p99)
        if number:
            pgbench.append(tps)
            said = "  ".join(f"{name} {m.per_second[-1]:5.0f}/s {m.cpu[-1]:4.0f} us" for name, m in measured.items())
            report.say(f"  round {number}: pgbench {tps:5.0f}/s  {said}")
    return measured, pgbench


def compare(
    report: Report,
    measured: dict[str, Measured],
    pgbench: Sequence[float],
    *,
    express_ceiling: float,
    pgbench_floor: float | None = None,
    of: str = "",
) -> None:
    """Medians, then the ratios: of each round first, then their median, so that a noisy minute counts for both sides."""
    report.say("\n  median (lowest to highest)")
    report.say(f"  pgbench  {median_and_spread(pgbench)} a second")
    for name, m in measured.items():
        report.say(
            f"  {name:8} {median_and_spread(m.per_second)} a second; CPU {median_and_spread(m.cpu)} us a request; "
            f"p50 {statistics.median(m.p50):.1f} ms, p99 {statistics.median(m.p99):.1f} ms"
        )
    report.say()
    ours = measured["jklg"]
    if pgbench_floor is None:
        report.beside(f"throughput / pgbench{of}", ratio_of_rounds(ours.per_second, pgbench))
    else:
        report.at_least(f"throughput / pgbench{of}", ratio_of_rounds(ours.per_second, pgbench), pgbench_floor)
    report.at_most(f"CPU a request / Express{of}", ratio_of_rounds(ours.cpu, measured["express"].cpu), express_ceiling)
    report.beside(f"CPU a request / Fastify{of}", ratio_of_rounds(ours.cpu, measured["fastify"].cpu))
    for peer in ("express", "fastify"):
        report.beside(f"throughput / pgbench of {peer}", ratio_of_rounds(measured[peer].per_second, pgbench))


def ratio_of_rounds(above: Sequence[float], below: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(above, below, strict=True))
