"""Coming in: password, second factor, passkey; proving once more who one is; going out."""

from jklg.customers.entering.actions import (
    SecondFactorNeeded,
    SignedIn,
    answer_second_factor,
    begin_passkey,
    check_password,
    end_other_sessions,
    end_session,
    finish_passkey,
    list_sessions,
    prove,
    second_factor_options,
    sign_in,
    sign_out,
    sign_out_everywhere,
)

__all__ = [
    "SecondFactorNeeded",
    "SignedIn",
    "answer_second_factor",
    "begin_passkey",
    "check_password",
    "end_other_sessions",
    "end_session",
    "finish_passkey",
    "list_sessions",
    "prove",
    "second_factor_options",
    "sign_in",
    "sign_out",
    "sign_out_everywhere",
]
