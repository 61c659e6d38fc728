"""What every page and every answer share: the front door, one way to say no, layout and looks. Knows no travel noun."""

from jklg.web.assembly import assemble

__all__ = ["assemble"]
