"""Every letter of the house, to look at before anybody gets one."""

from jklg.site.letters.actions import Letter, names, show

__all__ = ["Letter", "names", "show"]
