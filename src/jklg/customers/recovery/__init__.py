"""Passwords: forgotten and replaced through the mailbox, or changed by whoever knows the old one."""

from jklg.customers.recovery.actions import change_password, forgot, reset

__all__ = ["change_password", "forgot", "reset"]
