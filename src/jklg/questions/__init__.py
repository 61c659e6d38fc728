"""What people ask about a package before they book it, and what staff answer; what is published stands on the package's page."""

from jklg.questions.actions import answer, ask, erase, export, leave, move
from jklg.questions.queries import Asked, Shown, count_open, get, list_by_status, list_of_package
from jklg.questions.rules import STATES, Question

__all__ = [
    "STATES",
    "Asked",
    "Question",
    "Shown",
    "answer",
    "ask",
    "count_open",
    "erase",
    "export",
    "get",
    "leave",
    "list_by_status",
    "list_of_package",
    "move",
]
