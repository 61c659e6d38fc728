"""However the news of a payment reaches us, doubled, lost, or the end before the beginning: we believe the same, and the books say the same."""

from __future__ import annotations

import pytest

from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.payments.gateways.counters import COUNTERS
from tests.payments.stories import tell

STORIES, ORDERS = 100, 20


@pytest.mark.parametrize("gateway", COUNTERS)
async def test_the_order_in_which_news_arrives_does_not_matter(street: Street, gateway: str) -> None:
    """2,000 runs in all; `./jklg bench orders` makes 50,000."""
    seen = set()
    counter = COUNTERS[gateway]()
    for number in range(STORIES // len(COUNTERS)):
        end = (await tell(street, counter, number, ORDERS))[-1]
        seen |= {end.state, *(f"refund {each.state}" for each in end.refunds)}
        seen |= {f"dispute {each.state}" for each in end.disputes}
    assert {"succeeded", "refund succeeded", "refund failed", "dispute lost", "dispute won"} <= seen, (
        "stories worth telling"
    )
