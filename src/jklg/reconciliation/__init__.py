"""Gateway = ledger, to the cent: what no webhook told us is found by comparing, and healed by the same `settle` as everything else."""

from jklg.reconciliation.actions import reconcile_due
from jklg.reconciliation.at_once import Compared, reconcile_at_once
from jklg.reconciliation.books import ALL_CHECKS, CHECKS
from jklg.reconciliation.movements import list_money_due

__all__ = ["ALL_CHECKS", "CHECKS", "Compared", "list_money_due", "reconcile_at_once", "reconcile_due"]
