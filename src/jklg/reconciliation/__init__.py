"""Gateway = ledger, to the cent: what no webhook told us is found by comparing, and healed by the same `settle` as everything else."""

from jklg.reconciliation.actions import reconcile_due

__all__ = ["reconcile_due"]
