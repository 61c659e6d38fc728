"""Daily money: our account at each gateway, line by line, against our books; fees and payouts are booked from there."""

from jklg.reconciliation.movements.actions import adopt, list_money_due, look_again, read_account
from jklg.reconciliation.movements.rules import ADOPTED, CONCERNS

__all__ = ["ADOPTED", "CONCERNS", "adopt", "list_money_due", "look_again", "read_account"]
