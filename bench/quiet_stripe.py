"""A Stripe that answers at once and costs next to nothing, so that a benchmark measures us: `python -m bench.quiet_stripe PORT`.

Every payment intent it is asked about has succeeded, in full. An intent is called pi_<our id without hyphens>, so that nothing need be remembered.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from urllib.parse import parse_qs
from uuid import UUID, uuid4

AMOUNT = 4_999_900
CREATED = 1_795_400_000


def intent(ref: str, status: str, transaction_id: str) -> bytes:
    """One payment intent, with what is read of it."""
    received = AMOUNT if status == "succeeded" else 0
    charge = {
        "id": f"ch_{ref.removeprefix('pi_')}",
        "object": "charge",
        "created": CREATED,
        "disputed": False,
        "payment_method_details": {"type": "card"},
        "refunds": {"object": "list", "data": [], "has_more": False},
    }
    return json.dumps(
        {
            "id": ref, "object": "payment_intent", "amount": AMOUNT, "amount_received": received, "amount_capturable": 0,
            "currency": "inr", "status": status, "livemode": False, "created": CREATED, "client_secret": f"{ref}_secret_1",
            "latest_charge": charge if received else None, "metadata": {"transaction_id": transaction_id},
            "last_payment_error": None, "canceled_at": None,
        }
    ).encode()  # fmt: skip


def answer(method: str, path: str, body: bytes) -> bytes:
    """What Stripe says; lists are empty."""
    if method == "POST" and path == "/v1/payment_intents":
        told = parse_qs(body.decode())
        ours = told["metadata[transaction_id]"][0]
        return intent(f"pi_{UUID(ours).hex}", "requires_payment_method", ours)
    if found := re.match(r"/v1/payment_intents/pi_([0-9a-f]{32})", path):
        return intent(f"pi_{found[1]}", "succeeded", str(UUID(found[1])))
    if path.startswith("/v1/balance"):
        return b'{"object":"balance","available":[],"pending":[],"data":[],"has_more":false}'
    return b'{"object":"list","data":[],"has_more":false}'


class Line(asyncio.Protocol):
    """One connection; requests come one after the other."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.heard = b""

    def data_received(self, data: bytes) -> None:
        self.heard += data
        while (end := self.heard.find(b"\r\n\r\n")) >= 0:
            head = self.heard[:end].decode()
            length = re.search(r"(?i)\r\ncontent-length: *(\d+)", head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self.heard) < whole:
                return
            method, path, _ = head.split(" ", 2)
            said = answer(method, path, self.heard[end + 4 : whole])
            self.heard = self.heard[whole:]
            lines = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nRequest-Id: req_{uuid4().hex}\r\nContent-Length: {len(said)}\r\n\r\n"
            self.transport.write(lines.encode() + said)  # type: ignore[attr-defined]


async def main(port: int) -> None:
    """Answer until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Line, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
