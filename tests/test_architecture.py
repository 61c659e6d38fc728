"""The three laws and the habits of CONTRIBUTING.md, kept by a machine. Every complaint says what to do, and which accident it prevents.

Each check is a function that reads source text and yields complaints; `test_every_check_still_bites` feeds each one a
planted offence, so that a check cannot fall asleep unnoticed.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "jklg"
Check = Callable[[str, str], Iterator[str]]
"""(path inside src/jklg, source) -> complaints."""


def sources() -> Iterator[tuple[str, str]]:
    for path in sorted(SRC.rglob("*.py")):
        yield path.relative_to(SRC).as_posix(), path.read_text("utf-8")


def tracked() -> list[str]:
    """The files of the repository; without a checkout of it, what lies here."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    except (OSError, subprocess.CalledProcessError):
        hidden = re.compile(r"(^|/)(\.|node_modules|__pycache__|build/|dist/|[^/]*\.egg-info)")
        return [
            name
            for path in ROOT.rglob("*")
            if path.is_file() and not hidden.search(name := path.relative_to(ROOT).as_posix())
        ]


def room_of(path: str) -> str:
    """bookings/actions.py -> bookings, payments/refunds/queries.py -> payments/refunds."""
    return path.rpartition("/")[0]


# --- law 1: calls go down ---------------------------------------------------------------------------------------------


def test_the_rooms_stand_on_the_staircase() -> None:
    """The import contracts of pyproject.toml. 68 of 91 packages in one import cycle is how a comparable system ended."""
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(SRC.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, (
        f"An import goes up the stairs. Ask: is it news (jobs.announce)? is the noun on the wrong stair? is one missing?\n{run.stdout}{run.stderr}"
    )


# --- law 2: one table, one writing room -------------------------------------------------------------------------------

_WRITE = re.compile(
    r"(?<!FOR )(?<!DO )\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|MERGE\s+INTO)\s+(?:ONLY\s+)?([a-z_]+)\b"
)
_SQL = re.compile(
    r"^\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+(\s+\w+)?\s+SET\s|DELETE\s+FROM\s|WITH\s+\w+\s+AS|CREATE\s+(TABLE|INDEX|FUNCTION|ROLE|SCHEMA|DATABASE)|"
    r"ALTER\s+\w+\s|DROP\s+\w+\s|TRUNCATE\s|LOCK\s+TABLE|GRANT\s|SET\s+(LOCAL|ROLE)\s|BEGIN\b|COMMIT\b|ROLLBACK\b|NOTIFY\s|LISTEN\s)"
)

SQL_ELSEWHERE = {
    "kit/db.py": "opens database transactions and says for whom",
    "kit/embedded_postgres.py": "makes the roles and the database of a server that it started",
    "migrations/__init__.py": "applies the migrations and keeps the list of them",
    "sandbox/storage.py": "another house, with its own books",
    "startup/doctor.py": "looks at the server from outside",
}

WRITES_ACROSS = {
    ("invoices", "bookings"): "invoices_named_on_booking: the projection invoice_id, invoice_url",
    ("bookings", "history"): "hold_booking: seats, booking and its history line in one round trip under one lock",
    (
        "payments",
        "bookings",
    ): "transactions_keep_payment_status: the projection payment_status, payment_date, payment_open",
    (
        "payments/refunds",
        "transactions",
    ): "refunds_move_capacity: reserved and refunded amounts, under the attempt's row lock",
}


def migrations() -> list[tuple[str, str]]:
    return [(path.name, path.read_text("utf-8")) for path in sorted((SRC / "migrations").glob("0*.sql"))]


def sections(sql: str) -> Iterator[tuple[str, str]]:
    """(room, text): a migration names the room at the head of each section: `-- payments/refunds: money we send back.`"""
    parts = re.split(r"(?m)^-- ([a-z]+(?:/[a-z]+)?): ", sql)
    yield from zip(parts[1::2], parts[2::2], strict=True)


def owners() -> dict[str, str]:
    """Table -> the room in whose section it is made."""
    found: dict[str, str] = {}
    for _, sql in migrations():
        for room, text in sections(sql):
            found.update(dict.fromkeys(re.findall(r"(?m)^CREATE TABLE (?:IF NOT EXISTS )?(\w+)", text), room))
    return found


def foreign_writes(room: str, sql: str, owned: dict[str, str]) -> Iterator[str]:
    for table in _WRITE.findall(re.sub(r"--.*", "", sql)):
        owner = owned.get(table)
        if owner is not None and owner != room and (room, table) not in WRITES_ACROSS:
            yield (
                f"{room} writes {table}, which belongs to {owner}. Give {owner} a verb for it and call that: "
                "eleven files wrote one table of a comparable system, and nobody could say any more who had broken it"
            )


def test_one_table_has_one_writing_room() -> None:
    owned = owners()
    wrong = [
        f"{path}: {complaint}"
        for path, source in sources()
        for _, text in _strings(ast.parse(source))
        if _SQL.match(text)
        for complaint in foreign_writes(room_of(path), text, owned)
    ]
    for name, sql in migrations():
        for room, text in sections(sql):
            for body in re.findall(r"\$\$(.*?)\$\$", text, re.DOTALL):
                wrong += [f"{name}: {complaint}" for complaint in foreign_writes(room, body, owned)]
    assert not wrong, "\n".join(wrong)


def test_every_table_is_made_in_the_section_of_its_room() -> None:
    made = [
        table for _, sql in migrations() for table in re.findall(r"(?m)^CREATE TABLE (?:IF NOT EXISTS )?(\w+)", sql)
    ]
    homeless = sorted(set(made) - owners().keys())
    assert made
    assert not homeless, f"{homeless}: put a comment `-- room: what it keeps` above the table, or nobody owns it"
    strangers = sorted(room for room in set(owners().values()) if not (SRC / room / "__init__.py").exists())
    assert not strangers, f"a migration names rooms that do not exist: {strangers}"


def sql_only_in_queries(path: str, source: str) -> Iterator[str]:
    if path.endswith("queries.py") or path in SQL_ELSEWHERE:
        return
    for line, text in _strings(ast.parse(source)):
        if _SQL.match(text):
            yield f"{path}:{line}: SQL belongs in queries.py, where it can be read, pasted into psql and searched for: {text.split()[:4]}"


def _strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """String literals that are not docstrings; of an f-string, its first words."""
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    docs |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.lineno, node.value


# --- law 3: no network inside a database transaction ------------------------------------------------------------------

_OUTSIDE = {"gateway", "gateways", "smtp", "client", "http", "aiosmtplib", "httpx", "stripe", "socket"}
_CALM = {
    "client.host",
    "gateway.read_notice",
    "gateway.accepts_notices",
    "gateway.widget",
    "gateways.get",
    "gateways.values",
}


def no_network_in_a_database_transaction(path: str, source: str) -> Iterator[str]:
    """Also through functions of the same file, and in every function that works inside its caller's (first parameter `conn`)."""
    if path.startswith(("payments/gateways/", "sandbox/", "kit/")):
        return
    tree = ast.parse(source)
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)}
    talks = {name for name, node in functions.items() if any(True for _ in _outside_calls(node))}
    while more := {name for name, node in functions.items() if name not in talks and talks & set(_own_calls(node))}:
        talks |= more
    inside: list[ast.AST] = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncWith)
        and any(_dotted(item.context_expr).endswith("transaction") for item in node.items)
    ]
    inside += [node for node in functions.values() if node.args.args and node.args.args[0].arg == "conn"]
    for block in inside:
        for line, name in (
            *_outside_calls(block),
            *((call_line, name) for call_line, name in _calls(block) if name in talks),
        ):
            yield (
                f"{path}:{line}: {name} may wait for the network while a database transaction is open. Write the row and commit, call the "
                "world, then write what it said: a slow gateway would hold the departure's lock and stop every sale on it"
            )


def _calls(node: ast.AST) -> Iterator[tuple[int, str]]:
    for each in ast.walk(node):
        if isinstance(each, ast.Await) and isinstance(each.value, ast.Call):
            yield each.lineno, _dotted(each.value)


def _own_calls(node: ast.AST) -> Iterator[str]:
    return (name for _, name in _calls(node) if "." not in name)


def _outside_calls(node: ast.AST) -> Iterator[tuple[int, str]]:
    for line, name in _calls(node):
        parts = name.split(".")
        if _OUTSIDE & set(parts[:-1]) and ".".join(parts[-2:]) not in _CALM:
            yield line, name


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        return _dotted(node.func)
    if isinstance(node, ast.Subscript):
        return _dotted(node.value)
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


# --- habits -----------------------------------------------------------------------------------------------------------

LANDFILL = {
    "utils",
    "util",
    "common",
    "helpers",
    "helper",
    "misc",
    "core",
    "base",
    "manager",
    "service",
    "services",
    "shared",
    "lib",
}


def no_landfill(path: str, _: str) -> Iterator[str]:
    for part in path.removesuffix(".py").split("/"):
        if part in LANDFILL:
            yield f"{path}: `{part}` means `other things`. Name the noun: payment/utils.py of a comparable system has 2,080 lines"


def every_file_says_what_it_is_for(path: str, source: str) -> Iterator[str]:
    doc = ast.get_docstring(ast.parse(source))
    if not doc or not doc.split("\n\n")[0].rstrip().endswith((".", ":", "`")):
        yield f"{path}: begin with a sentence on what this is for; whoever opens it at night has no other guide"


LONG = {
    "cli.py": (360, "every command with its flags, each a few lines"),
    "settings.py": (340, "every environment variable, read and checked in one place"),
    "app.py": (430, "every door, listener and sweep of the house, in one place"),
    "kit/embedded_postgres.py": (640, "runs a foreign server: starting, stopping, locks, roots; one subject"),
    "payments/actions.py": (530, "the money path as one story, read top to bottom"),
    "payments/gateways/paypal/gateway.py": (400, "one gateway, one file: every call of the contract in its order"),
    "payments/gateways/stripe/gateway.py": (480, "one gateway, one file: every call of the contract in its order"),
    "payments/gateways/sandbox/gateway.py": (340, "one gateway, one file: the example that others are written after"),
    "payments/queries.py": (470, "one function for each statement of the money path"),
    "bookings/queries.py": (360, "what a booking is, and one function for each statement of the bookings"),
    "catalogue/queries.py": (320, "one function for each statement of the catalogue"),
    "sandbox/bank.py": (450, "the play bank's books and rules: another house, told in one file"),
    "sandbox/app.py": (380, "the play bank's whole protocol"),
    "catalogue/scenes/": (400, "drawings: shapes and colours, no decisions"),
}


def not_too_long(path: str, source: str) -> Iterator[str]:
    limit = next((limit for start, (limit, _) in LONG.items() if path.startswith(start)), 300)
    lines = source.count("\n")
    if lines > limit:
        yield f"{path} has {lines} lines (up to {limit}): which noun in it wants a room or a file of its own? If none, say why in LONG"


MONEY = (
    "ledger/", "payments/", "pricing/", "bookings/", "departures/", "reconciliation/", "backoffice/", "invoices/", "demo/", "kit/money.py",
    "sandbox/bank.py", "sandbox/account.py", "sandbox/things.py",
)  # fmt: skip
"""Where amounts are handled; and every rules.py besides."""

SECONDS = {
    "payments/rules.py": {"retry_seconds", "may_send_again"},
    "payments/actions.py": {"_unanswered"},
    "payments/gateways/calls.py": {"retry_after"},
    "payments/gateways/stripe/calls.py": {"_seconds"},
    "payments/gateways/paypal/calls.py": {"__init__", "_fresh_token"},
    "bookings/pages.py": {"_claim"},
    "sandbox/bank.py": {"seconds_to_next", "delivered"},
}
"""Functions that compute how long to wait, and no amount."""


def no_floats_in_money(path: str, source: str) -> Iterator[str]:
    if not path.startswith(MONEY) and not path.endswith("/rules.py"):
        return
    waiting = SECONDS.get(path, set())
    for function, node in _within(ast.parse(source)):
        if function not in waiting and (
            (isinstance(node, ast.Constant) and isinstance(node.value, float))
            or (isinstance(node, ast.Call) and _dotted(node) in ("float", "round"))
            or (isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div))
        ):
            yield f"{path}:{node.lineno}: money is whole minor units; 0.1 + 0.2 is not 0.3. Use // and say where the remainder goes"


def _within(tree: ast.AST, function: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Every node with the name of the function that it stands in."""
    for node in ast.iter_child_nodes(tree):
        name = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else function
        yield name, node
        yield from _within(node, name)


CLOCKS = {
    "kit/clock.py": "the clock",
    "kit/ids.py": "an id carries its millisecond",
    "kit/embedded_postgres.py": "waits for a server",
    "sandbox/": "another house",
    "startup/": "watches processes",
    "demo/": "the year of the demo agency begins today",
}


def no_wall_clock(path: str, source: str) -> Iterator[str]:
    if path.startswith(tuple(CLOCKS)):
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and re.search(
            r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns))$", _dotted(node)
        ):
            yield (
                f"{path}:{node.lineno}: {_dotted(node)}: deadlines are house_now() in SQL, other times come from house.clock. "
                "Two machines with two clocks would sell the same seat twice"
            )


def no_print(path: str, source: str) -> Iterator[str]:
    if path == "cli.py":
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _dotted(node) in ("print", "breakpoint"):
            yield f"{path}:{node.lineno}: only cli.py speaks on the terminal; elsewhere use logging, which says when and where"


DOORS = {"api", "pages", "staff"}


def doors_only_in_doors(path: str, source: str) -> Iterator[str]:
    if Path(path).stem in DOORS or path.startswith(("sandbox/", "web/")):
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
            for decorator in node.decorator_list:
                if _dotted(decorator) in ("get", "post", "put", "patch", "delete", "head", "route", "websocket"):
                    yield f"{path}:{node.lineno}: {node.name} answers requests: move it to api.py, pages.py or staff.py, so that every door is found"


CHECKS: dict[Check, tuple[str, str]] = {
    sql_only_in_queries: (
        "x/actions.py",
        'async def f(conn):\n    await conn.execute("UPDATE bookings SET status = 1")\n',
    ),
    no_network_in_a_database_transaction: (
        "payments/actions.py",
        "async def f(db):\n    async with db.transaction() as conn:\n        await g()\nasync def g():\n    await gateway.create(1)\n",
    ),
    no_landfill: ("bookings/utils.py", ""),
    every_file_says_what_it_is_for: ("x/rules.py", "import os\n"),
    not_too_long: ("x/rules.py", "\n" * 301),
    no_floats_in_money: ("pricing/rules.py", "def f(total):\n    return total * 1.18\n"),
    no_wall_clock: ("bookings/actions.py", "def f():\n    return datetime.now(UTC)\n"),
    no_print: ("bookings/actions.py", "print(1)\n"),
    doors_only_in_doors: ("bookings/actions.py", "@get('/x')\nasync def f():\n    pass\n"),
}
"""Each check with an offence that it must see."""


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_house_keeps(check: Check) -> None:
    wrong = [complaint for path, source in sources() for complaint in check(path, source)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_check_still_bites(check: Check) -> None:
    assert list(check(*CHECKS[check])), f"{check.__name__} does not see the offence planted for it"


def test_a_room_cannot_write_another_rooms_table_unseen() -> None:
    assert list(foreign_writes("site", "UPDATE departures SET seats_taken = 0", {"departures": "departures"}))
    assert not list(foreign_writes("departures", "UPDATE departures SET seats_taken = 0", {"departures": "departures"}))


def test_what_is_excused_still_exists() -> None:
    """An excuse for a file that is gone would excuse the next one of that name."""
    for path in (*SQL_ELSEWHERE, *LONG, *CLOCKS, *SECONDS):
        assert (SRC / path).exists(), f"{path} is excused in this file and does not exist"
    for path, functions in SECONDS.items():
        there = {function for function, _ in _within(ast.parse((SRC / path).read_text("utf-8")))}
        assert functions <= there, f"{path}: {functions - there} are excused and do not exist"


def test_public_verbs_have_docstrings() -> None:
    """A docstring says what the signature cannot: units, locks, commits, the network, what it raises and in which order."""
    wrong = []
    for path, source in sources():
        if path.endswith("__init__.py"):
            wrong += [
                f"jklg.{room_of(path).replace('/', '.')}.{name} has no docstring"
                for name in _public(path, source)
                if not _documented(path, source, name)
            ]
    assert not wrong, "\n".join(wrong)


def _public(path: str, source: str) -> list[str]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and _dotted(node.targets[0]) == "__all__":
            return [str(name) for name in ast.literal_eval(node.value)]
    return []


def _documented(path: str, source: str, name: str) -> bool:
    """Follow the name to where it is made. Constants and modules need no docstring here."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name:
            return bool(ast.get_docstring(node))
        if (
            isinstance(node, ast.ImportFrom)
            and node.module
            and any((alias.asname or alias.name) == name for alias in node.names)
        ):
            target = SRC.parent / node.module.replace(".", "/")
            if (target / f"{name}.py").exists() or (target / name).is_dir():
                return True
            file = target / "__init__.py" if target.is_dir() else target.with_suffix(".py")
            if not file.is_relative_to(SRC) or not file.exists():
                return True
            original = next(alias.name for alias in node.names if (alias.asname or alias.name) == name)
            return _documented(file.relative_to(SRC).as_posix(), file.read_text("utf-8"), original)
    return True


# --- the database's promises ------------------------------------------------------------------------------------------

_NAMED_BY_THE_CONTRACT = {"last_login", "payment_date", "timestamp", "locked_until"}
_COLUMN = re.compile(
    r'(?m)^\s{4}"?([a-z_]+)"?\s+(bigint|integer|smallint|numeric\S*|real|double precision|money|timestamptz|timestamp|date)\b'
)
_MONEY = re.compile(r"(^|_)(amount|price|total|reserved|captured|fee)(_|$)")
_NOT_MONEY_COLUMNS = {"price_version"}


def column_complaints(name: str, sql: str) -> Iterator[str]:
    tables = "\n".join(re.findall(r"(?ms)^CREATE TABLE .*?^\);", sql))
    for column, kind in _COLUMN.findall(tables):
        if kind == "timestamp" or (
            kind == "timestamptz" and not column.endswith("_at") and column not in _NAMED_BY_THE_CONTRACT
        ):
            yield f"{name}: {column} {kind}: moments are timestamptz and named *_at"
        if kind == "date" and not column.endswith("_on") and column != "date_of_birth":
            yield f"{name}: {column}: dates without a time are named *_on"
        if kind in ("real", "double precision", "money") or (
            _MONEY.search(column) and column not in _NOT_MONEY_COLUMNS and kind != "bigint"
        ):
            yield f"{name}: {column} {kind}: money is bigint minor units beside a char(3) currency"


def test_money_is_bigint_and_moments_are_named_at() -> None:
    wrong = [complaint for name, sql in migrations() for complaint in column_complaints(name, sql)]
    assert not wrong, "\n".join(wrong)
    planted = "CREATE TABLE x (\n    total_price numeric(10,2) NOT NULL,\n    paid timestamptz,\n    starts date\n);"
    assert len(list(column_complaints("planted", planted))) == 3


WITHOUT_ROW_SECURITY = {
    "idempotency_keys": "answers are found by scope and key, before anybody is known",
    "limits": "hashes, counted before anybody is known",
    "ledger_accounts": "names of accounts",
    "ledger_transactions": "append-only; amounts without names",
    "ledger_entries": "append-only; amounts without names",
    "ledger_seals": "append-only; digests of postings",
    "ledger_unsealed": "ids of postings",
    "quotes": "prices without names, found by their unguessable id",
    "gateway_commands": "amounts without names",
    "gateway_facts": "append-only; amounts without names",
    "anomalies": "amounts without names",
    "reconciliation_watermarks": "moments",
    "gateway_accounts": "moments",
    "gateway_silences": "moments",
    "gateway_balances": "sums of the agency's own accounts, without names",
    "webhook_inbox": "written by a door where nobody is signed in; read by the worker only",
    "booking_moves": "rules",
    "transaction_states": "rules",
    "transaction_moves": "rules",
    **dict.fromkeys(
        (
            "destinations",
            "packages",
            "package_destinations",
            "itinerary_days",
            "package_pictures",
            "extras",
            "destination_pictures",
            "gallery_images",
            "pictures",
            "picture_files",
            "faqs",
            "agency_profile",
        ),
        "shown to everybody",
    ),
    **dict.fromkeys(("departures", "departure_prices", "departure_extras"), "shown to everybody"),
}


def test_a_table_has_row_security_or_says_why_not() -> None:
    """A forgotten WHERE must return nothing, not somebody else's journey."""
    text = "\n".join(sql for _, sql in migrations())
    secured = set(re.findall(r"ALTER TABLE (\w+) ENABLE ROW LEVEL SECURITY", text))
    gone = set(re.findall(r"(?m)^DROP TABLE (\w+)", text))
    bare = sorted(owners().keys() - gone - secured - WITHOUT_ROW_SECURITY.keys())
    assert not bare, f"{bare}: ENABLE ROW LEVEL SECURITY with policies, or say in WITHOUT_ROW_SECURITY why not"
    assert not secured & WITHOUT_ROW_SECURITY.keys(), "excused and secured at once"


def test_append_only_tables_are_granted_for_reading_and_adding_only() -> None:
    text = "\n".join(sql for _, sql in migrations())
    kept = set(re.findall(r"CREATE TRIGGER (\w+)_append_only", text))
    assert {"ledger_entries", "history", "gateway_facts"} <= kept
    for rights, tables in re.findall(r"GRANT ([A-Z, ]+) ON ([\w, ]+) TO jklg_app", text):
        spoiled = kept & {table.strip() for table in tables.split(",")} if rights != "SELECT, INSERT" else set()
        assert not spoiled, (
            f"{sorted(spoiled)} may be changed by the application ({rights}): history that can be edited proves nothing"
        )


UNPROVOKED: dict[str, str] = {
    "bank_lines_pay_a_transfer_once": "gone since migration 0038: bank_line_parts_once says it",
}
"""Promises without a test that breaks them. Empty, or with the reason."""


def promises() -> set[str]:
    """Every name under which the database refuses something."""
    text = re.sub(r"--.*", "", "\n".join(sql for _, sql in migrations()))
    names = set(re.findall(r"\bCONSTRAINT ([a-z_]+)", text)) - {"trigger"}
    names |= set(re.findall(r"CONSTRAINT = '([a-z_]+)'", text))
    names |= set(re.findall(r"CREATE UNIQUE INDEX (\w+)", text))
    names |= set(re.findall(r"CREATE TRIGGER (\w+_append_only)", text))
    return names


def test_every_promise_of_the_database_is_provoked_by_name() -> None:
    """A constraint that no test has seen refuse may be missing tomorrow, and nobody would notice until two people sit in one seat."""
    tests = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py") if path.name != Path(__file__).name]

    def provoked(name: str) -> bool:
        table = name.removesuffix("_append_only")
        return any(
            name in test or (table != name and "{table}_append_only" in test and f'"{table}"' in test) for test in tests
        )

    untried = sorted(name for name in promises() if not provoked(name) and name not in UNPROVOKED)
    assert not untried, f"write a test that makes the database refuse, and match the name: {untried}"


# --- the repository ---------------------------------------------------------------------------------------------------

_PLACES = re.compile(
    r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/|files\.pythonhosted\.org|pypi\.org/simple|registry\.npmjs\.org|--(?:extra-)?index-url"
)
_UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME)\b")
_TEXT = {
    ".py",
    ".md",
    ".sql",
    ".toml",
    ".txt",
    ".html",
    ".css",
    ".js",
    ".mjs",
    ".mjml",
    ".j2",
    ".lock",
    ".json",
    ".yml",
    ".yaml",
    ".sh",
    ".service",
    ".npmrc",
    "",
}


def test_the_repository_names_no_machine_and_leaves_nothing_unfinished() -> None:
    wrong = []
    for name in tracked():
        if Path(name).suffix not in _TEXT or name == "tests/test_architecture.py":
            continue
        try:
            text = (ROOT / name).read_text("utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if _PLACES.search(line):
                wrong.append(
                    f"{name}:{number}: a path or an address of one machine: it would work here and nowhere else"
                )
            if _UNFINISHED.search(line):
                wrong.append(f"{name}:{number}: finish it, or write an issue; a marker in the code is read by nobody")
    assert not wrong, "\n".join(wrong)
