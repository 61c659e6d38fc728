"""Whatever the house puts before a person has words of its own: what it is, what it means, what to do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from jklg import payments
from jklg.backoffice.concerns import words
from jklg.payments.aside import queries as aside
from jklg.payments.gateways.alarms import ALARMS
from tests.backoffice.test_today import Office, office  # noqa: F401  (a fixture)
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)

SRC = Path(words.__file__).parents[2]
REPORTERS = {"report_anomaly": "kind", "report_concern": 1, "report_difference": 2, "report": 2}
"""Function -> where its callers say of which kind it is: the keyword, or how many arguments come before it."""
PASSED_ON = {"kind", "decision.anomaly", "each.decision.anomaly", "each.kind", "alarm.kind"}
"""Not said there: the reporters themselves, what `rules.decide` found, what the sweep of payments/aside reads, and what gateways raise."""


def reported(source: str) -> Iterator[str]:
    """The kinds that a file of ours reports. AssertionError for one that this test cannot read."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name not in REPORTERS:
            continue
        place = REPORTERS[name]
        if isinstance(place, int):
            said = call.args[place] if len(call.args) > place else None
        else:
            said = next((each.value for each in call.keywords if each.arg == place), None)
        for each in said.values if isinstance(said, ast.BoolOp) else [said] if said else []:
            if isinstance(each, ast.Constant):
                yield str(each.value)
            else:
                assert ast.unparse(each) in PASSED_ON, (
                    f"say the kind of concern where it is reported: {ast.unparse(call)}"
                )


def found_by_rules() -> Iterator[str]:
    """What `payments.rules.decide` calls an anomaly: it sets the word, or `_distrust` answers it."""
    for node in ast.walk(ast.parse((SRC / "payments/rules.py").read_text("utf-8"))):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "anomaly":
            yield from (
                str(each.value) for each in ast.walk(node.value) if isinstance(each, ast.Constant) and each.value
            )
        if isinstance(node, ast.FunctionDef) and node.name == "_distrust":
            returned = (each.value for each in ast.walk(node) if isinstance(each, ast.Return))
            yield from (str(each.value) for each in returned if isinstance(each, ast.Constant) and each.value)


def kinds() -> set[str]:
    found = {kind for path in SRC.rglob("*.py") for kind in reported(path.read_text("utf-8"))}
    return found | set(found_by_rules()) | set(re.findall(r"SELECT '(\w+)'", aside._ASIDE)) | set(ALARMS)


def test_every_kind_that_is_reported_has_words_and_no_other() -> None:
    assert {"dispute", "late_success", "amount_mismatch", "balance_overdue", "movements_differ"} <= kinds()
    assert kinds() == set(words.KINDS)


async def test_a_balance_that_asha_owes_is_not_called_the_gateways(office: Office) -> None:
    await office.sign_in("Manager")
    held = await office.street.asha_holds()
    async with office.street.db.transaction() as conn:
        detail: dict[str, object] = {"difference": 1_000, "currency": "INR"}
        await payments.report_concern(conn, "balance_overdue", f"balance:{held.id}", detail, booking_id=held.id)
    text = await office.read()
    assert "Gateway:" not in text and "A balance was not paid in time" in text
    page = await office.read(
        f"/staff/concerns/payments/{await office.street.one('SELECT id FROM anomalies WHERE resolved_at IS NULL')}"
    )
    assert "A balance was not paid in time" in page and "Something needs a person" not in page
