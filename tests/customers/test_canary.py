"""A canary is planted wherever Asha may leave a trace. She deletes her account, and nothing of it is found any more."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from jklg import bookings, enquiries, mail, questions
from jklg.kit.ids import uuid7
from tests import trade
from tests.bookings.test_bookings_of_a_customer import Town
from tests.customers.people import People
from tests.customers.test_leaving import town  # noqa: F401  (a fixture)
from tests.customers.test_profile import PNG
from tests.payments.conftest import street  # noqa: F401  (a fixture)

CANARY = "Zilpzalp"
EMAIL = "zilpzalp@example.org"
PHONE = "+91 73737 37373"
BORN = "1973-07-03"
TRACES = ("zilpzalp", PHONE, "7373737373", BORN)


async def _found(people: People) -> dict[str, list[str]]:
    """Table -> what a canary is in, over every column of every table, whatever its type. Bytes are read as text, too."""
    columns = await people.rows(
        """
        SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
        WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' ORDER BY 1, 2
        """
    )
    assert len({table for table, _, _ in columns}) > 40
    found: dict[str, list[str]] = {}
    for table, column, kind in columns:
        text = f"encode({column}, 'escape')" if kind == "bytea" else f'"{column}"::text'
        for (value,) in await people.rows(
            f'SELECT {text} FROM "{table}" WHERE EXISTS (SELECT FROM unnest($1::text[]) trace WHERE position(trace IN lower({text})) > 0)',
            [trace.lower() for trace in TRACES],
        ):
            found.setdefault(table, []).append(f"{column}: {value[:200]}")
    return found


async def _trial_balance(people: People) -> list[Any]:
    rows = await people.rows(
        "SELECT account, currency, sum(amount), count(*) FROM ledger_entries GROUP BY account, currency ORDER BY account, currency"
    )
    return [tuple(row) for row in rows]


async def _plant(town: Town) -> dict[str, Any]:
    """Asha lives with us for a while."""
    people = town.people
    asha = await people.join(EMAIL, name=CANARY)
    asha["token"] = (await people.login(EMAIL, agent=f"{CANARY}'s telephone")).json()["token"]
    me, token = f"/{asha['customerId']}", asha["token"]
    profile = {"phone": PHONE, "address": CANARY, "city": CANARY, "state_province": CANARY, "postal_code": CANARY, "country": CANARY,
               "gender": CANARY, "date_of_birth": BORN, "preferences": {"nickname": CANARY}}  # fmt: skip
    address = {"label": CANARY, "street": CANARY, "city": CANARY, "country": CANARY}
    for method, path, body in [
        ("PUT", "", profile), ("POST", "/addresses", address), ("PUT", "/preferences", {"preferences": {"pet": CANARY}}),
    ]:  # fmt: skip
        answer = await people.ask(method, f"{me}{path}", body, token=token)
        assert answer.status_code in (200, 201), answer.text
    assert (await people.ask("PUT", f"{me}/avatar", token=token, raw=PNG + CANARY.encode())).status_code == 200
    await people.post("/forgot-password", {"email": EMAIL})
    await people.login(EMAIL, "wrong")
    await people.rows(
        "INSERT INTO customer_passkeys (id, customer_id, credential_id, public_key, name) VALUES (gen_random_uuid(), $1::uuid, 'x', 'x', $2) RETURNING id",
        asha["customerId"],
        f"{CANARY}'s key",
    )
    departure = await trade.add_departure(
        town.db, seats=40, starts_on=date.today() + timedelta(days=5), cutoff_at=datetime.now(UTC) + timedelta(days=4)
    )
    whole = {
        "customer_name": CANARY, "customer_email": EMAIL, "customer_phone": PHONE, "special_requests": f"for {CANARY}",
        "travellers": [{"name": CANARY, "date_of_birth": BORN}, {"name": f"{CANARY} junior"}],
    }  # fmt: skip
    travelled = (await town.book(departure, token, key="one-booking-of-hers", **whole))["booking"]["id"]
    await town.pays(travelled, token)
    declined = (await town.book(departure, token, **whole))["booking"]["id"]
    intent = await town.http(
        "POST",
        "/api/payments/create-payment-intent",
        {"bookingId": declined},
        token,
        {"Idempotency-Key": "one-payment-of-hers"},
    )
    await town.street.declines(intent.json()["paymentIntentId"])
    await town.http("POST", f"/api/bookings/{declined}/cancel", None, token)
    await town.book(departure, key="one-as-a-guest", **whole)
    words = {"name": CANARY, "email": EMAIL.upper(), "subject": CANARY, "message": f"Call {PHONE}"}
    await enquiries.ask(town.db, enquiries.rules.read(words), network="192.0.2.1")
    async with town.db.transaction() as conn:
        (ticket,) = await enquiries.list_tickets(conn, "open", None, 9)
    settings = people.house.settings
    await enquiries.answer(
        town.db, settings, ticket.id, message_id=uuid7(), text=f"{CANARY}, yes", name="Chitra", actor="staff:x"
    )
    question = questions.rules.read({"name": CANARY, "email": EMAIL.upper(), "question": f"May {CANARY} come along?"})
    async with town.db.transaction() as conn:
        package_id = await conn.fetchval("SELECT package_id FROM departures WHERE id = $1", departure)
    await questions.ask(town.db, package_id, question, network="192.0.2.1")
    async with town.db.transaction() as conn:
        (asked,) = await questions.list_by_status(conn, "open", None, 9)
    shown = {"shown": asked.question, "publish": True, "name": "Chitra", "actor": "staff:x"}
    await questions.answer(town.db, settings, asked.id, text=f"{CANARY}, yes", **shown)
    await town.street.deliver()
    await town.street.work()
    await people.rows("UPDATE webhook_inbox SET body = body || $1::bytea RETURNING id", f"receipt for {EMAIL}".encode())
    await people.rows(
        "UPDATE transactions SET receipt_url = $1, error_message = $1 RETURNING id",
        f"https://bank.test/receipts/{CANARY}",
    )
    await people.rows("UPDATE gateway_commands SET last_error = $1 RETURNING id", f"invalid receipt_email {EMAIL}")
    return asha


async def test_a_canary_planted_everywhere_is_gone_when_she_has_left(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "jklg")
    people = town.people
    asha = await _plant(town)
    await town.news()
    planted = await _found(people)
    assert set(planted) >= {
        "customers", "customer_sessions", "customer_addresses", "customer_preferences", "customer_pictures", "customer_passkeys",
        "email_verification_tokens", "bookings", "booking_words", "travellers", "mail_outbox", "idempotency_keys", "webhook_inbox", "transactions", "gateway_commands",
        "support_tickets", "ticket_messages", "package_questions", "question_askers",
    }, sorted(planted)  # fmt: skip
    assert not {"history", "pgqueuer", "pgqueuer_log", "ledger_entries", "gateway_facts"} & set(planted), (
        "these hold ids only"
    )
    await mail.send_due(people.house)
    town.people.later(days=20)
    await town.street.work()
    assert await bookings.complete_due(town.db) == 0, "the round did it"
    token = (await people.login(EMAIL)).json()["token"]
    balance = await _trial_balance(people)

    answer = await people.ask("DELETE", f"/{asha['customerId']}", {"password": "a long walk in the hills"}, token=token)
    assert answer.status_code == 200, answer.text
    await mail.send_due(people.house)
    people.later(hours=2)
    for _ in range(3):
        await town.street.work()
        await town.news()

    assert await _found(people) == {}
    assert [trace for trace in TRACES if trace in caplog.text.lower()] == []
    assert await _trial_balance(people) == balance
    assert balance, "there were books to keep"


async def test_a_notice_that_comes_after_she_has_left_is_read_and_not_kept(town: Town) -> None:
    asha = await _plant(town)
    town.people.later(days=20)
    await town.street.work()
    await town.news()
    token = (await town.people.login(EMAIL)).json()["token"]
    await town.people.ask("DELETE", f"/{asha['customerId']}", {"password": "a long walk in the hills"}, token=token)
    await town.street.work()
    await town.news()
    (ref,) = (await town.people.rows("SELECT transaction_id FROM transactions WHERE state = 'succeeded'"))[0]
    await town.people.rows(
        """
        INSERT INTO webhook_inbox (gateway, event_id, event_type, livemode, ref, body, body_sha256, headers)
        VALUES ('sandbox', 'late', 'refund', false, $1, $2, '', '{}') RETURNING id
        """,
        ref,
        f"a receipt for {EMAIL}".encode(),
    )
    await town.street.work()
    assert "webhook_inbox" not in await _found(town.people)
