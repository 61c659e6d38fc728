"""What a party pays: every cent explained, nothing invented, nothing lost."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jklg.departures import ExtraOffer, Offer, Price
from jklg.kit.errors import BadInput, Conflict, Refusal
from jklg.kit.ids import uuid7
from jklg.kit.money import MAX_MINOR
from jklg.pricing import Priced, terms
from jklg.pricing.rules import age_on, ages, check_travellers, price

PONY, OXYGEN = uuid7(), uuid7()
PRICES = {
    "adult": Price(amount=2_499_900, min_age=12),
    "child": Price(amount=1_749_900, min_age=3, max_age=11),
    "infant": Price(amount=150_000, max_age=2, takes_seat=False),
    "single_supplement": Price(amount=600_000, takes_seat=False),
}


def an_offer(**changes: Any) -> Offer:
    """Kashmir Bliss on 14 May 2027, asked for in November 2026."""
    offer: dict[str, Any] = {
        "id": uuid7(),
        "package_id": uuid7(),
        "package_name": "Kashmir Bliss",
        "starts_on": date(2027, 5, 14),
        "ends_on": date(2027, 5, 19),
        "cutoff_at": datetime(2027, 5, 11, 12, 30, tzinfo=UTC),
        "today": date(2026, 11, 23),
        "currency": "INR",
        "seats_left": 8,
        "price_version": 1,
        "bookable": True,
        "prices": PRICES,
        "extras": {
            PONY: ExtraOffer(id=PONY, name="Pony ride", amount=180_000, stock_left=3),
            OXYGEN: ExtraOffer(id=OXYGEN, name="Oxygen cylinder", amount=150_000, stock_left=None),
        },
        **changes,
    }
    return Offer(**offer)


class Someone(msgspec.Struct, frozen=True):
    name: str
    category: str = "adult"
    date_of_birth: date | None = None


def code_of(refusal: pytest.ExceptionInfo[Refusal]) -> str:
    return refusal.value.code


# --- the hand-computed price ------------------------------------------------------------------------------------------


def test_a_family_pays_what_one_computes_by_hand() -> None:
    priced = price(an_offer(), {"adult": 2, "child": 1, "infant": 1}, [(PONY, 2)])
    assert priced.total == 2 * 2_499_900 + 1_749_900 + 150_000 + 2 * 180_000 == 7_259_700
    assert priced.seats == 3
    assert [(line.label, line.quantity, line.amount) for line in priced.lines] == [
        ("Adult", 2, 4_999_800),
        ("Child", 1, 1_749_900),
        ("Infant", 1, 150_000),
        ("Pony ride", 2, 360_000),
    ]


def test_every_line_says_in_words_why_it_is_there() -> None:
    priced = price(an_offer(), {"adult": 2, "child": 1, "infant": 1}, [(PONY, 2)])
    assert [line.rule for line in priced.lines] == [
        "adult: 2 × 24,999.00 INR each, age 12 and over on 14 May 2027",
        "child: 1 × 17,499.00 INR each, age 3 to 11 on 14 May 2027",
        "infant: 1 × 1,500.00 INR each, under 3 on 14 May 2027, without a seat",
        "extra: 2 × 1,800.00 INR each",
    ]


@pytest.mark.parametrize(
    ("party", "supplements"),
    [
        ({"adult": 1}, 1),
        ({"adult": 1, "infant": 1}, 1),
        ({"adult": 1, "child": 1}, 0),
        ({"adult": 2}, 0),
        ({"adult": 3}, 0),
    ],
)
def test_who_has_a_room_alone_pays_the_single_supplement_once(party: dict[str, int], supplements: int) -> None:
    labels = [line.label for line in price(an_offer(), party).lines]
    assert labels.count("Single supplement") == supplements


def test_a_departure_without_a_supplement_asks_none() -> None:
    without = {category: p for category, p in PRICES.items() if category != "single_supplement"}
    assert price(an_offer(prices=without), {"adult": 1}).total == 2_499_900


def test_dinars_are_rounded_down_to_the_ten_fils_that_gateways_take() -> None:
    offer = an_offer(currency="KWD", prices={"adult": Price(amount=88_123)}, extras={})
    priced = price(offer, {"adult": 3})
    assert priced.total == 264_360
    assert (priced.lines[-1].label, priced.lines[-1].amount) == ("Rounding", -9)
    assert "88.123 KWD" in priced.lines[0].rule


def test_forints_are_rounded_down_to_whole_ones() -> None:
    priced = price(an_offer(currency="HUF", prices={"adult": Price(amount=88_150)}, extras={}), {"adult": 3})
    assert (priced.total, priced.lines[-1].amount) == (264_400, -50)


def test_yen_have_no_decimals() -> None:
    priced = price(an_offer(currency="JPY", prices={"adult": Price(amount=43_211)}, extras={}), {"adult": 1})
    assert priced.total == 43_211
    assert "43,211 JPY" in priced.lines[0].rule


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("party", "code"),
    [
        ({}, "party_invalid"),
        ({"adult": 0}, "party_invalid"),
        ({"adult": -1}, "party_invalid"),
        ({"adult": 1.0}, "party_invalid"),
        ({"adult": True}, "party_invalid"),
        ({"adult": "2"}, "party_invalid"),
        ({"adult": 1, "senior": 1}, "party_invalid"),
        ({"adult": 1, "single_supplement": 1}, "party_invalid"),
        ({"adult": 31}, "party_too_large"),
        ({"adult": 10**30}, "party_too_large"),
        ({"child": 2}, "party_needs_adult"),
        ({"infant": 1}, "party_needs_adult"),
        ({"adult": 1, "infant": 2}, "too_many_infants"),
    ],
)
def test_a_party_that_makes_no_sense_is_refused_by_name(party: Any, code: str) -> None:
    with pytest.raises(BadInput) as refusal:
        price(an_offer(), party)
    assert code_of(refusal) == code


def test_a_category_without_a_price_is_not_offered() -> None:
    with pytest.raises(BadInput) as refusal:
        price(an_offer(prices={"adult": PRICES["adult"]}), {"adult": 2, "child": 1})
    assert code_of(refusal) == "category_not_offered"


@pytest.mark.parametrize("quantity", [0, -1, 501, 1.5, True])
def test_of_an_extra_one_takes_a_sensible_number(quantity: Any) -> None:
    with pytest.raises(BadInput) as refusal:
        price(an_offer(), {"adult": 1}, [(OXYGEN, quantity)])
    assert code_of(refusal) == "extra_quantity_invalid"


def test_an_extra_of_another_departure_is_refused() -> None:
    with pytest.raises(BadInput) as refusal:
        price(an_offer(), {"adult": 1}, [(uuid7(), 1)])
    assert code_of(refusal) == "extra_not_offered"


def test_naming_an_extra_twice_does_not_get_round_its_stock() -> None:
    with pytest.raises(BadInput) as refusal:
        price(an_offer(), {"adult": 1}, [(PONY, 2), (PONY, 2)])
    assert code_of(refusal) == "extra_repeated"


def test_three_ponies_do_not_carry_four() -> None:
    assert price(an_offer(), {"adult": 2}, [(PONY, 3)]).lines[-1].quantity == 3
    with pytest.raises(Conflict) as refusal:
        price(an_offer(), {"adult": 2}, [(PONY, 4)])
    assert code_of(refusal) == "extra_sold_out"


def test_a_total_beyond_what_we_can_book_is_refused() -> None:
    with pytest.raises(BadInput) as refusal:
        price(an_offer(prices={"adult": Price(amount=MAX_MINOR)}), {"adult": 2})
    assert code_of(refusal) == "total_too_large"


# --- properties -------------------------------------------------------------------------------------------------------

AMOUNTS = st.integers(0, 10**11)
PARTIES = st.tuples(st.integers(1, 12), st.integers(0, 8), st.integers(0, 8)).map(
    lambda p: {"adult": p[0], "child": p[1], "infant": min(p[0], p[2])}
)


@st.composite
def offers(draw: st.DrawFn) -> Offer:
    return an_offer(
        currency=draw(st.sampled_from(["INR", "JPY", "KWD", "EUR", "TND"])),
        prices={
            "adult": Price(amount=draw(AMOUNTS)),
            "child": Price(amount=draw(AMOUNTS), takes_seat=draw(st.booleans())),
            "infant": Price(amount=draw(AMOUNTS), takes_seat=draw(st.booleans())),
            "single_supplement": Price(amount=draw(AMOUNTS), takes_seat=False),
        },
        extras={
            id_: ExtraOffer(id=id_, name="An extra", amount=draw(AMOUNTS), stock_left=None) for id_ in (PONY, OXYGEN)
        },
    )


EXTRAS = st.lists(st.tuples(st.sampled_from([PONY, OXYGEN]), st.integers(1, 500)), unique_by=lambda e: e[0])


@given(offers(), PARTIES, EXTRAS)
def test_the_lines_always_add_up_to_the_total(
    offer: Offer, party: dict[str, int], extras: list[tuple[UUID, int]]
) -> None:
    priced = price(offer, party, extras)
    assert sum(line.amount for line in priced.lines) == priced.total >= 0
    assert all(line.quantity * line.unit_amount == line.amount for line in priced.lines)
    assert all(line.rule and line.label for line in priced.lines)
    assert all(type(n) is int for line in priced.lines for n in (line.quantity, line.unit_amount, line.amount))
    assert type(priced.total) is int


@given(offers(), PARTIES, EXTRAS)
def test_seats_are_the_people_whose_price_takes_one(
    offer: Offer, party: dict[str, int], extras: list[tuple[UUID, int]]
) -> None:
    priced = price(offer, party, extras)
    assert priced.seats == sum(number for category, number in party.items() if offer.prices[category].takes_seat) >= 1


@given(offers(), PARTIES, EXTRAS, st.sampled_from(["child", "adult", "pony"]))
def test_more_never_costs_less(offer: Offer, party: dict[str, int], extras: list[tuple[UUID, int]], more: str) -> None:
    """The one exception is the supplement: a second person in the room may be cheaper than the room alone."""
    offer = msgspec.structs.replace(
        offer, prices={category: p for category, p in offer.prices.items() if category != "single_supplement"}
    )
    less = price(offer, party, [e for e in extras if e[0] != PONY])
    if more == "pony":
        bigger = price(offer, party, [*(e for e in extras if e[0] != PONY), (PONY, 7)])
    else:
        bigger = price(offer, {**party, more: party[more] + 1}, [e for e in extras if e[0] != PONY])
    assert bigger.total >= less.total


@given(offers().filter(lambda o: o.currency in ("KWD", "TND")), PARTIES, EXTRAS)
def test_three_decimals_always_end_in_zero_and_never_cost_more(
    offer: Offer, party: dict[str, int], extras: list[tuple[UUID, int]]
) -> None:
    priced = price(offer, party, extras)
    before = sum(line.amount for line in priced.lines if line.label != "Rounding")
    assert priced.total % 10 == 0
    assert 0 <= before - priced.total <= 9


@given(
    st.dictionaries(
        st.text(max_size=12), st.one_of(st.integers(), st.booleans(), st.floats(), st.none(), st.text(max_size=3))
    )
)
def test_any_nonsense_is_refused_and_never_an_accident(party: Any) -> None:
    try:
        assert isinstance(price(an_offer(), party), Priced)
    except BadInput as refusal:
        assert refusal.code  # noqa: PT017  (either answer is fine, an accident is not)


# --- travellers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "on", "age"),
    [
        (date(2015, 5, 14), date(2027, 5, 14), 12),
        (date(2015, 5, 15), date(2027, 5, 14), 11),
        (date(2016, 2, 29), date(2027, 2, 28), 10),
        (date(2016, 2, 29), date(2027, 3, 1), 11),
        (date(2016, 2, 29), date(2028, 2, 28), 11),
        (date(2016, 2, 29), date(2028, 2, 29), 12),
        (date(2027, 5, 14), date(2027, 5, 14), 0),
    ],
)
def test_age_is_counted_on_the_day_of_departure(born: date, on: date, age: int) -> None:
    assert age_on(born, on) == age


def test_ages_are_said_as_people_say_them() -> None:
    said = [
        ages(Price(amount=0, min_age=low, max_age=high)) for low, high in ((12, 150), (3, 11), (0, 2), (7, 7), (0, 150))
    ]
    assert said == ["age 12 and over", "age 3 to 11", "under 3", "age 7", "any age"]


def test_asha_ben_and_their_daughter_may_travel() -> None:
    party = {"adult": 2, "child": 1}
    check_travellers(
        an_offer(),
        party,
        [
            Someone("Asha Rao", date_of_birth=date(1990, 1, 1)),
            Someone("Ben Rao"),
            Someone("Devi Rao", "child", date(2018, 7, 1)),
        ],
    )
    check_travellers(an_offer(), party, [Someone("Asha Rao")])
    check_travellers(an_offer(), party, [])


@pytest.mark.parametrize(
    ("traveller", "code"),
    [
        (Someone("Ben", "pilot"), "category_not_offered"),
        (Someone("Ben", "single_supplement"), "category_not_offered"),
        (Someone(""), "traveller_name_invalid"),
        (Someone("   "), "traveller_name_invalid"),
        (Someone("B" * 201), "traveller_name_invalid"),
        (Someone("Ben\x00"), "traveller_name_invalid"),
        (Someone("Ben\u202e"), "traveller_name_invalid"),
        (Someone("Devi", "child"), "date_of_birth_needed"),
        (Someone("Devi", "infant"), "too_many_travellers"),
        (Someone("Devi", "child", date(2026, 11, 24)), "date_of_birth_invalid"),
        (Someone("Devi", "child", date(2015, 5, 14)), "age_outside_category"),
        (Someone("Devi", "child", date(2024, 5, 15)), "age_outside_category"),
        (Someone("Ben", "adult", date(2015, 5, 15)), "age_outside_category"),
        (Someone("Ben", "adult", date(1800, 1, 1)), "age_outside_category"),
    ],
)
def test_a_traveller_who_cannot_go_is_told_why(traveller: Someone, code: str) -> None:
    with pytest.raises(BadInput) as refusal:
        check_travellers(an_offer(), {"adult": 2, "child": 1}, [Someone("Asha Rao"), traveller])
    assert code_of(refusal) == code
    assert refusal.value.details is not None
    assert refusal.value.details["traveller"] == 2


def test_a_child_of_eleven_today_who_is_twelve_at_departure_pays_as_an_adult() -> None:
    born = date(2015, 2, 1)  # eleven when booking in November 2026
    with pytest.raises(BadInput) as refusal:
        check_travellers(an_offer(), {"adult": 1, "child": 1}, [Someone("Devi", "child", born)])
    assert refusal.value.sentence == "On 14 May 2027 this traveller is 12: children are age 3 to 11."


def test_more_names_than_people_are_refused() -> None:
    with pytest.raises(BadInput) as refusal:
        check_travellers(an_offer(), {"adult": 1}, [Someone("Asha Rao"), Someone("Mallory")])
    assert code_of(refusal) == "too_many_travellers"


@pytest.mark.parametrize(
    ("sold", "sentences"),
    [
        (
            {},
            ["For a paid booking, please write to us; we cancel it together and tell you beforehand what comes back."],
        ),
        ({"tiers": [(0, 0)]}, ["Of a paid booking that is given up, nothing comes back."]),
        ({"tiers": [(0, 80)]}, ["Given up at any time before departure: 80 % comes back."]),
        (
            {"tiers": [(0, 25), (1, 50)]},
            ["Given up 1 day before departure or earlier: 50 % comes back.", "Given up later: 25 % comes back."],
        ),
        (
            {"tiers": [(30, 100), (7, 0)]},
            ["Given up 30 days before departure or earlier: 100 % comes back.", "Given up later: nothing comes back."],
        ),
    ],
)
def test_what_comes_back_is_said_tier_by_tier(sold: dict[str, Any], sentences: list[str]) -> None:
    tiers = [{"days_before": days, "percent": percent} for days, percent in sold.get("tiers", [])]
    said = terms.say(terms.read({"tiers": tiers}), "INR")
    assert said.giving_up == sentences
    assert said.paying == ["The whole price is due at once."]


def test_a_deposit_is_said_as_it_is_counted() -> None:
    def said(kind: str, value: int, days: int) -> str:
        sold = {"deposit": {"kind": kind, "value": value}, "balance_days": days, "keeps_deposit": True}
        whole = terms.say(terms.read(sold), "INR")
        assert whole.giving_up[-1] == "When nobody travels, the deposit does not come back."
        return whole.paying[0].replace("\u202f", " ")

    assert said("percent", 20, 30).startswith(
        "A deposit of 20 % of the price confirms the booking; the rest is due 30 days"
    )
    assert "A deposit of ₹ 5,000 for each person confirms" in said("per_person", 500_000, 1)
    assert said("fixed", 500_000, 0).endswith("confirms the booking; the rest is due on the day of departure.")
