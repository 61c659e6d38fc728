"""A forgotten WHERE returns nothing of anybody else's: every statement about customers is run without its WHERE clauses, as Asha, beside Ben."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from jklg import customers
from jklg.kit.db import SYSTEM, claims, open_database
from jklg.kit.ids import uuid7
from tests import trade
from tests.conftest import FreshDatabase

ROOM = Path(customers.__file__).parent
TABLES = (
    "customer_sessions", "email_verification_tokens", "password_reset_tokens", "customer_totp", "customer_passkeys", "customer_recovery_codes",
    "customer_challenges", "customer_addresses", "customer_preferences", "customer_pictures",
)  # fmt: skip
FUNCTIONS = {
    "customer_me": "SELECT customer_me($1, $2)",
    "customer_bookings": "SELECT customer_bookings($1, $2, NULL, NULL, 100)",
    "customer_spending": "SELECT currency, spent, $1::uuid, $2::uuid FROM customer_spending($1)",
    "calculate_loyalty_points": "SELECT calculate_loyalty_points($1), $2::uuid",
    "enter_as_customer": "SELECT become_customer($1, $2)",
}
NOW = "2027-01-01T00:00:00Z"


# --- taking the WHERE away --------------------------------------------------------------------------------------------

_TOKEN = re.compile(r"'(?:[^']|'')*'|--[^\n]*|\w+|\s+|.", re.DOTALL)
_ENDS = {"RETURNING", "ORDER", "GROUP", "HAVING", "LIMIT", "UNION", "FOR", "INTO", "ON"}


def without_where(sql: str) -> str:
    """A statement, or a function's body, less every WHERE and LIMIT; the WHERE of an aggregate's FILTER is none of these."""
    kept: list[str] = []
    skipping_at: int | None = None
    depth = 0
    words: list[str] = []
    for token in _TOKEN.findall(sql):
        if token == "(":
            depth += 1
        if token == ")":
            depth -= 1
        word = token.upper()
        if skipping_at is not None and (
            depth < skipping_at or (depth == skipping_at and (word in _ENDS or token == ";"))
        ):
            skipping_at = None
        if skipping_at is None and word in ("WHERE", "LIMIT") and words[-2:] != ["FILTER", "("]:
            skipping_at = depth
        elif skipping_at is None:
            kept.append(token)
        if token.strip():
            words.append(word)
    return "".join(kept)


def test_what_is_taken_away_is_the_where() -> None:
    assert (
        without_where("SELECT a FROM t WHERE b = (SELECT 1 WHERE c) ORDER BY d LIMIT 1").split()
        == "SELECT a FROM t ORDER BY d".split()
    )
    assert (
        without_where("UPDATE t SET a = 1 WHERE b IN (SELECT x FROM y WHERE z LIMIT 2 FOR UPDATE) RETURNING a").split()
        == "UPDATE t SET a = 1 RETURNING a".split()
    )
    assert (
        without_where("(SELECT a FROM t WHERE x = ')') UNION (SELECT b FROM u WHERE y)")
        == "(SELECT a FROM t ) UNION (SELECT b FROM u )"
    )
    assert (
        without_where("SELECT max(a) FILTER (WHERE b) FROM t WHERE c; RETURN 1;")
        == "SELECT max(a) FILTER (WHERE b) FROM t ; RETURN 1;"
    )


def statements() -> Iterator[tuple[str, str]]:
    """(module.function, SQL) of everything that customers/**/queries.py ask the database."""
    for path in sorted(ROOM.rglob("*queries.py")):
        name = ".".join(("jklg", "customers", *path.relative_to(ROOM).with_suffix("").parts))
        module = importlib.import_module(name)
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(function, ast.AsyncFunctionDef):
                continue
            arguments = {arg.arg: False for arg in (*function.args.args, *function.args.kwonlyargs)}
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in ("fetch", "fetchrow", "fetchval", "execute"):  # fmt: skip
                    text = eval(compile(ast.Expression(call.args[0]), str(path), "eval"), {**vars(module), **arguments})
                    yield f"{name.removeprefix('jklg.customers.')}.{function.name}", text


STATEMENTS = list(statements())


# --- Asha and Ben -----------------------------------------------------------------------------------------------------


class Pair:
    """Asha and Ben, each with a row in every table of customers, and the application's connection."""

    def __init__(
        self, conn: Any, asha: UUID, ben: UUID, sessions: dict[UUID, UUID], bookings: dict[UUID, UUID]
    ) -> None:
        self.conn, self.asha, self.ben, self.sessions, self.bookings = conn, asha, ben, sessions, bookings

    async def ask(self, sql: str, values: list[Any], *, who: str, alone: bool = False) -> Any:
        """What the database says to `who`, and whatever it did is undone. `alone`: as if Ben were not there."""
        await self.conn.execute(f"BEGIN; SET LOCAL jklg.clock = '{NOW}'; SET LOCAL request.jwt.claims = '{SYSTEM}'")
        try:
            if alone:
                await self.conn.execute("UPDATE bookings SET customer_id = NULL WHERE customer_id = $1", self.ben)
                for table in TABLES:
                    await self.conn.execute(f"DELETE FROM {table} WHERE customer_id = $1", self.ben)
                await self.conn.execute("DELETE FROM customers WHERE id = $1", self.ben)
            await self.conn.execute(f"SET LOCAL request.jwt.claims = '{who}'")
            return sorted(map(str, await self.conn.fetch(sql, *values)))
        except asyncpg.PostgresError as error:
            return type(error).__name__, getattr(error, "constraint_name", None), error.sqlstate
        finally:
            await self.conn.execute("ROLLBACK")

    @property
    def as_asha(self) -> str:
        return claims("customer", sub=str(self.asha), sid=str(self.sessions[self.asha]))

    async def inlined(self, sql: str) -> str:
        """A statement with plausible values in place of its parameters: less its WHERE, nobody could tell their types any more."""
        types = (await self.conn.prepare(sql)).get_parameters()
        for number in range(len(types), 0, -1):
            sql = re.sub(rf"\${number}\b", f"({self._value(types[number - 1].name)})", sql)
        return sql

    def _value(self, kind: str) -> str:
        if kind.endswith("[]"):
            return f"ARRAY[{self._value(kind[:-2])}]"
        return {
            "uuid": f"'{self.asha}'::uuid", "text": "'x'::text", "bytea": "'x'::bytea", "int4": "1", "int8": "1::bigint", "bool": "true",
            "date": "'1990-01-01'::date", "timestamptz": f"'{NOW}'::timestamptz", "jsonb": "'{}'::jsonb", "float8": "1::float8", "numeric": "1::numeric", "inet": "'192.0.2.1'::inet", "cidr": "'192.0.2.0/24'::cidr",
        }[kind]  # fmt: skip


@pytest.fixture
async def pair(fresh_database: FreshDatabase) -> AsyncIterator[Pair]:
    db = await open_database(fresh_database.login_url)
    ids = {name: uuid7() for name in ("asha", "ben")}
    sessions = {customer: uuid7() for customer in ids.values()}
    async with db.transaction() as conn:
        for name, customer in ids.items():
            await conn.execute(
                "INSERT INTO customers (id, email, name, status, is_email_verified, email_verified_at) VALUES ($1, $2 || '@example.org', $2, 'active', true, house_now())",
                customer, name,
            )  # fmt: skip
            await conn.execute(
                "INSERT INTO customer_sessions (id, customer_id, token_hash, expires_at) VALUES ($2, $1, $3, house_now() + interval '1000 days')",
                customer, sessions[customer], customer.bytes,
            )  # fmt: skip
            for table, columns, values in (
                (
                    "email_verification_tokens",
                    "id, purpose, email, token_hash, expires_at",
                    "gen_random_uuid(), 'verify', $2, $2::bytea, 'infinity'",
                ),
                ("password_reset_tokens", "id, token_hash, expires_at", "gen_random_uuid(), $2::bytea, 'infinity'"),
                ("customer_totp", "secret, key_id", "$2::bytea, ''"),
                ("customer_passkeys", "id, credential_id, public_key, name", "gen_random_uuid(), $2::bytea, '', $2"),
                ("customer_recovery_codes", "code_hash", "$2::bytea"),
                (
                    "customer_challenges",
                    "id, purpose, token_hash, expires_at",
                    "gen_random_uuid(), 'second_factor', $2::bytea, 'infinity'",
                ),
                ("customer_addresses", "id, label, street, city, country", "gen_random_uuid(), $2, '', '', ''"),
                ("customer_preferences", "preference_key, preference_value", "'name', $2"),
                ("customer_pictures", "media_type, content", "'image/png', $2::bytea"),
            ):
                values = values.replace("$2::bytea", f"'{name}'::bytea").replace("$2", f"'{name}'")
                await conn.execute(f"INSERT INTO {table} (customer_id, {columns}) VALUES ($1, {values})", customer)
            await conn.execute(
                "INSERT INTO history (actor, action, subject_type, subject_id) VALUES ('system', 'customer.verified', 'customer', $1)",
                customer,
            )
    bookings: dict[UUID, UUID] = {}
    for customer in ids.values():
        held = await trade.hold(db, await trade.add_departure(db))
        bookings[customer] = held.id
        async with db.transaction() as conn:
            await conn.execute(
                "UPDATE bookings SET customer_id = $2, status = 'confirmed' WHERE id = $1", held.id, customer
            )
            await conn.execute(
                """
                INSERT INTO transactions (id, booking_id, amount, currency, gateway, livemode, request_key, state, captured_amount)
                VALUES ($1, $2, 1000000, 'INR', 'sandbox', false, $1::uuid::text, 'succeeded', 1000000)
                """,
                uuid7(), held.id,
            )  # fmt: skip
    async with db.connection() as conn:
        yield Pair(conn, ids["asha"], ids["ben"], sessions, bookings)  # type: ignore[arg-type]
    await db.close()


# --- what must be true ------------------------------------------------------------------------------------------------


async def test_every_statement_without_its_where_is_still_asha_s_alone(pair: Pair) -> None:
    """Said twice: with Ben in the house, and as if he were not. Asha is told the same."""
    assert len(STATEMENTS) > 40
    leaks, shown_to_the_house = [], set()
    for name, sql in STATEMENTS:
        bare = without_where(await pair.inlined(sql))
        told = await pair.ask(bare, [], who=pair.as_asha)
        if told != await pair.ask(bare, [], who=pair.as_asha, alone=True):
            leaks.append(f"{name}: {told}\n{bare}")
        if await pair.ask(bare, [], who=SYSTEM) != await pair.ask(bare, [], who=SYSTEM, alone=True):
            shown_to_the_house.add(name)
    assert not leaks, "\n\n".join(leaks)
    assert len(shown_to_the_house) > 15, (
        "for the house, which sees all, Ben makes a difference: else this test would see nothing"
    )
    assert {
        "queries.get",
        "queries.get_profile",
        "sessions.queries.list_active",
        "profile.queries.list_addresses",
    } <= shown_to_the_house


@pytest.mark.parametrize("name", FUNCTIONS)
async def test_every_function_without_its_where_is_still_asha_s_alone(pair: Pair, db_url: str, name: str) -> None:
    owner = await asyncpg.connect(db_url)
    whole = await owner.fetchval("SELECT pg_get_functiondef($1::regproc)", name)
    bare = without_where(whole.replace("p_limit + 1", "100"))
    assert bare != whole or name == "calculate_loyalty_points"
    await owner.execute(bare)
    await owner.close()
    mine = [pair.asha, pair.sessions[pair.asha]]
    told = await pair.ask(FUNCTIONS[name], mine, who=pair.as_asha)
    assert isinstance(told, list), told
    assert told == await pair.ask(FUNCTIONS[name], mine, who=pair.as_asha, alone=True)
    assert not any(str(trace) in str(told).lower() for trace in (pair.ben, pair.bookings[pair.ben], "ben"))


@pytest.mark.parametrize("table", TABLES)
async def test_every_table_shows_and_yields_asha_s_rows_alone(pair: Pair, table: str) -> None:
    everything = await pair.ask(f"SELECT customer_id FROM {table}", [], who=SYSTEM)
    assert len(everything) == 2
    for sql in (
        f"SELECT customer_id FROM {table}",
        f"UPDATE {table} SET customer_id = customer_id RETURNING customer_id",
        f"DELETE FROM {table} RETURNING customer_id",
    ):
        told = await pair.ask(sql, [], who=pair.as_asha)
        assert isinstance(told, list), told
        assert len(told) <= 1 and str(pair.ben) not in str(told), sql
        for nobody in ("", "{}", '{"role": "guest"}', '{"role": "customer"}'):
            assert await pair.ask(sql, [], who=nobody) == [], (sql, nobody)
    moved = await pair.ask(f"UPDATE {table} SET customer_id = $1 RETURNING 1", [pair.ben], who=pair.as_asha)
    assert moved == [] or moved[0] == "InsufficientPrivilegeError", "nor can she put a row of hers under his name"


async def test_asha_sees_of_customers_and_history_what_is_hers(pair: Pair) -> None:
    assert len(await pair.ask("SELECT id FROM customers", [], who=SYSTEM)) == 2
    for sql in ("SELECT id FROM customers", "UPDATE customers SET name = 'x' RETURNING id"):
        told = await pair.ask(sql, [], who=pair.as_asha)
        assert len(told) == 1 and str(pair.asha) in told[0]
    assert await pair.ask("DELETE FROM customers RETURNING id", [], who=pair.as_asha) == []
    assert await pair.ask("INSERT INTO customers (id, email, name) VALUES (gen_random_uuid(), 'x', 'x') RETURNING id", [], who=pair.as_asha) == (
        "InsufficientPrivilegeError", None, "42501",
    )  # fmt: skip
    told = await pair.ask("SELECT DISTINCT subject_id FROM history", [], who=pair.as_asha)
    assert len(told) == 1 and str(pair.asha) in told[0]


async def test_nobody_can_ask_in_bens_name_with_ashas_session(pair: Pair) -> None:
    for sql in ("SELECT customer_me($1, $2)", "SELECT customer_bookings($1, $2)", "SELECT become_customer($1, $2)"):
        told = await pair.ask(sql, [pair.ben, pair.sessions[pair.asha]], who="")
        assert told[2] == "JK401", told
