"""`jklg doctor mail`: whether our mails leave, and whether others will believe that they are ours."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from email.message import EmailMessage

import aiosmtplib
import dns.asyncresolver
import dns.exception
import dns.resolver
from cryptography.hazmat.primitives import serialization
from dns.rdtypes.ANY.TXT import TXT

from jklg.mail import signing
from jklg.mail.actions import MAIL_SECONDS, connection
from jklg.settings import PRESETS, Settings
from jklg.startup.doctor import Result

PATIENCE_SECONDS = 5.0
SENDERS = {preset["host"]: preset["spf"] for preset in PRESETS.values() if preset}
"""What the SPF record of an agency says that sends through one of these."""


async def examine_mail(
    settings: Settings, to: str = "", resolver: dns.asyncresolver.Resolver | None = None
) -> list[Result]:
    """The server, then what the world's DNS says of the sender's domain; `to` gets a mail. What is missing is told as the record to add."""
    if not settings.smtp_host:
        return [Result("server", True, "none is set: mails are caught at /dev/mail, and reach nobody")]
    results = [await _server(settings, to)]
    domain = signing.domain_of(settings)
    ask = resolver or dns.asyncresolver.Resolver()
    ask.lifetime = PATIENCE_SECONDS
    for subject, look in (("answers", _answers), ("SPF", _spf), ("DKIM", _dkim), ("DMARC", _dmarc)):
        try:
            results.append(await look(settings, domain, ask))
        except (dns.exception.DNSException, OSError) as error:
            results.append(Result(subject, False, f"the DNS says nothing about {domain}: {error}"))
    return results


async def _server(settings: Settings, to: str) -> Result:
    """Connect, speak in secret, sign in; and send, when there is somebody to send to."""
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        async with connection(settings) as smtp:
            if to:
                wire, options = signing.wire(settings, _letter(settings, to))
                await smtp.sendmail(settings.smtp_from_email, [to], wire, mail_options=options, timeout=MAIL_SECONDS)
    except aiosmtplib.SMTPAuthenticationError as error:
        return Result("server", False, f"{where} refuses SMTP_USER and SMTP_PASSWORD: {error.message}")
    except aiosmtplib.SMTPRecipientsRefused as error:
        said = "; ".join(f"{each.code} {each.message}" for each in error.recipients)
        return Result("server", False, f"{where} takes no mail to {to}: {said}")
    except aiosmtplib.SMTPResponseException as error:
        return Result("server", False, f"{where} says {error.code} {error.message}")
    except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
        return Result("server", False, f"{where} cannot be used: {error or type(error).__name__}")
    signed_in = f", signed in as {settings.smtp_user}" if settings.smtp_user else ""
    secret = "in the clear, on this machine" if settings.smtp_tls == "none" else "in secret (TLS)"
    sent = f"; a mail is on its way to {to}" if to else ""
    return Result("server", True, f"{where}, {secret}{signed_in}{sent}")


def _letter(settings: Settings, to: str) -> EmailMessage:
    message = EmailMessage(policy=signing.POLICY)
    message["From"] = settings.smtp_from_email
    message["To"] = to
    message["Subject"] = f"A try by {settings.agency_name}"
    message.set_content("This mail was sent by `jklg doctor mail`. That you read it means that mails leave.\n")
    return message


async def _answers(_: Settings, domain: str, ask: dns.asyncresolver.Resolver) -> Result:
    found = await _answer(ask, domain, "MX")
    if found:
        return Result("answers", True, f"mail to {domain} goes to {found[0].to_text().split()[-1].rstrip('.')}")
    return Result("answers", False, f"{domain} has no MX record: answers and bounces reach nobody")


async def _spf(settings: Settings, domain: str, ask: dns.asyncresolver.Resolver) -> Result:
    found = [each for each in await _texts(ask, domain) if each.lower().startswith("v=spf1")]
    wanted = SENDERS.get(settings.smtp_host, f"a:{settings.smtp_host}")
    if len(found) > 1:
        return Result("SPF", False, f"{domain} has {len(found)} SPF records, so that none counts: keep one")
    if not found:
        return Result("SPF", False, f'missing. Add to {domain}: TXT "v=spf1 {wanted} ~all"')
    if settings.smtp_host in SENDERS and wanted not in found[0]:
        return Result("SPF", False, f"{found[0]!r} does not name {settings.smtp_host}: add {wanted} before the end")
    if found[0].rstrip().lower().endswith("+all"):
        return Result("SPF", False, f"{found[0]!r} lets everybody send in your name: end it with ~all")
    return Result("SPF", True, found[0])


async def _dkim(settings: Settings, domain: str, ask: dns.asyncresolver.Resolver) -> Result:
    if not settings.dkim_key:
        if settings.smtp_host in SENDERS:
            return Result("DKIM", True, f"left to {settings.smtp_host}: turn it on there for {domain}")
        return Result("DKIM", False, "mails are not signed: set SMTP_DKIM_SELECTOR and SMTP_DKIM_KEY")
    name = f"{settings.dkim_selector}._domainkey.{domain}"
    try:
        ours = _public(signing.private_key(settings.dkim_key))
    except (OSError, ValueError, TypeError) as error:
        return Result("DKIM", False, f"SMTP_DKIM_KEY cannot be read: {error}")
    found = [each for each in await _texts(ask, name) if "p=" in each]
    if not found:
        return Result("DKIM", False, f'missing. Add {name}: TXT "v=DKIM1; k=rsa; p={ours}"')
    told = dict(part.strip().partition("=")[::2] for part in found[0].split(";"))
    if "".join(told.get("p", "").split()) != ours:
        return Result("DKIM", False, f'{name} has another key. It should say: "v=DKIM1; k=rsa; p={ours}"')
    return Result("DKIM", True, f"{name} has our key")


def _public(pem: bytes) -> str:
    """The public half as the DNS tells it."""
    key = serialization.load_pem_private_key(pem, None).public_key()
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


async def _dmarc(_: Settings, domain: str, ask: dns.asyncresolver.Resolver) -> Result:
    name = f"_dmarc.{domain}"
    found = [each for each in await _texts(ask, name) if each.upper().startswith("V=DMARC1")]
    if not found:
        wanted = f'{name}: TXT "v=DMARC1; p=none; rua=mailto:postmaster@{domain}"'
        return Result("DMARC", False, f"missing. Add {wanted}, and a stricter p= once the reports are clean")
    return Result("DMARC", True, found[0])


async def _texts(ask: dns.asyncresolver.Resolver, name: str) -> Sequence[str]:
    """TXT records, each in one piece."""
    answer = await _answer(ask, name, "TXT")
    return [b"".join(each.strings).decode("utf-8", "replace") for each in answer if isinstance(each, TXT)]


async def _answer(ask: dns.asyncresolver.Resolver, name: str, kind: str) -> list[dns.rdata.Rdata]:
    """Empty when there is no such name or record."""
    try:
        return list(await ask.resolve(name, kind))
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
