"""What a question must say, and what is shown of whoever asked it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from uuid import UUID

import msgspec

from jklg.customers.rules import check_email, check_name
from jklg.kit.errors import BadInput, NotFound
from jklg.kit.texts import first_name, several_lines
from jklg.limits import Limit

STATES = ("open", "answered", "published", "closed")
LONGEST = 1000
LONGEST_ANSWER = 5000
PACE = Limit("questions", 5, 3600)
"""Questions of one network."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody has typed, as it is kept."""

    name: str
    email: str
    question: str


def checks(form: Mapping[str, str]) -> dict[str, Callable[[], str]]:
    """Field -> what makes of its text what is kept, in the order of the form. BadInput: question_missing, name_invalid, email_invalid."""
    return {
        "question": lambda: check_question(form.get("question", "")),
        "name": lambda: check_name(form.get("name", "")),
        "email": lambda: check_email(form.get("email", "")),
    }


def read(form: Mapping[str, str]) -> Question:
    """Raises what `checks` raise, in their order."""
    return Question(**{field: check() for field, check in checks(form).items()})


def check_question(given: str) -> str:
    question = several_lines(given, LONGEST)
    if not question:
        raise BadInput(
            "question_missing", "Please write your question, in up to 1,000 characters.", details={"field": "question"}
        )
    return question


def check_answer(given: str) -> str:
    answer = several_lines(given, LONGEST_ANSWER)
    if not answer:
        raise BadInput(
            "answer_missing", "Please write an answer, in up to 5,000 characters.", details={"field": "answer"}
        )
    return answer


def name_shown(name: str, words: str, question: str) -> str:
    """What stands below the question: a first name; nobody's where the words are not the asker's own any more."""
    return first_name(name) if question == words else ""


def digest(package_id: UUID, said: Question) -> bytes:
    """The same words again are the same question."""
    return sha256("\0".join((str(package_id), said.name, said.email, said.question)).encode()).digest()


def no_question() -> NotFound:
    return NotFound("question_not_found", "We cannot find this question.")
