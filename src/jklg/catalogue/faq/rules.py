"""What a question with its answer must say, and the groups that a page shows them in. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

import msgspec

from jklg.kit.errors import BadInput, NotFound
from jklg.kit.texts import one_line, several_lines


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """What staff write. Smaller positions come first; the answer is short markup."""

    question: str
    answer: str
    category: str
    position: int = 0
    published: bool = False


class Question(Wording, frozen=True, kw_only=True):
    """A question that is kept."""

    id: UUID

    @property
    def anchor(self) -> str:
        """Where a link to it leads, however it is worded later."""
        return f"q-{self.id.hex[-8:]}"


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The questions of one category."""

    name: str
    anchor: str
    questions: list[Question]


def check(said: Wording) -> Wording:
    """As it will be kept. BadInput: category_missing, question_missing, answer_missing, position_invalid."""
    category, question = one_line(said.category, 60), one_line(said.question, 200)
    answer = several_lines(said.answer, 5000)
    if not category:
        raise BadInput(
            "category_missing", "Please name its group, in up to 60 characters.", details={"field": "category"}
        )
    if not question:
        raise BadInput(
            "question_missing", "Please write the question, in up to 200 characters.", details={"field": "question"}
        )
    if not answer:
        raise BadInput(
            "answer_missing", "Please write the answer, in up to 5,000 characters.", details={"field": "answer"}
        )
    if not 0 <= said.position <= 9999:
        raise BadInput("position_invalid", "Its place is a number between 0 and 9999.", details={"field": "position"})
    return Wording(
        question=question, answer=answer, category=category, position=said.position, published=said.published
    )


def groups(questions: Sequence[Question]) -> list[Group]:
    """By category, each where its first question stands."""
    by_name: dict[str, list[Question]] = {}
    for each in questions:
        by_name.setdefault(each.category, []).append(each)
    return [
        Group(name=name, anchor=_anchor(name, number), questions=found)
        for number, (name, found) in enumerate(by_name.items(), 1)
    ]


def _anchor(name: str, number: int) -> str:
    """Words of the Latin alphabet as they are; of other scripts the number of the group."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return f"about-{words or number}"


def no_question() -> NotFound:
    return NotFound("faq_not_found", "We cannot find this question.")
