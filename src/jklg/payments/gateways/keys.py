"""Which gateway a row of ours belongs to: by its name, and by whether its keys take money in earnest."""

from __future__ import annotations

from collections.abc import Mapping

from jklg.payments.gateways.contract import Gateway


def gateway_of(gateways: Mapping[str, Gateway], name: str, livemode: bool) -> Gateway | None:
    """The gateway that knows this row. With keys of the other mode (test, live) it would say of everything that there is no such thing, so it
    is as good as not there: None, and nobody asks."""
    gateway = gateways.get(name)
    return gateway if gateway is not None and gateway.livemode == livemode else None
