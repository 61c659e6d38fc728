"""Moving to another e-mail address: asked for with fresh proof, confirmed by the new mailbox, undone by the old one."""

from jklg.customers.moving.actions import ask, confirm, undo

__all__ = ["ask", "confirm", "undo"]
