"""Pictures for those who pass a page on: 1200 by 630, with the scene, the name and what is to be known, drawn once for each content."""

from jklg.site.sharing.drawing import Card, draw, version

__all__ = ["Card", "draw", "version"]
