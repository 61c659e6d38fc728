"""Our own bank's statements: imported as CSV or camt.053, matched to payouts and to money that was taken or given back by hand."""

from jklg.reconciliation.statements.actions import (
    Choices,
    Result,
    choices,
    import_file,
    match,
    match_due,
    not_ours,
    read_file,
)
from jklg.reconciliation.statements.queries import (
    BankLine,
    Imported,
    get_line,
    list_accounts,
    list_open,
    list_parts,
    list_payouts,
    list_statements,
)

__all__ = [
    "BankLine",
    "Choices",
    "Imported",
    "Result",
    "choices",
    "get_line",
    "import_file",
    "list_accounts",
    "list_open",
    "list_parts",
    "list_payouts",
    "list_statements",
    "match",
    "match_due",
    "not_ours",
    "read_file",
]
