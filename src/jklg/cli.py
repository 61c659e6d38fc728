"""`jklg`: the commands. Exit status 0 only when all is well, 2 for wrong settings or a wrong command line."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from jklg.kit.embedded_postgres import PostgresTrouble
from jklg.kit.errors import Refusal
from jklg.migrations import MigrationTrouble
from jklg.settings import BadSettings
from jklg.startup.environment import SANDBOX_DATABASE, reachable_database, read_dotenv, settings_for_here
from jklg.startup.parent import end_with_parent
from jklg.startup.supervisor import SUPERVISOR
from jklg.startup.up import CannotStart, up


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status. What can be said in a sentence is said without a traceback."""
    arguments = _parser().parse_args(argv)
    if SUPERVISOR in os.environ:
        end_with_parent(int(os.environ.pop(SUPERVISOR)))
    read_dotenv()
    try:
        return int(arguments.run(arguments) or 0)
    except BadSettings as error:
        return _fail(str(error), 2)
    except (PostgresTrouble, CannotStart, MigrationTrouble) as error:
        return _fail(str(error), 1)
    except Refusal as refusal:
        return _fail(refusal.sentence, 1)
    except asyncpg.PostgresError as error:
        return _fail(f"The database refused: {error}", 1)
    except OSError as error:  # no such socket, no such host, nobody listening, no space left
        return _fail(str(error), 1)
    except KeyboardInterrupt:
        return 130


def _fail(message: str, status: int) -> int:
    for line in message.splitlines():
        print(f"jklg: {line}", file=sys.stderr)
    return status


def say(message: str) -> None:
    """Progress and other remarks; on stderr, so that output can be piped."""
    print(message, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="jklg", description="The booking and payments house of a travel agency.")
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, run: Callable[[argparse.Namespace], int | None], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    sub = command("up", _up, "Start everything: database, site, worker and, without a live key, the sandbox gateway.")
    _address_flags(sub)
    sub.add_argument("--data-dir", help="where the database and the development secrets are kept (.jklg)")
    sub.add_argument("--no-demo", action="store_true", help="do not load the demo agency")

    sub = command("web", _web, "Serve the site and the API. Any number of these may run against one DATABASE_URL.")
    _address_flags(sub)
    sub.add_argument("--workers", type=int, default=1, help="processes that answer requests (1)")

    command("worker", _worker, "Do what was announced and what is due. Any number of these may run.")

    sub = command("sandbox", _sandbox, "Serve the sandbox gateway, a bank that can be told to misbehave.")
    sub.add_argument("--port", type=int, default=3001, help="3001")

    command("migrate", _migrate, "Bring the database to the present schema.")
    sub = command("prepare", _prepare, "What `up` does before it opens: migrate, demo agency, first staff account.")
    sub.add_argument("--no-demo", action="store_true", help="do not load the demo agency")

    staff = command("staff", _nothing, "Staff accounts.").add_subparsers(required=True, metavar="action")
    sub = staff.add_parser("add", help="add an account; the password is read from standard input")
    sub.set_defaults(run=_staff_add)
    sub.add_argument("--email", required=True)
    sub.add_argument("--name", required=True)
    sub.add_argument("--role", default="Admin", choices=("Admin", "Manager", "Guide", "Support"))

    customer = command("customer", _nothing, "Customers' accounts.").add_subparsers(required=True, metavar="action")
    sub = customer.add_parser("sign-out", help="end every session of a customer, say because a telephone was stolen")
    sub.set_defaults(run=_customer_sign_out)
    sub.add_argument("--email", required=True)

    ledger = command("ledger", _nothing, "The books.").add_subparsers(required=True, metavar="action")
    sub = ledger.add_parser("verify", help="check that the books balance and agree with the bookings")
    sub.set_defaults(run=_ledger_verify)
    sub.add_argument("--json", action="store_true", help="findings as JSON")
    sub.add_argument(
        "--expect", default="", metavar="CHAIN", help="a chain that was printed earlier, if not what the worker noted"
    )

    sub = command("reconcile", _reconcile, "Compare gateways, books and our account there, at once.")
    sub.add_argument("gateway", nargs="?", help="this one only")

    bank = command("bank", _nothing, "Our own bank.").add_subparsers(required=True, metavar="action")
    sub = bank.add_parser("import", help="import a statement: camt.053, or CSV of one account")
    sub.set_defaults(run=_bank_import)
    sub.add_argument("file", help="the file that the bank gave")
    sub.add_argument("--account", default="", help="of CSV: the account's number or name, always the same")
    sub.add_argument("--currency", default="", help="of CSV: the account's currency, such as INR")
    sub.add_argument("--dates", choices=("dmy", "mdy", "ymd"), help="of CSV: the order of day, month and year")
    sub.add_argument("--decimal", choices=("point", "comma"), help="of CSV: what separates the cents")

    mail = command("mail", _nothing, "Our mails.").add_subparsers(required=True, metavar="action")
    sub = mail.add_parser("bounced", help="record a mail that came back; the report is read from standard input")
    sub.set_defaults(run=_mail_bounced)

    command("demo", _demo, "Load the demo agency into the database.")
    sub = command("doctor", _doctor, "Look at settings, database, schema and books, and say what is wrong.")
    sub.add_argument("what", nargs="?", choices=["mail"], help="the mail server, and what the DNS says of the sender")
    sub.add_argument("--to", default="", help="with mail: send one there")
    command("routes", _routes, "Every address the web answers.")
    command("news", _news, "Every piece of news, and who acts on it.")
    return parser


def _address_flags(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--port", type=int, help="3000")
    sub.add_argument("--host", help="127.0.0.1")


def _take_flags(arguments: argparse.Namespace) -> None:
    """A flag is stronger than the environment, and the processes we start see it there."""
    for flag, variable in (("port", "PORT"), ("host", "JKLG_HOST"), ("data_dir", "JKLG_DATA_DIR")):
        value = getattr(arguments, flag, None)
        if value is not None:
            os.environ[variable] = str(value)


# --- processes --------------------------------------------------------------------------------------------------------


def _up(arguments: argparse.Namespace) -> None:
    _take_flags(arguments)
    up(say, demo=not arguments.no_demo)


def _web(arguments: argparse.Namespace) -> None:
    from jklg.startup.serving import WEB, serve

    _take_flags(arguments)
    settings = settings_for_here(need_database=True)
    serve(WEB, settings.host, settings.port, arguments.workers)


def _worker(_: argparse.Namespace) -> int | None:
    settings = settings_for_here(need_database=True)
    from jklg.app import open_gateways, run_worker
    from jklg.startup.foreman import replace_whoever_is_killed

    gateways = open_gateways(settings)
    if not settings.failpoint:  # who wants to see it die shall see that
        ended = replace_whoever_is_killed(say)
        if ended is not None:
            return ended
    run_worker(settings, gateways)
    return None


def _sandbox(arguments: argparse.Namespace) -> None:
    from jklg.startup.serving import sandbox_application, serve

    settings = settings_for_here()
    if settings.live:
        raise BadSettings("The sandbox gateway does not run beside a live key.")
    kept_in = os.environ.get(SANDBOX_DATABASE)
    serve(lambda: sandbox_application(settings, arguments.port, kept_in), "127.0.0.1", arguments.port)


# --- the database -----------------------------------------------------------------------------------------------------


def _migrate(_: argparse.Namespace) -> None:
    from jklg.migrations import migrate

    with reachable_database(settings_for_here(), say) as urls:
        done = asyncio.run(migrate(urls.owner))
    for name in done:
        print(f"applied {name}")
    if not done:
        print("nothing to do")


def _prepare(arguments: argparse.Namespace) -> None:
    from jklg.startup.prepare import prepare

    settings = settings_for_here()
    with reachable_database(settings, say) as urls:
        asyncio.run(prepare(settings, urls, say, demo=not arguments.no_demo))


def _demo(_: argparse.Namespace) -> None:
    from jklg import demo

    _with_database(demo.load)
    print("the demo agency is loaded")


def _with_database(work: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    from jklg.kit.db import open_database

    async def run(url: str) -> Any:
        db = await open_database(url)
        try:
            return await work(db)
        finally:
            await db.close()

    with reachable_database(settings_for_here(), say) as urls:
        return asyncio.run(run(urls.login))


def _staff_add(arguments: argparse.Namespace) -> None:
    from jklg import staff

    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise CannotStart("The two passwords differ.")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    _with_database(
        lambda db: staff.add(db, email=arguments.email, name=arguments.name, role=arguments.role, password=password)
    )
    print(f"{arguments.email} may now sign in at /staff")


def _customer_sign_out(arguments: argparse.Namespace) -> None:
    from jklg.customers import entering

    ended = _with_database(lambda db: entering.sign_out_everywhere(db, arguments.email))
    print(f"{arguments.email} is signed out of {ended} device{'' if ended == 1 else 's'}")


def _ledger_verify(arguments: argparse.Namespace) -> int:
    from jklg import ledger
    from jklg.reconciliation import ALL_CHECKS

    here = settings_for_here()
    expected = arguments.expect or ledger.noted_head(here.data_dir)
    findings = _with_database(lambda db: ledger.verify(db, ALL_CHECKS, keys=here.secrets, expected=expected))
    if arguments.json:
        print(msgspec.json.encode({"ok": findings.ok, **msgspec.structs.asdict(findings)}).decode())
        return 0 if findings.ok else 1
    print(f"{findings.transactions} postings, {findings.entries} entries; checked: {', '.join(findings.checks)}")
    for sentence, rows in findings.broken.items():
        print(f"WRONG: {sentence}")
        for row in rows:
            print(f"       {row}")
    print("the books balance" if findings.ok else "what to do: docs/running-it.md, 'When the books are not sound'")
    waiting = f", {findings.head.unsealed} postings not sealed yet" if findings.head.unsealed else ""
    print(f"chain {findings.head}{waiting}")
    return 0 if findings.ok else 1


def _reconcile(arguments: argparse.Namespace) -> int:
    from jklg.app import build_house
    from jklg.reconciliation import reconcile_at_once

    settings = settings_for_here()

    async def work(db: Any) -> tuple[list[Any], dict[str, int]]:
        house = await build_house(settings, db)
        try:
            names = [arguments.gateway] if arguments.gateway else list(house.gateways)
            if unknown := set(names) - house.gateways.keys():
                known = ", ".join(house.gateways) or "none"
                raise BadSettings(f"The gateway {unknown.pop()} is not configured; configured: {known}.")
            return await reconcile_at_once(house, names)
        finally:
            for gateway in house.gateways.values():
                await gateway.close()

    compared, waiting = _with_database(work)
    for each in compared:
        print(each)
    for kind, many in waiting.items():
        print(f"open: {many} {kind.replace('_', ' ')}")
    print("see /staff for what is open" if waiting else "nothing is open")
    return 0 if not waiting and all(each.ok for each in compared) else 1


def _bank_import(arguments: argparse.Namespace) -> None:
    from jklg.reconciliation import statements

    data = Path(arguments.file).read_bytes()
    told = _with_database(
        lambda db: statements.import_file(
            db, data, file_name=Path(arguments.file).name, actor="cli", account=arguments.account,
            currency=arguments.currency.upper(), dates=arguments.dates, decimal=arguments.decimal,
        )
    )  # fmt: skip
    print(f"{told.new} new lines, {told.known} known before; {told.matched} matched, see /staff/bank for the rest")


def _mail_bounced(_: argparse.Namespace) -> int:
    """For a pipe of the mail server: 75 (EX_TEMPFAIL, come again) when we could not look, else 0, also for what is no report."""
    from jklg.mail import bounces
    from jklg.mail.bounces.rules import MOST_BYTES

    raw = sys.stdin.buffer.read(MOST_BYTES)
    try:
        print(_with_database(lambda db: bounces.file_report(db, raw)))
    except (OSError, asyncpg.PostgresError, PostgresTrouble, BadSettings) as error:
        return _fail(str(error), 75)
    return 0


# --- looking ----------------------------------------------------------------------------------------------------------


def _doctor(arguments: argparse.Namespace) -> int:
    from jklg.startup.doctor import examine
    from jklg.startup.mail_doctor import examine_mail

    settings = settings_for_here()
    if arguments.what == "mail":
        results = asyncio.run(examine_mail(settings, arguments.to))
    else:
        with reachable_database(settings, say) as urls:
            results = asyncio.run(examine(settings, urls))
    for result in results:
        print(f"{'ok   ' if result.ok else 'WRONG'}  {result.subject}: {result.detail}")
    return 0 if all(result.ok for result in results) else 1


def _routes(_: argparse.Namespace) -> None:
    from jklg.app import create_app

    app = create_app(settings=settings_for_here())
    for route in sorted(app.routes, key=lambda route: route.path):
        print(f"{','.join(sorted(getattr(route, 'methods', ()))):24} {route.path}")


def _news(_: argparse.Namespace) -> None:
    from jklg.app import LISTENERS

    for news, listeners in sorted(LISTENERS.items()):
        print(f"{news:28} {', '.join(f'{each.__module__}.{each.__qualname__}' for each in listeners)}")


def _nothing(_: argparse.Namespace) -> None:
    """Never reached: the groups require an action."""
