"""Look at and change a profile. Every change locks the customer's row first, so that changes made at once follow each other.

Pending accounts may read and edit their own row; addresses, preferences and the picture want a proven mailbox.
All raise NotSignedIn (not_signed_in), Forbidden (email_not_verified) first, then what they name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from jklg import history
from jklg.customers import queries as customer_queries
from jklg.customers import rules as customer_rules
from jklg.customers.profile import queries, rules
from jklg.customers.profile.queries import Address, Picture
from jklg.customers.queries import Profile
from jklg.customers.rights import as_customer
from jklg.customers.sessions import Visitor
from jklg.kit.db import Connection, Database
from jklg.kit.errors import NotSignedIn
from jklg.kit.ids import uuid7

Changes = Mapping[str, Any]
"""Fields of Profile and their new values; None empties one. Names that are not there stay as they are."""


async def get(db: Database, who: Visitor) -> Profile:
    """The visitor's whole profile."""
    async with as_customer(db, who, pending_too=True) as conn:
        return await _profile(conn, who)


async def edit(db: Database, who: Visitor, changes: Changes) -> Profile:
    """Change what is named. BadInput (nothing_to_update, name_invalid, phone_invalid, text_invalid, date_of_birth_invalid,
    preferences_invalid, avatar_invalid). An avatar of None takes the picture away."""
    if not changes:
        raise rules.nothing_to_update()
    async with as_customer(db, who, pending_too=True) as conn:
        present = await _profile(conn, who, lock=True)
        wanted = _checked(changes, present, await queries.today(conn))
        if "avatar" in wanted and wanted["avatar"] is None:
            await queries.delete_picture(conn, who.customer_id)
        await customer_queries.edit(conn, msgspec.structs.replace(present, **wanted))
        await history.record(
            conn, f"customer:{who.customer_id}", "customer.edited", "customer", who.customer_id,
            {"fields": sorted(wanted)},
        )  # fmt: skip
        return await _profile(conn, who)


def _checked(changes: Changes, present: Profile, today: date) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    for field, value in changes.items():
        if field == "name":
            wanted[field] = customer_rules.check_name(value)
        elif field == "phone":
            wanted[field] = customer_rules.check_phone(value or "")
        elif field == "date_of_birth":
            wanted[field] = rules.check_birthday(value, today) if value else None
        elif field == "preferences":
            wanted[field] = rules.check_settings(value or {})
        elif field == "avatar":
            wanted[field] = rules.check_avatar(value, present.avatar)
        else:
            wanted[field] = rules.check_line(field, value or "")
    return wanted


async def list_addresses(db: Database, who: Visitor) -> list[Address]:
    """The visitor's addresses, the default first."""
    async with as_customer(db, who) as conn:
        return await queries.list_addresses(conn, who.customer_id)


async def add_address(db: Database, who: Visitor, address: Address) -> Address:
    """Add an address, under an id of ours; the first one is the default. BadInput (text_invalid), Conflict (too_many_addresses)."""
    address = _checked_address(msgspec.structs.replace(address, id=uuid7()))
    async with as_customer(db, who) as conn:
        await _profile(conn, who, lock=True)
        present = await queries.list_addresses(conn, who.customer_id)
        if len(present) >= rules.MOST_ADDRESSES:
            raise rules.too_many_addresses()
        if not present:
            address = msgspec.structs.replace(address, is_default=True)
        if address.is_default:
            await queries.no_default(conn, who.customer_id)
        await queries.insert_address(conn, who.customer_id, address)
    return address


async def change_address(db: Database, who: Visitor, address: Address) -> Address:
    """Write an address anew. The default stays one until another is made it. BadInput (text_invalid), NotFound (address_not_found)."""
    address = _checked_address(address)
    async with as_customer(db, who) as conn:
        await _profile(conn, who, lock=True)
        present = {each.id: each for each in await queries.list_addresses(conn, who.customer_id)}
        if address.id not in present:
            raise rules.no_address()
        if address.is_default:
            await queries.no_default(conn, who.customer_id)
        elif present[address.id].is_default:
            address = msgspec.structs.replace(address, is_default=True)
        await queries.update_address(conn, who.customer_id, address)
    return address


def _checked_address(given: Address) -> Address:
    needed = ("label", "street", "city", "country")
    texts = {
        field: rules.check_line(field, getattr(given, field), needed=field in needed)
        for field in (*needed, "state", "postal_code")
    }
    return msgspec.structs.replace(given, **texts)


async def remove_address(db: Database, who: Visitor, address_id: UUID) -> None:
    """Delete an address; if it was the default, the oldest of the others becomes it. NotFound (address_not_found)."""
    async with as_customer(db, who) as conn:
        await _profile(conn, who, lock=True)
        if not await queries.delete_address(conn, who.customer_id, address_id):
            raise rules.no_address()
        await queries.oldest_is_default(conn, who.customer_id)


async def list_preferences(db: Database, who: Visitor) -> dict[str, str]:
    """The visitor's preferences, by name."""
    async with as_customer(db, who) as conn:
        return await queries.list_preferences(conn, who.customer_id)


async def change_preferences(db: Database, who: Visitor, changes: Mapping[str, str | None]) -> dict[str, str]:
    """Set some preferences, or take some away (None); others stay. Answers all. BadInput (preferences_invalid)."""
    async with as_customer(db, who) as conn:
        await _profile(conn, who, lock=True)
        found = rules.check_preferences(await queries.list_preferences(conn, who.customer_id), changes)
        await queries.delete_preferences(conn, who.customer_id, [key for key in changes if key not in found])
        await queries.set_preferences(conn, who.customer_id, {key: found[key] for key in changes if key in found})
        return found


async def get_picture(db: Database, who: Visitor) -> Picture:
    """The visitor's picture. NotFound (picture_not_found)."""
    async with as_customer(db, who) as conn:
        found = await queries.get_picture(conn, who.customer_id)
    if found is None:
        raise rules.no_picture()
    return found


async def set_picture(db: Database, who: Visitor, content: bytes) -> Profile:
    """Keep a picture, by what its first bytes say it is. BadInput (picture_invalid)."""
    picture = Picture(media_type=rules.picture_type(content), content=content)
    async with as_customer(db, who) as conn:
        present = await _profile(conn, who, lock=True)
        await queries.put_picture(conn, who.customer_id, picture)
        changed = msgspec.structs.replace(present, avatar=rules.avatar_address(who.customer_id))
        await customer_queries.edit(conn, changed)
        return await _profile(conn, who)


async def remove_picture(db: Database, who: Visitor) -> None:
    """Delete the visitor's picture. NotFound (picture_not_found)."""
    async with as_customer(db, who) as conn:
        present = await _profile(conn, who, lock=True)
        if not await queries.delete_picture(conn, who.customer_id):
            raise rules.no_picture()
        await customer_queries.edit(conn, msgspec.structs.replace(present, avatar=None))


async def recount(conn: Connection, customer_id: UUID) -> None:
    """Count anew what a customer has booked and spent: total_bookings, total_spent, loyalty_points. Locks the customer's row."""
    await customer_queries.recount(conn, customer_id)


async def proven_address(conn: Connection, customer_id: UUID) -> tuple[str, datetime] | None:
    """The mailbox that a customer has proven, and when; None when there is none. Locks the customer's row: who leaves waits, or has left."""
    found = await customer_queries.get_profile(conn, customer_id, lock=True)
    return (found.email, found.verified_at) if found is not None and found.verified_at is not None else None


async def drop(conn: Connection, customer_id: UUID) -> None:
    """Forget addresses, preferences and picture of an account that goes away."""
    await queries.drop(conn, customer_id)


async def _profile(conn: Connection, who: Visitor, *, lock: bool = False) -> Profile:
    found = await customer_queries.get_profile(conn, who.customer_id, lock=lock)
    if found is None or found.status == "deleted":  # erased while we waited for the row
        raise NotSignedIn("not_signed_in", "Please sign in first.")
    return found
