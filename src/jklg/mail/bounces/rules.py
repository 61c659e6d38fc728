"""What a refusal means, and what a report of a mail that was not delivered says (RFC 3464 inside RFC 3462). Pure; reads what strangers sent."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from email.message import Message

import msgspec

MOST_BYTES = 1_000_000
"""Of a report. What is behind this is not read."""
_OURS = re.compile(r"<[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}@jklg>")
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_REPLY = re.compile(r"\b([45]\d\d)[ -]")
_NO_MAILBOX = {"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4"}
"""Enhanced codes (RFC 3463, RFC 7505) by which there is no such mailbox, or no such domain. 5.2.2 is a full one, 5.7.x a policy: both pass."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`hard`: asking again changes nothing. `code` as it is shown, '550 5.1.1'; `said` by the other server, cut."""

    hard: bool
    code: str
    said: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A mail was not delivered: that with one of these Message-IDs, which are all of our making."""

    message_ids: tuple[str, ...]
    verdict: Verdict


def judge(reply: int | None, status: str, said: str) -> Verdict:
    """By the enhanced code when there is one that says something, else by the reply of SMTP."""
    if status and status not in ("5.0.0", "4.0.0"):
        hard = status in _NO_MAILBOX
    else:
        hard = reply in (550, 551, 553)
    code = " ".join(part for part in (str(reply) if reply else "", status) if part)
    return Verdict(hard=hard, code=code or "unknown", said=" ".join(_printable(said).split())[:500])


def judge_reply(code: int, message: str) -> Verdict:
    """What a server answered to our RCPT or DATA."""
    found = _STATUS.match(message)
    return judge(code, found[0] if found else "", f"{code} {message}")


def read(raw: bytes) -> Report | None:
    """What a mail reports, or None: it is no report, only says that it takes longer, or names no mail of ours. Never raises."""
    try:
        return _read(email.message_from_bytes(raw[:MOST_BYTES]))
    except Exception:  # a stranger wrote it: whatever it does to the parser, it is no report
        return None


def _read(message: Message) -> Report | None:
    failed: Verdict | None = None
    ids: list[str] = []
    for part in message.walk():
        kind = part.get_content_type()
        if kind in ("message/delivery-status", "message/global-delivery-status") and failed is None:
            failed = _failure(part)
        elif kind == "message/rfc822" or kind == "message/global":
            ids += _ids(_first(part))
        elif kind in ("text/rfc822-headers", "message/global-headers"):
            ids += _ids(_headers(part))
    ids += _ids(message, "In-Reply-To", "References")
    if failed is None or not ids:
        return None
    return Report(message_ids=tuple(dict.fromkeys(ids))[:20], verdict=failed)


def _failure(part: Message) -> Verdict | None:
    """The first recipient whom it was not delivered to; our mails have one."""
    for fields in _groups(part):
        if str(fields.get("Action", "")).strip().lower() != "failed":
            continue
        diagnostic = str(fields.get("Diagnostic-Code", ""))
        said = diagnostic.partition(";")[2] or diagnostic
        status = _STATUS.search(str(fields.get("Status", "")))
        within = _STATUS.search(said)
        reply = _REPLY.search(f"{said} ")
        found = status[0] if status else ""
        if found in ("", "5.0.0") and within:
            found = within[0]
        return judge(int(reply[1]) if reply else None, found, said)
    return None


def _groups(part: Message) -> Iterator[Message]:
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (each for each in payload if isinstance(each, Message))
    else:  # a transport encoded it: its groups are parted by empty lines
        text = part.get_payload(decode=True)
        for group in re.split(rb"\r?\n\r?\n", text if isinstance(text, bytes) else b""):
            yield email.message_from_bytes(group)


def _first(part: Message) -> Message:
    payload = part.get_payload()
    return payload[0] if isinstance(payload, list) and payload and isinstance(payload[0], Message) else Message()


def _headers(part: Message) -> Message:
    text = part.get_payload(decode=True)
    return email.message_from_bytes(text if isinstance(text, bytes) else b"")


def _ids(message: Message, *fields: str) -> list[str]:
    return [found for field in fields or ("Message-ID",) for found in _OURS.findall(str(message.get(field, "")))]


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
