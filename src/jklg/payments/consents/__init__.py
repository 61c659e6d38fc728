"""A card that a traveller lets us charge later, for the rest of one booking's price and nothing else."""

from jklg.payments.consents.actions import TRIES, end_due, forget_due, forget_person, give, keep, modes, stop, wording
from jklg.payments.consents.queries import Consent, find_living, get, given_with

__all__ = [
    "TRIES", "Consent", "end_due", "find_living", "forget_due", "forget_person", "get", "give", "given_with", "keep", "modes", "stop", "wording",
]  # fmt: skip
