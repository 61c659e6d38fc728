"""`./jklg bench NAME`: run one benchmark. Exit status 0 when every limit is met, 1 when one is missed, 2 when it could not run."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys

from bench.report import Report, Unable

BENCHMARKS = {
    "bookings": "no oversell under contention; POST /api/bookings against pgbench, Express and Fastify",
    "confirming": "from a webhook to a confirmed booking, 300 notices a second, the worker killed every 10 s",
    "transactions": "a page of payments among 10 thousand and 10 million, the first and the 10,000th; against Express and Fastify",
    "webhooks": "webhook intake against pgbench, Express and Fastify",
    "customers": "GET /me and GET /:id/bookings against Express and Fastify; GET /me beside a flood of sign-ins",
    "timing": "whether the time of an answer tells which e-mail addresses have an account",
    "pages": "server time of a journey among 10,000 departures; weight of the home page; JavaScript of any page",
    "lighthouse": "what Lighthouse says of the pages that sell, on its mobile profile",
    "startup": "cold and warm `./jklg up` to the first served page",
    "memory": "what web and worker keep in memory while idle",
    "simulate": "the seeded simulation, many seeds",
    "orders": "the news of a payment in any order, doubled and with losses: the same rows and the same books",
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="jklg bench",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"  {name:10} {what}" for name, what in BENCHMARKS.items()),
    )
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the work: to see that it runs, not to believe it"
    )
    parser.add_argument("--count", type=int, help="simulate: how many seeds; orders: how many runs")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        report: Report = importlib.import_module(f"bench.{options.name}").run(options)
    except Unable as unable:
        print(f"cannot run: {unable}", file=sys.stderr)
        return 2
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
