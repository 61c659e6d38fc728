"""Money that nobody may use: a person applies it to its booking after all, or says whose it is. What goes back goes through the desk."""

from jklg.payments.suspense.actions import Seen, apply, look, meet_loss, preview
from jklg.payments.suspense.queries import list_brought
from jklg.payments.suspense.rules import Plan
from jklg.payments.suspense.strangers import attach, keep

__all__ = ["Plan", "Seen", "apply", "attach", "keep", "list_brought", "look", "meet_loss", "preview"]
