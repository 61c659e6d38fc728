"""Links and codes that we mail to prove a mailbox: good once, for one purpose, for a while. They lie nowhere."""

from jklg.customers.proofs.actions import (
    code_of,
    drop_all,
    find,
    find_by_code,
    forget_old,
    get,
    issue,
    link,
    use,
    use_all,
)
from jklg.customers.proofs.queries import Proof

__all__ = [
    "Proof",
    "code_of",
    "drop_all",
    "find",
    "find_by_code",
    "forget_old",
    "get",
    "issue",
    "link",
    "use",
    "use_all",
]
