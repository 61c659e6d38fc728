"""A client written to the contract, and to nothing else, gets through a whole life with us: from registering to leaving.

It knows paths, field names, statuses and the sentences that the contract quotes. It sends no field that its forms did not have, and it
reads no field of ours.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx

from tests.customers.people import PASSWORD, People, people  # noqa: F401  (a fixture)
from tests.trade import add_departure, add_package

Json = dict[str, Any]
NEW_PASSWORD = "a longer walk in them"
ME = {"id", "email", "name", "phone", "avatar", "address", "verified_at", "status", "created_at", "loyalty_points"}


class OldClient:
    """What the older client's context and pages send: one base address, a bearer token when there is one."""

    def __init__(self, app: Any, public_url: str) -> None:
        transport = httpx.ASGITransport(app=app, client=("192.0.2.1", 4711))
        self._http = httpx.AsyncClient(transport=transport, base_url=f"{public_url}/api")
        self.token: str | None = None
        self.customer_id = ""

    async def ask(self, method: str, path: str, body: Json | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        answer = await self._http.request(method, path, json=body, headers=headers)
        said = answer.json()
        if answer.status_code >= 400:
            assert isinstance(said["error"], str) and said["error"], said
        return answer.status_code, said

    async def customers(self, method: str, path: str, body: Json | None = None) -> tuple[int, Any]:
        return await self.ask(method, f"/customers{path}", body)

    async def sign_in(self, password: str) -> tuple[int, Any]:
        self.token = None
        status, said = await self.customers("POST", "/login", {"email": "asha@example.org", "password": password})
        if status == 200:
            self.token, self.customer_id = said["token"], said["customerId"]
        return status, said


async def test_an_unchanged_client_goes_from_registering_to_leaving(people: People) -> None:
    client = OldClient(people.app, people.house.settings.public_url)

    # register
    wish = {"email": "asha@example.org", "password": PASSWORD, "name": "Asha Rao", "phone": "+91 98765 43210"}
    status, said = await client.customers("POST", "/register", wish)
    assert status == 201
    assert {"customerId", "token", "message", "requiresVerification"} <= set(said)
    assert said["requiresVerification"] is True
    assert (await client.customers("POST", "/register", {"email": "asha@example.org"}))[0] == 400
    assert (await client.customers("POST", "/register", {**wish, "password": "short"}))[0] == 400

    # sign in too early
    status, said = await client.sign_in(PASSWORD)
    assert (status, said["error"], said["requiresVerification"]) == (403, "Email not verified", True)
    unverified = said["customerId"]

    # verify, as the page of the mailed link does
    status, said = await client.customers("POST", "/resend-verification", {"email": "asha@example.org"})
    assert (status, list(said)) == (200, ["message"])
    link = (await people.letter("verify_email", "asha@example.org")).link
    assert link["customerId"] == unverified
    assert (await client.customers("POST", "/verify-email", {**link, "token": "wrong"}))[0] == 400
    status, said = await client.customers("POST", "/verify-email", link)
    assert (status, set(said)) == (200, {"message", "customer"})
    assert (await client.customers("POST", "/verify-email", link))[0] == 400

    # sign in
    status, said = await client.sign_in("a wrong password")
    assert (status, said["error"]) == (401, "Invalid credentials")
    assert (await client.customers("GET", "/me"))[0] == 401
    status, said = await client.sign_in(PASSWORD)
    assert status == 200 and {"customerId", "token", "customer"} <= set(said)
    own = f"/{client.customer_id}"

    # me, edit
    status, said = await client.customers("GET", "/me")
    assert status == 200 and set(said["customer"]) == ME
    assert (said["customer"]["status"], said["customer"]["loyalty_points"]) == ("active", 0)
    status, said = await client.customers("PUT", own, {"name": "Asha R. Rao", "address": "4 Boulevard Road, Srinagar"})
    assert (status, said["customer"]["name"]) == (200, "Asha R. Rao")
    assert (await client.customers("PUT", own, {}))[0] == 400

    # addresses
    home = {
        "label": "Home",
        "street": "4 Boulevard Road",
        "city": "Srinagar",
        "postal_code": "190001",
        "country": "India",
    }
    status, said = await client.customers("POST", f"{own}/addresses", {**home, "is_default": True})
    assert status == 201
    address = said["address"]["id"]
    status, said = await client.customers("GET", f"{own}/addresses")
    assert status == 200
    assert [set(each) for each in said["addresses"]] == [
        {"id", "label", "street", "city", "state", "postal_code", "country", "is_default"}
    ]
    assert (await client.customers("DELETE", f"{own}/addresses/{address}"))[0] == 200
    assert (await client.customers("DELETE", f"{own}/addresses/{address}"))[0] == 404

    # book, and see it among her bookings
    package = await add_package(people.house.db, name="Dal Lake and the Mughal gardens")
    await add_departure(people.house.db, package_id=package, starts_on=date(2027, 5, 12))
    status, said = await client.ask("POST", "/bookings", {
        "package_id": str(package), "customer_email": "asha@example.org", "customer_name": "Asha Rao",
        "customer_phone": "+91 98765 43210", "travel_date": "2027-05-12", "number_of_guests": 2,
        "customer_id": client.customer_id,
    })  # fmt: skip
    assert status == 201 and said["success"] is True, said
    status, said = await client.customers("GET", f"{own}/bookings")
    assert status == 200
    (booking,) = said["bookings"]
    assert {
        "id", "reference", "package_id", "travel_date", "return_date", "num_adults", "num_children", "total_price", "currency",
        "payment_status", "status", "created_at", "packages",
    } <= set(booking)  # fmt: skip
    assert (booking["num_adults"], booking["travel_date"], booking["payment_status"]) == (2, "2027-05-12", "Pending")
    assert set(booking["packages"]) >= {"id", "name", "price", "destination_id"}

    # change the password: another device is signed out
    other = OldClient(people.app, people.house.settings.public_url)
    await other.sign_in(PASSWORD)
    change = {"oldPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    assert (await client.customers("POST", "/change-password", {**change, "oldPassword": "wrong"}))[0] == 401
    assert (await client.customers("POST", "/change-password", change))[0] == 200
    assert (await other.customers("GET", "/me"))[0] == 401
    assert (await client.customers("GET", "/me"))[0] == 200

    # forget it, and choose another
    status, said = await client.customers("POST", "/forgot-password", {"email": "asha@example.org"})
    nobody = await client.customers("POST", "/forgot-password", {"email": "nobody@example.org"})
    assert (status, said) == nobody == (200, {"message": said["message"]})
    reset = (await people.letter("password_reset", "asha@example.org")).link
    assert (await client.customers("POST", "/reset-password", {**reset, "newPassword": "short"}))[0] == 400
    assert (await client.customers("POST", "/reset-password", {**reset, "newPassword": PASSWORD}))[0] == 200
    assert (await client.customers("GET", "/me"))[0] == 401
    assert (await client.sign_in(NEW_PASSWORD))[0] == 401
    assert (await client.sign_in(PASSWORD))[0] == 200

    # leave
    assert (await client.customers("DELETE", own, {}))[0] == 400
    assert (await client.customers("DELETE", own, {"password": "wrong"}))[0] == 401
    assert (await client.customers("DELETE", own, {"password": PASSWORD}))[0] == 200
    assert (await client.customers("GET", "/me"))[0] == 401
    assert (await client.sign_in(PASSWORD))[0] == 401


async def test_mallorys_client_is_told_of_ashas_account_what_it_is_told_of_none(people: People) -> None:
    asha = await people.join()
    await people.join("mallory@example.org", "Mallory is not her name", "Mallory", at="203.0.113.66")
    client = OldClient(people.app, people.house.settings.public_url)
    _, said = await client.customers(
        "POST", "/login", {"email": "mallory@example.org", "password": "Mallory is not her name"}
    )
    client.token = said["token"]
    for method, path, body in (
        ("GET", "", None), ("PUT", "", {"name": "Mallory"}), ("DELETE", "", {"password": "Mallory is not her name"}),
        ("GET", "/bookings", None), ("GET", "/addresses", None),
    ):  # fmt: skip
        hers = await client.customers(method, f"/{asha['customerId']}{path}", body)
        nobodys = await client.customers(method, f"/00000000-0000-7000-8000-000000000000{path}", body)
        assert hers == nobodys and hers[0] == 404, (method, path, hers)
