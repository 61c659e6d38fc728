"""What Chitra hands to the bank of whoever asks for the money back: everything we hold, its deadline on top, and nobody's secrets."""

from __future__ import annotations

from uuid import UUID

from jklg.payments import cancellations
from tests.backoffice.test_concerns import disputed
from tests.backoffice.test_today import Office, office  # noqa: F401  (a fixture)
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.payments.consents.test_cards_by_consent import Counter, counter  # noqa: F401  (a fixture)

WORDS = "Take the balance of INR 39,998.40 from this card on 28 January 2027."


async def papers(office: Office, transaction_id: UUID) -> str:
    """The bank takes back a payment; the page of the evidence."""
    dispute = await office.street.one(
        """
        INSERT INTO disputes (id, transaction_id, gateway, livemode, gateway_ref, amount, currency, reason, state, evidence_due_at)
        SELECT gen_random_uuid(), id, gateway, livemode, 'du_42', captured_amount, currency, 'product_not_received', 'needs_response',
               house_now() + interval '6 days' FROM transactions WHERE id = $1 RETURNING id
        """,
        transaction_id,
    )
    return (await office.read(f"/staff/disputes/{dispute}/evidence")).replace("\u202f", " ")


async def charged(counter: Counter) -> UUID:
    """Asha pays the deposit, agrees to the rest, one of four gives up, and on its day the rest is taken from her card."""
    held = await counter.deposit(agreed=WORDS)
    for position, name in enumerate(("Asha Rao", "Ben Okoye"), 1):
        await counter.street.one(
            "INSERT INTO travellers (id, booking_id, position, name, category, is_lead) VALUES (gen_random_uuid(), $1, $2, $3, 'adult', false) RETURNING id",
            held.id, position, name,
        )  # fmt: skip
    ben = await counter.street.one("SELECT id FROM travellers WHERE name = 'Ben Okoye'")
    await cancellations.cancel(
        counter.street.house, held.id, leaving={"adult": 1}, travellers=[ben], kept=500_000, reason="a broken leg",
        actor=f"staff:{UUID(int=7)}", by_staff=True,
    )  # fmt: skip
    await counter.days(62)
    charge: UUID = await counter.street.one(
        "SELECT id FROM transactions WHERE consent_id IS NOT NULL AND state = 'succeeded'"
    )
    return charge


async def test_the_papers_of_a_charged_balance_tell_what_was_agreed_sold_written_and_done(
    counter: Counter, office: Office
) -> None:
    charge = await charged(counter)
    await office.sign_in("Manager")
    text = await papers(office, charge)
    for fact in (
        WORDS,
        "for Visa ending 4242",
        "The disputed payment was charged by this.",
        "a charge of the kept card, agreed to beforehand: see 4",
        "A deposit of ₹ 9,999.60 confirms the booking; the rest is due by",
        "Given up 60 days before departure or earlier: 100 % comes back.",
        "Given up 30 days before departure or earlier: 50 % comes back.",
        "Given up later: nothing comes back.",
        "Asha Rao, adult",
        "Ben Okoye, adult, cancelled",
        "1 adult, worth ₹ 24,999",
        "By agreement: ₹ 5,000 kept, ₹ 0 sent back (a broken leg)",
        "by the agency's staff",
        "product not received",
        "money was taken, ₹ 9,999.60",
        "pi_",
        "from your card (",
        "asha@example.org",
    ):
        assert fact in text, (fact, text)
    assert (
        "before" in text.partition("1. The payment")[0] and "To be handed in at Stripe" in text.partition("1. The")[0]
    )
    assert "staff:" not in text and "/manage/" not in text, "the names of our people and her own key are nobody else's"


async def test_a_payer_who_was_asked_by_her_bank_has_confirmed_it(counter: Counter, office: Office) -> None:
    await office.sign_in("Support")
    await counter.deposit("4000002500003155", agreed=None)
    text = await papers(office, await counter.street.one("SELECT id FROM transactions"))
    assert "the payer, on our page" in text and "4. What the payer did at the payment provider" in text


async def test_a_booking_without_terms_says_so(office: Office) -> None:
    await office.sign_in("Manager")
    await disputed(office)
    dispute = await office.street.one("SELECT id FROM disputes")
    text = await office.read(f"/staff/disputes/{dispute}/evidence")
    assert "For a paid booking, please write to us" in text and "The whole price is due at once." in text
