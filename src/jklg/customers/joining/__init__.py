"""Joining: open an account, prove its mailbox. Until then it is a claim that anybody may make and nobody may use."""

from jklg.customers.joining.actions import Registered, forget_old_pending, register, resend, verify, verify_by_code

__all__ = ["Registered", "forget_old_pending", "register", "resend", "verify", "verify_by_code"]
