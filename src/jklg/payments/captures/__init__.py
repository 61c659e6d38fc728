"""Taking what was approved or set aside: decided under the booking's lock, written down, then asked of the gateway."""

from jklg.payments.captures.actions import Made, decide, make, over, taken

__all__ = ["Made", "decide", "make", "over", "taken"]
