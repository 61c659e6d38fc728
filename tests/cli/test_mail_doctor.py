"""The doctor of mails tells what a mail server and the DNS say of us, and what is missing as the record to add."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import dkim
import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from jklg import app, mail
from jklg.mail import signing
from jklg.settings import BadSettings, Settings, load
from jklg.startup.doctor import Result
from jklg.startup.mail_doctor import examine_mail
from tests.mail.test_mail import PostOffice, free_port, hurry, post_office, states, write  # noqa: F401  (post_office is a fixture)

DOMAIN = "agency.example"


class Zone(asyncio.DatagramProtocol):
    """A name server that knows what the test tells it. `records`: (name, kind) -> texts."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], list[str]] = {}
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        asked = dns.message.from_wire(data)
        question = asked.question[0]
        name, kind = question.name.to_text().rstrip("."), dns.rdatatype.to_text(question.rdtype)
        answer = dns.message.make_response(asked)
        found = self.records.get((name, kind))
        if found:
            answer.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, found))
        elif not any(known == name for known, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(answer.to_wire(), addr)


@pytest.fixture
async def zone() -> AsyncIterator[Zone]:
    zone, port = Zone(), free_port()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: zone, ("127.0.0.1", port))
    zone.port = port  # type: ignore[attr-defined]
    yield zone
    transport.close()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    made = rsa.generate_private_key(65537, 2048)
    path = tmp_path / "dkim.pem"
    path.write_bytes(
        made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def ours(settings: Settings, post_office: Any, key: Path) -> Settings:
    return dataclasses.replace(
        settings, smtp_host="127.0.0.1", smtp_port=post_office[1].port, smtp_tls="none", smtp_user="agency",
        smtp_password="secret", smtp_from_email=f"bookings@{DOMAIN}", dkim_selector="s1", dkim_key=str(key),
    )  # fmt: skip


async def examined(zone: Zone, settings: Settings, to: str = "") -> dict[str, Result]:
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], zone.port  # type: ignore[attr-defined]
    return {result.subject: result for result in await examine_mail(settings, to, resolver)}


async def test_what_is_missing_is_told_as_the_record_to_add_and_added_it_is_right(zone: Zone, ours: Settings) -> None:
    zone.records[(DOMAIN, "A")] = ["192.0.2.1"]
    found = await examined(zone, ours)
    assert [subject for subject, result in found.items() if not result.ok] == ["answers", "SPF", "DKIM", "DMARC"]
    for subject, name in (("SPF", DOMAIN), ("DKIM", f"s1._domainkey.{DOMAIN}"), ("DMARC", f"_dmarc.{DOMAIN}")):
        said = found[subject].detail
        assert name in said
        record = said.split('TXT "')[1].split('"')[0]
        # a TXT record is told in pieces of at most 255 bytes
        pieces = [record[start : start + 255] for start in range(0, len(record), 255)]
        zone.records[(name, "TXT")] = [" ".join(f'"{piece}"' for piece in pieces)]
    zone.records[(DOMAIN, "MX")] = [f"10 mx.{DOMAIN}."]
    assert {subject: result.ok for subject, result in (await examined(zone, ours)).items()} == dict.fromkeys(
        ("server", "answers", "SPF", "DKIM", "DMARC"), True
    )


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (['"v=spf1 +all"'], "lets everybody send"),
        (['"v=spf1 mx ~all"', '"v=spf1 a ~all"'], "none counts"),
    ],
)
async def test_an_spf_record_that_helps_nobody_is_not_called_good(
    zone: Zone, ours: Settings, records: list[str], said: str
) -> None:
    zone.records[(DOMAIN, "TXT")] = records
    spf = (await examined(zone, ours))["SPF"]
    assert (spf.ok, said in spf.detail) == (False, True), spf.detail


async def test_a_key_that_is_not_ours_and_a_server_that_does_not_know_us_are_named(zone: Zone, ours: Settings) -> None:
    zone.records[(f"s1._domainkey.{DOMAIN}", "TXT")] = ['"v=DKIM1; k=rsa; p=AAAA"']
    found = await examined(zone, dataclasses.replace(ours, smtp_password="wrong"))
    assert "has another key" in found["DKIM"].detail
    assert "refuses SMTP_USER and SMTP_PASSWORD" in found["server"].detail
    away = await examined(zone, dataclasses.replace(ours, smtp_port=free_port()))
    assert not away["server"].ok and "cannot be used" in away["server"].detail
    gmail = await examined(
        zone,
        dataclasses.replace(ours, smtp_host="smtp.gmail.com", smtp_port=free_port(), dkim_key="", dkim_selector=""),
    )
    assert gmail["DKIM"].ok and "include:_spf.google.com" in gmail["SPF"].detail


async def test_a_name_server_that_is_silent_is_no_good_news(ours: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jklg.startup.mail_doctor.PATIENCE_SECONDS", 0.3)
    silent = Zone()
    silent.port = free_port()  # type: ignore[attr-defined]
    found = await examined(silent, ours)
    assert [result.ok for result in found.values()] == [True, False, False, False, False]


async def test_mails_are_signed_so_that_others_believe_them(
    zone: Zone, ours: Settings, db: Any, post_office: tuple[PostOffice, Any]
) -> None:
    office, _ = post_office
    house = await app.build_house(ours, db, {})
    await write(
        house, to_name="Åsa Öberg", subject="Gebucht: Schnee & Gipfel – für zwei", text="Schön.\n" + "lang " * 300
    )
    assert await mail.send_due(house) == 1
    await examined(zone, ours, to="chitra@example.org")
    public = (await examined(zone, ours))["DKIM"].detail.split('"')[1].encode()
    assert len(office.raw) == 2
    for raw in office.raw:
        assert dkim.verify(raw, dnsfunc=lambda name, timeout=5: public)
        assert not dkim.verify(raw.replace(b"Subject: ", b"Subject: Re: "), dnsfunc=lambda name, timeout=5: public)
        assert raw.isascii(), "nobody on the way has to change it"


async def test_a_key_that_is_none_costs_no_mail(ours: Settings, db: Any, zone: Zone) -> None:
    house = await app.build_house(ours, db, {})
    await write(house)
    for broken in (b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"):
        signing.private_key.cache_clear()
        Path(ours.dkim_key).write_bytes(broken)  # noqa: ASYNC240
        assert await mail.send_due(house) == 0
        assert await states(house) == ["queued"], "somebody mends the key, and it goes out"
        await hurry(house)
        assert "cannot be read" in (await examined(zone, ours))["DKIM"].detail
        assert "cannot be signed" in (await examined(zone, ours, to="chitra@example.org"))["server"].detail


def test_presets_and_keys_are_read_with_the_other_settings(tmp_path: Path) -> None:
    assert (load({"SMTP_PRESET": "sendgrid"}).smtp_host, load({"SMTP_PRESET": "sendgrid"}).smtp_user) == (
        "smtp.sendgrid.net",
        "apikey",
    )
    assert load({"SMTP_PRESET": "gmail", "SMTP_HOST": "relay.example"}).smtp_host == "relay.example"
    for wrong, named in (
        ({"SMTP_PRESET": "pigeon"}, "SMTP_PRESET"),
        ({"SMTP_DKIM_SELECTOR": "s1"}, "go together"),
        ({"SMTP_DKIM_SELECTOR": "s1", "SMTP_DKIM_KEY": str(tmp_path / "none.pem")}, "there is none at"),
    ):
        with pytest.raises(BadSettings, match=named):
            load(wrong)


async def test_the_way_to_stop_a_letter_is_signed_with_it(
    ours: Settings, db: Any, zone: Zone, post_office: tuple[PostOffice, Any]
) -> None:
    """RFC 8058: a mail program offers it only then."""
    house = await app.build_house(ours, db, {})
    async with db.transaction() as conn:
        letter = mail.Letter(
            kind="x", once_key="x", to_address="asha@example.org", to_name="Asha", subject="How was it?", text="t", html="h",
            may_be_stopped=True,
        )  # fmt: skip
        await mail.write(conn, [letter])
    await mail.send_due(house)
    (raw,) = post_office[0].raw
    public = (await examined(zone, ours))["DKIM"].detail.split('"')[1].encode()
    assert dkim.verify(raw, dnsfunc=lambda name, timeout=5: public)
    spoiled = raw.replace(b"/mail/stop/", b"/mail/stay/")
    assert spoiled != raw and not dkim.verify(spoiled, dnsfunc=lambda name, timeout=5: public)
