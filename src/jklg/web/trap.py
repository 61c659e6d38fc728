"""A field that people do not see and programs fill in, in place of a puzzle that a third party sets (`m.trap()` draws it)."""

from __future__ import annotations

from collections.abc import Mapping

from jklg.kit.errors import BadInput

FIELD = "website"


def check(form: Mapping[str, str]) -> None:
    """BadInput: filled_by_program. The form is shown again with the field empty, so that a browser that meant well costs one more press."""
    if form.get(FIELD, "").strip():
        raise BadInput(
            "filled_by_program",
            "A field that people do not see was filled in, as programs do. It is empty again now: please send it once more.",
        )
