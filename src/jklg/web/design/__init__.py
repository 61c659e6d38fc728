"""The look of the house in one folder: tokens, parts as CSS and as Jinja macros, fonts, and the page that shows them all.

`tokens.css` names colours, type and measures; `parts.css`, `shop.css` and `catalogue.css` use them and nothing else; `templates/web/macros.html`
are the parts. An agency changes two colours by settings (`accent.py`). `/dev/components` shows everything at once.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
SHEETS = ("tokens.css", "parts.css", "shop.css", "catalogue.css")
"""Served as one style sheet, `house.css`, in this order."""
