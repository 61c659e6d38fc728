"""Templates that speak: `{{ _("Pay") }}` and `{% trans %}` give the words of whoever is spoken to when the page is made."""

from __future__ import annotations

from jinja2 import Environment
from markupsafe import Markup

from jklg.kit.languages import gettext, ngettext, pgettext


def let_speak(environment: Environment) -> None:
    """Give an environment of Jinja2 the words of this moment. Variables in them are escaped where the environment escapes.

    What a variable holds is said by `{{ sentence | said }}`, which is escaped as ever; `_(sentence)` would take it for our own HTML.
    """
    environment.add_extension("jinja2.ext.i18n")
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        gettext, ngettext, newstyle=True, pgettext=pgettext
    )
    environment.globals["_"] = environment.globals[
        "gettext"
    ]  # without a look at the context in between, which Jinja makes for each word
    environment.filters["said"] = said


def said(words: str) -> str:
    """Words that were found in English, in a refusal or a table, in the language of this moment. None and '' are nothing to say, and
    what the page said itself (it is HTML) is said already."""
    return words if isinstance(words, Markup) else gettext(str(words)) if words else ""
