"""Questions that many ask, with the agency's answers."""

from jklg.catalogue.faq.actions import add, change, fill, remove
from jklg.catalogue.faq.queries import get, list_questions
from jklg.catalogue.faq.rules import Group, Question, Wording, groups

__all__ = ["Group", "Question", "Wording", "add", "change", "fill", "get", "groups", "list_questions", "remove"]
