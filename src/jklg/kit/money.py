"""Money is a whole number of minor units and an ISO 4217 code. No float ever touches it."""

from __future__ import annotations

import re
from decimal import Decimal

from jklg.kit.languages import gettext as _

# ISO 4217: how many decimals a currency has where it is not two.
_DECIMALS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    "CLF": 4,
    "UYW": 4,
}

# ISO 4217, list one, without funds codes and metals.
CURRENCIES = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF
    CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG
    HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA
    MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD
    RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX
    USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
    """.split()
)

_WHOLE_ONLY = frozenset("HUF MGA TWD".split())
"""Two decimals, which a gateway of ours takes none of: PayPal of forints and Taiwan dollars, Stripe of ariary (their `amounts.py`)."""

MAX_MINOR = 10**15
"""No amount of ours is larger: it fits a bigint and a JavaScript number exactly, a thousand times over."""


def decimals(currency: str) -> int:
    """How many decimals the minor unit of `currency` stands for (JPY 0, INR 2, KWD 3)."""
    return _DECIMALS.get(currency, 2)


def step(currency: str) -> int:
    """The smallest amount that every gateway which takes the currency moves, in minor units: of three decimals, ten; where one of them takes
    whole units only, a hundred (payments.md 1.8). What people owe each other is a multiple of it."""
    if currency in _WHOLE_ONLY:
        return 100
    return 10 if decimals(currency) == 3 else 1


def off_step(currency: str) -> str:
    """Why an amount that is no multiple of the step is refused, for whoever chose it."""
    return _("Payment providers take amounts in steps of {step} only. Please choose another amount.").format(
        step=plain(step(currency), currency)
    )


def to_decimal(minor: int, currency: str) -> Decimal:
    """4999980 INR -> Decimal('49999.80'). Exact."""
    return Decimal(minor).scaleb(-decimals(currency))


def to_minor(amount: Decimal, currency: str) -> int:
    """Decimal('49999.80') INR -> 4999980. Raises ValueError when a fraction of a minor unit would be lost."""
    scaled = amount.scaleb(decimals(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} {currency} has more decimals than the currency")
    return int(scaled)


_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(,[0-9]{3})+|[1-9][0-9]?(,[0-9]{2})+,[0-9]{3}")
"""1,250,000 and, as India writes it, 12,50,000."""


def read(text: str, currency: str) -> int:
    """What a person types, '1,250.50', as minor units of `currency`. ValueError for anything else, also below the smallest unit, and for a
    comma that does not mark thousands: half the world writes 12,50 for twelve and a half."""
    whole, point, part = text.strip().partition(".")
    if _THOUSANDS.fullmatch(whole):
        whole = whole.replace(",", "")
    if not re.fullmatch(r"[0-9]{1,13}(\.[0-9]{1,3})?", whole + point + part):
        raise ValueError(f"{text!r} is no amount")
    return to_minor(Decimal(whole + point + part), currency)


def grouped(minor: int, currency: str) -> str:
    """4999980 INR -> '49,999.80'. Exact."""
    digits = decimals(currency)
    whole, part = divmod(abs(minor), 10**digits)
    return f"{'-' if minor < 0 else ''}{whole:,}{f'.{part:0{digits}}' if digits else ''}"


def plain(minor: int, currency: str) -> str:
    """'INR 49,999.80': for text without a locale, such as logs and plain-text mails."""
    return f"{currency} {grouped(minor, currency)}"
