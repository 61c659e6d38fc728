"""Gateway = ledger, to the cent: what no webhook told us is found by comparing, and healed by the same `settle` as everything else."""

from jklg.reconciliation.actions import reconcile_due
from jklg.reconciliation.books import ALL_CHECKS, CHECKS
from jklg.reconciliation.movements import list_money_due

__all__ = ["ALL_CHECKS", "CHECKS", "list_money_due", "reconcile_due"]
