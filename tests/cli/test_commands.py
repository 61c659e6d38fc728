"""The commands as somebody at a terminal sees them: exit status, one sentence, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from jklg import ledger
from jklg.kit.db import Database

SOURCE = Path(__file__).parents[2] / "src"
SECRET = "0123456789abcdefghijklmnopqrstuvwxyz"


class Terminal:
    """Runs `python -m jklg` in an empty directory, with nothing in the environment but what the test says."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "PYTHONPATH": str(SOURCE),
        }

    def run(self, *arguments: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "jklg", *arguments],
            cwd=self.directory,
            env=self.environment | environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.fixture
def at_home(terminal: Terminal, fresh_database: Any) -> Terminal:
    """A terminal with a migrated database."""
    terminal.environment["DATABASE_URL"] = fresh_database.login_url
    return terminal


async def ask(url: str, *statements: str) -> Any:
    conn = await asyncpg.connect(url)
    try:
        for statement in statements[:-1]:
            await conn.execute(statement)
        return await conn.fetchval(statements[-1])
    finally:
        await conn.close()


@pytest.mark.parametrize("command", ["up", "web", "worker", "sandbox", "migrate", "demo", "doctor", "routes"])
def test_wrong_settings_end_every_command_with_a_sentence_and_status_2(terminal: Terminal, command: str) -> None:
    done = terminal.run(command, SMTP_TLS="maybe")
    assert done.returncode == 2
    assert "SMTP_TLS must be starttls, tls or none" in done.stderr
    assert not (terminal.directory / ".jklg").exists()


@pytest.mark.parametrize("command", ["web", "worker"])
def test_without_a_database_the_processes_say_what_they_need(terminal: Terminal, command: str) -> None:
    done = terminal.run(command)
    assert done.returncode == 2
    assert "DATABASE_URL is needed" in done.stderr


def test_a_dotenv_file_is_read_and_the_environment_is_stronger(terminal: Terminal) -> None:
    (terminal.directory / ".env").write_text("PORT=none\n")
    assert terminal.run("news").returncode == 0  # needs no settings
    assert "PORT must be a whole number" in terminal.run("web").stderr
    assert "DATABASE_URL is needed" in terminal.run("web", PORT="3000").stderr


def test_the_sandbox_does_not_start_beside_a_live_key(terminal: Terminal) -> None:
    done = terminal.run(
        "sandbox",
        STRIPE_SECRET_KEY="sk_live_not_a_real_one",
        STRIPE_PUBLISHABLE_KEY="pk_live_not_a_real_one",
        STRIPE_WEBHOOK_SECRET="whsec_not_a_real_one",
        SMTP_HOST="mail.example",
    )
    assert done.returncode == 2
    assert "live key" in done.stderr


async def test_migrate_says_what_it_did_and_then_that_there_is_nothing_to_do(terminal: Terminal, server: Any) -> None:
    await server.create("jklg_cli_migrate")
    url = server.owner_url("jklg_cli_migrate")
    try:
        first = terminal.run("migrate", DATABASE_URL=url)
        assert first.returncode == 0
        assert first.stdout.startswith("applied 0001_foundations.sql\n")
        assert terminal.run("migrate", DATABASE_URL=url).stdout == "nothing to do\n"
        await ask(url, "UPDATE schema_migrations SET sha256 = 'other' WHERE name LIKE '0001%' RETURNING 1")
        refused = terminal.run("migrate", DATABASE_URL=url)
        assert refused.returncode == 1
        assert "was changed after it had been applied" in refused.stderr
    finally:
        await server.drop("jklg_cli_migrate")


async def test_chitra_gets_an_account_and_her_password_is_kept_as_a_hash(at_home: Terminal, db_url: str) -> None:
    chitra = ("staff", "add", "--email", "chitra@example.com", "--name", "Chitra", "--role", "Manager")
    done = at_home.run(*chitra, given="a long password of hers\n")
    assert done.returncode == 0, done.stderr
    assert (
        await ask(db_url, "SELECT role || ' ' || name FROM staff WHERE email = 'chitra@example.com'")
        == "Manager Chitra"
    )
    assert str(await ask(db_url, "SELECT password_hash FROM staff")).startswith("$argon2id$")
    again = at_home.run(*chitra, given="another long password\n")
    assert again.returncode == 1
    assert await ask(db_url, "SELECT count(*) FROM staff") == 1


async def test_a_password_that_is_no_password_is_refused(at_home: Terminal, db_url: str) -> None:
    done = at_home.run("staff", "add", "--email", "chitra@example.com", "--name", "Chitra", given="short\n")
    assert done.returncode == 1
    assert done.stderr.startswith("jklg: ")
    assert await ask(db_url, "SELECT count(*) FROM staff") == 0


async def test_balanced_books_are_called_balanced(at_home: Terminal) -> None:
    done = at_home.run("ledger", "verify")
    assert done.returncode == 0, done.stderr
    assert "the books balance" in done.stdout
    found = json.loads(at_home.run("ledger", "verify", "--json").stdout)
    assert found["ok"] is True


async def test_books_that_were_tampered_with_are_found_out(at_home: Terminal, db_url: str) -> None:
    await ask(
        db_url,
        "ALTER TABLE ledger_transactions DISABLE TRIGGER USER",
        "ALTER TABLE ledger_entries DISABLE TRIGGER USER",
        "INSERT INTO ledger_accounts VALUES ('suspense:unapplied', 'INR') ON CONFLICT DO NOTHING",
        "INSERT INTO ledger_transactions (id, kind, source_type, source_id)"
        " VALUES ('00000000-0000-7000-8000-000000000001', 'capture', 'transaction', 'x')",
        "INSERT INTO ledger_entries (transaction_id, account, currency, amount)"
        " VALUES ('00000000-0000-7000-8000-000000000001', 'suspense:unapplied', 'INR', 100) RETURNING 1",
    )
    done = at_home.run("ledger", "verify")
    assert done.returncode == 1
    assert "WRONG: a ledger transaction does not balance" in done.stdout
    assert json.loads(at_home.run("ledger", "verify", "--json").stdout)["ok"] is False


async def test_an_end_that_was_cut_off_is_missed_by_what_the_worker_noted(
    at_home: Terminal, db: Database, server_admin: Any
) -> None:
    at_home.environment["JWT_SECRET"] = SECRET
    at_home.run("staff", "add", "--email", "chitra@example.com", "--name", "Chitra", given="a long password of hers\n")
    data_dir = at_home.directory / ".jklg"
    async with db.transaction() as conn:
        await ledger.post(conn, "opening", "person", "1", None, "INR", [("bank", 100), ("equity", -100)])
    await ledger.seal(db, SECRET)
    assert f"no head of the seals is kept in {data_dir.name}" in at_home.run("doctor").stdout
    async with db.transaction() as conn:
        await ledger.post(conn, "opening", "person", "2", None, "INR", [("bank", 100), ("equity", -100)])
    await ledger.seal(db, SECRET, data_dir)
    head = ledger.noted_head(data_dir)
    assert at_home.run("ledger", "verify").returncode == 0
    assert "books: all is well\n" in at_home.run("doctor").stdout

    await server_admin.execute(
        """
        SET session_replication_role = replica;
        DELETE FROM ledger_entries USING ledger_transactions t WHERE t.id = transaction_id AND t.source_id = '2';
        DELETE FROM ledger_transactions WHERE source_id = '2';
        DELETE FROM ledger_seals WHERE number = 2
        """
    )
    done = at_home.run("ledger", "verify")
    assert done.returncode == 1
    assert f"WRONG: the chain does not hold the head that was written down\n       {head}" in done.stdout
    assert "WRONG  books: 1 checks fail" in at_home.run("doctor").stdout
    left = done.stdout.splitlines()[-1].removeprefix("chain ")
    assert at_home.run("ledger", "verify", "--expect", left).returncode == 0, (
        "what is given counts before what was noted"
    )


async def test_a_doctor_finds_a_healthy_house_healthy_and_names_what_is_missing(at_home: Terminal, db_url: str) -> None:
    nobody = at_home.run("doctor")
    assert nobody.returncode == 1
    assert "WRONG  staff: nobody may sign in" in nobody.stdout
    at_home.run("staff", "add", "--email", "chitra@example.com", "--name", "Chitra", given="a long password of hers\n")
    healthy = at_home.run("doctor")
    assert healthy.returncode == 0, healthy.stdout
    await ask(db_url, "DELETE FROM schema_migrations WHERE name LIKE '0007%' RETURNING 1")
    behind = at_home.run("doctor")
    assert behind.returncode == 1
    assert "missing: 0007_payments.sql; run `jklg migrate`" in behind.stdout


def test_a_doctor_says_that_the_database_cannot_be_reached(terminal: Terminal) -> None:
    done = terminal.run("doctor", DATABASE_URL="postgresql://jklg@/jklg?host=/nowhere/at/all")
    assert done.returncode == 1
    assert "WRONG  database: cannot be reached" in done.stdout
    for command in (("migrate",), ("demo",), ("ledger", "verify"), ("worker",)):
        assert terminal.run(*command, DATABASE_URL="postgresql://jklg@/jklg?host=/nowhere/at/all").returncode == 1


async def test_every_address_and_every_piece_of_news_can_be_listed(at_home: Terminal) -> None:
    routes = at_home.run("routes")
    assert routes.returncode == 0, routes.stderr
    assert "/api/health" in routes.stdout
    news = at_home.run("news")
    assert "booking.confirmed" in news.stdout


def test_an_unknown_command_is_a_wrong_command_line(terminal: Terminal) -> None:
    assert terminal.run("fly").returncode == 2
    assert terminal.run("staff").returncode == 2


async def test_a_pipe_of_the_mail_server_is_told_what_became_of_a_report(at_home: Terminal) -> None:
    assert at_home.run("mail", "bounced", given="Subject: hello\n\nhello").stdout == "no report\n"
    away = at_home.run("mail", "bounced", given="", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert away.returncode == 75, "the mail server keeps it and comes again"
