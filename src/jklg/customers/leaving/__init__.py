"""How customers leave: everything we hold on them, in their hands; and then nothing that says who they were."""

from jklg.customers.leaving.actions import Export, Parting, erase, export

__all__ = ["Export", "Parting", "erase", "export"]
