"""The words that browser and house exchange about passkeys (WebAuthn level 2), by py_webauthn. No database, no decisions of ours.

The library is loaded when the first passkey is spoken of: it would be an eighth of what every start costs.
"""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from jklg.customers.factors.passkey_queries import Passkey
from jklg.settings import Settings

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

log = logging.getLogger(__name__)

_MILLISECONDS = 5 * 60 * 1000
_LONGEST_CREDENTIAL_ID = 1023
_PORTS = {"http": 80, "https": 443}


class Made(NamedTuple):
    """A passkey that was made for us just now. The public key in COSE."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: list[str]
    backed_up: bool


class Signed(NamedTuple):
    """What a right signature says. Whether the counter grew is for the caller to see."""

    sign_count: int
    backed_up: bool


class Presented(NamedTuple):
    """Which passkey somebody says they have, before anything is checked. `user_handle`: whose the browser says it is."""

    credential_id: bytes
    user_handle: bytes | None


def new_challenge() -> bytes:
    return secrets.token_bytes(32)


def site(settings: Settings) -> str:
    """The host that passkeys are made for: that of JKLG_PUBLIC_URL, whatever its port. One made for it never answers to another."""
    return urlsplit(settings.public_url).hostname or "localhost"


def origins(settings: Settings) -> list[str]:
    """Where a ceremony may take place: our own pages, and FRONTEND_URL when it lives on the same site. The port counts."""
    found = [_origin(settings.public_url)]
    host = urlsplit(settings.frontend_url).hostname if settings.frontend_url else None
    if host is not None and (host == site(settings) or host.endswith(f".{site(settings)}")):
        found.append(_origin(settings.frontend_url))
    return found


def _origin(url: str) -> str:
    """As a browser writes it: lower case, without a port that goes without saying."""
    parts = urlsplit(url)
    port = "" if parts.port in (None, _PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}"


def options_to_make(
    settings: Settings, customer_id: UUID, email: str, name: str, have: list[Passkey], challenge: bytes
) -> dict[str, Any]:
    """For `navigator.credentials.create`: discoverable, the user verified, and not beside one they have."""
    import webauthn
    from webauthn import helpers
    from webauthn.helpers import structs

    made = webauthn.generate_registration_options(
        rp_id=site(settings),
        rp_name=settings.agency_name,
        user_id=customer_id.bytes,
        user_name=email,
        user_display_name=name,
        challenge=challenge,
        timeout=_MILLISECONDS,
        attestation=structs.AttestationConveyancePreference.NONE,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_named(have),
    )
    return helpers.options_to_json_dict(made)


def options_to_sign(settings: Settings, allowed: list[Passkey], challenge: bytes) -> dict[str, Any]:
    """For `navigator.credentials.get`. With nobody's passkeys `allowed`, the device offers what it has for this site."""
    import webauthn
    from webauthn import helpers
    from webauthn.helpers import structs

    asked = webauthn.generate_authentication_options(
        rp_id=site(settings),
        challenge=challenge,
        timeout=_MILLISECONDS,
        allow_credentials=_named(allowed),
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return helpers.options_to_json_dict(asked)


def _named(passkeys: list[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    from webauthn.helpers import structs

    return [
        structs.PublicKeyCredentialDescriptor(
            id=passkey.credential_id,
            transports=[structs.AuthenticatorTransport(each) for each in passkey.transports] or None,
        )
        for passkey in passkeys
    ]


def made(settings: Settings, credential: dict[str, Any], challenge: bytes) -> Made | None:
    """A passkey made for this challenge, this site and one of our origins, by a verified user; else None."""
    import webauthn
    from webauthn import helpers

    try:
        parsed = helpers.parse_registration_credential_json(credential)
        if helpers.parse_client_data_json(parsed.response.client_data_json).cross_origin:
            return None
        found = webauthn.verify_registration_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=site(settings),
            expected_origin=origins(settings),
            require_user_verification=True,
        )
    except Exception as error:  # the library parses what strangers wrote: CBOR, COSE, certificates
        log.info("a passkey was refused: %r", error)
        return None
    if len(found.credential_id) > _LONGEST_CREDENTIAL_ID:
        return None
    transports = [each.value for each in dict.fromkeys(parsed.response.transports or [])]
    return Made(
        found.credential_id, found.credential_public_key, found.sign_count, transports, found.credential_backed_up
    )


def presented(credential: dict[str, Any]) -> Presented | None:
    """Which passkey this claims to be. None when it cannot be read."""
    from webauthn import helpers

    try:
        parsed = helpers.parse_authentication_credential_json(credential)
    except Exception as error:
        log.info("a passkey could not be read: %r", error)
        return None
    return Presented(parsed.raw_id, parsed.response.user_handle)


def signed(settings: Settings, credential: dict[str, Any], challenge: bytes, passkey: Passkey) -> Signed | None:
    """A signature of this passkey over this challenge, for this site, on one of our origins, by a verified user; else None."""
    import webauthn
    from webauthn import helpers

    try:
        parsed = helpers.parse_authentication_credential_json(credential)
        if helpers.parse_client_data_json(parsed.response.client_data_json).cross_origin:
            return None
        found = webauthn.verify_authentication_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=site(settings),
            expected_origin=origins(settings),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,  # the counter is compared where it is written, so that two at once cannot pass
            require_user_verification=True,
        )
    except Exception as error:
        log.info("a signature was refused: %r", error)
        return None
    return Signed(found.new_sign_count, found.credential_backed_up)
