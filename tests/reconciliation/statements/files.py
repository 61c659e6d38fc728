"""Statements as banks write them."""

from __future__ import annotations

from collections.abc import Sequence

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"
Entry = tuple[str, str, str, str]
"""Amount (a minus: taken from us), day, what the bank says, end-to-end reference."""


def camt(
    entries: Sequence[Entry],
    *,
    opening: str = "1000.00",
    closing: str,
    version: str = "08",
    iban: str = "DE02120300000000202051",
    currency: str = "INR",
    ref: str = "2026-11",
    days: tuple[str, str] = ("2026-11-01", "2026-11-30"),
    status: str = "BOOK",
) -> bytes:
    """A camt.053 of one account."""
    modern = int(version) >= 8

    def entry(amount: str, day: str, words: str, reference: str) -> str:
        direction = "DBIT" if amount.startswith("-") else "CRDT"
        party = "Cdtr" if amount.startswith("-") else "Dbtr"
        name = "<Pty><Nm>Asha Rao</Nm></Pty>" if modern else "<Nm>Asha Rao</Nm>"
        said = f"<Cd>{status}</Cd>" if modern else status
        return f"""
          <Ntry><Amt Ccy="{currency}">{amount.lstrip("-")}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts>{said}</Sts>
            <BookgDt><Dt>{day}</Dt></BookgDt><ValDt><DtTm>{day}T12:00:00+01:00</DtTm></ValDt>
            <NtryDtls><TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs>
              <RltdPties><{party}>{name}</{party}></RltdPties><RmtInf><Ustrd>{words}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"""

    def balance(code: str, amount: str, day: str) -> str:
        direction = "DBIT" if amount.startswith("-") else "CRDT"
        return f"""
          <Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{amount.lstrip("-")}</Amt>
            <CdtDbtInd>{direction}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"""

    return f"""<?xml version="1.0" encoding="UTF-8"?>
      <Document xmlns="{NAMESPACE.format(version=version)}"><BkToCstmrStmt><GrpHdr><MsgId>1</MsgId></GrpHdr>
        <Stmt><Id>{ref}</Id><Acct><Id><IBAN>{iban}</IBAN></Id></Acct>
        {balance("OPBD", opening, days[0])}{balance("CLBD", closing, days[1])}
        {"".join(entry(*each) for each in entries)}</Stmt></BkToCstmrStmt></Document>""".encode()


def rows(*lines: str) -> bytes:
    return "\n".join(lines).encode()


def together(*files: bytes) -> bytes:
    """The statements of several camt.053 in one file, in this order."""
    more = b"".join(each[each.index(b"<Stmt>") : each.index(b"</Stmt>") + len(b"</Stmt>")] for each in files[1:])
    return files[0].replace(b"</BkToCstmrStmt>", more + b"</BkToCstmrStmt>")
