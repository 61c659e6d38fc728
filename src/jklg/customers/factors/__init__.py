"""What opens an account besides the password: authenticator apps, passkeys, recovery codes; and sign-ins that are half done."""

from jklg.customers.factors.actions import (
    Factors,
    NewTotp,
    add_passkey,
    begin_passkey,
    begin_totp,
    confirm_totp,
    drop_all,
    drop_password,
    drop_younger,
    list_factors,
    make_recovery_codes,
    remove_passkey,
    remove_recovery_codes,
    remove_totp,
)
from jklg.customers.factors.challenges import forget_challenges, forget_old
from jklg.customers.factors.passkey_queries import PasskeySeen
from jklg.customers.factors.passkeys import (
    begin_passkey_proof,
    begin_passkey_sign_in,
    finish_passkey_proof,
    finish_passkey_sign_in,
)
from jklg.customers.factors.second_step import (
    GUESSES,
    answer_second_factor,
    begin_second_factor,
    check_code,
    expired,
    methods,
    second_factor_options,
)

__all__ = [
    "GUESSES",
    "Factors",
    "NewTotp",
    "PasskeySeen",
    "add_passkey",
    "answer_second_factor",
    "begin_passkey",
    "begin_passkey_proof",
    "begin_passkey_sign_in",
    "begin_second_factor",
    "begin_totp",
    "check_code",
    "confirm_totp",
    "drop_all",
    "drop_password",
    "drop_younger",
    "expired",
    "finish_passkey_proof",
    "finish_passkey_sign_in",
    "forget_challenges",
    "forget_old",
    "list_factors",
    "make_recovery_codes",
    "methods",
    "remove_passkey",
    "remove_recovery_codes",
    "remove_totp",
    "second_factor_options",
]
