"""What staff see of a mail, a webhook or news that was put aside, and of what trying it again would do."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from jklg.backoffice.concerns import queries
from jklg.kit.db import Connection
from jklg.kit.gateways import gateway_name
from jklg.payments.queries import Anomaly


class Aside(msgspec.Struct, frozen=True, kw_only=True):
    """What was put aside, or waits: its facts in words, the last error, what would happen, and the words of the button. `still`: it can be
    tried again."""

    facts: list[tuple[str, str | datetime]]
    error: str
    effect: str
    button: str
    still: bool


async def of(conn: Connection, concern: Anomaly) -> Aside | None:
    """What a concern is about, if it is about something that was put aside."""
    detail = concern.detail
    if concern.kind in ("mail_dead", "mail_bounced"):
        return _mail(await queries.get_mail(conn, UUID(detail["mail_id"])))
    if concern.kind == "mail_server_away":
        return _waiting(await queries.get_waiting_mails(conn))
    if concern.kind in ("webhook_dead", "webhook_collision"):
        return _webhook(await queries.get_notice(conn, int(detail["notice_id"])), concern)
    if concern.kind == "news_failed":
        return _news(await queries.get_news(conn, int(detail["job_id"])), detail)
    return None


def _mail(mail: queries.DeadMail | None) -> Aside | None:
    if mail is None:
        return None
    to = f"{mail.to_name} <{mail.to_address}>" if mail.to_address else "forgotten: its reader has left"
    facts: list[tuple[str, str | datetime]] = [("To", to), ("Subject", mail.subject), ("Written", mail.created_at)]
    effect = f"The same mail goes to {mail.to_address} once more, under the same number. If nobody takes it, it comes back here."
    return Aside(
        facts=facts,
        error=mail.returned or mail.last_error or "",
        effect=effect,
        button="Send it again",
        still=mail.state == "dead",
    )


def _waiting(mails: queries.WaitingMails) -> Aside:
    """They are tried without a button, every half minute."""
    facts: list[tuple[str, str | datetime]] = [("Mails that wait", str(mails.count))]
    if mails.since is not None:
        facts.append(("The first since", mails.since))
    return Aside(facts=facts, error=mails.last_error or "", effect="", button="", still=False)


def _webhook(notice: queries.DeadNotice | None, concern: Anomaly) -> Aside | None:
    if notice is None:
        return None
    facts: list[tuple[str, str | datetime]] = [
        ("From", gateway_name(notice.gateway)),
        ("What", f"{notice.event_type} {notice.event_id}"),
        ("Came", notice.received_at),
        ("State", f"{notice.state} after {notice.attempts} tries"),
    ]
    if concern.kind == "webhook_collision" and notice.other_sha256:
        facts.append(("SHA-256 of the first", notice.body_sha256.hex()))
        facts.append(("SHA-256 of the newest other", notice.other_sha256.hex()))
    if notice.ref:
        facts.append(("Payment", notice.ref))
    stranger = (
        "It speaks of no payment that we know. The gateway is asked what it is; money of a stranger goes into suspense."
    )
    return Aside(
        facts=facts, error=notice.last_error or "", effect="" if concern.transaction_id else stranger,
        button="Look into it again", still=notice.state == "dead" and concern.kind == "webhook_dead",
    )  # fmt: skip


def _news(news: queries.HeldNews | None, detail: dict[str, Any]) -> Aside:
    if news is None:
        return Aside(facts=[("What", str(detail["news"]))], error="", effect="", button="", still=False)
    facts: list[tuple[str, str | datetime]] = [("What", news.news), ("Announced", news.created)]
    facts += [(name.replace("_", " ").capitalize(), str(value)) for name, value in news.payload.items()]
    effect = "Whoever acts on it is told once more. What was done before is not done twice."
    return Aside(facts=facts, error=news.error or "", effect=effect, button="Tell it again", still=news.held)
