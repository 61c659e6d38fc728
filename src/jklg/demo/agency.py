"""All that the demo agency sells."""

from __future__ import annotations

from jklg.demo.answers import AGENCY, ANSWERS, ENQUIRIES
from jklg.demo.gallery import GALLERY
from jklg.demo.gurez import GUREZ_VALLEY_EXPLORER
from jklg.demo.jammu import JAMMU_HERITAGE
from jklg.demo.kashmir import KASHMIR_BLISS
from jklg.demo.ladakh import LADAKH_ADVENTURE
from jklg.demo.places import DESTINATIONS
from jklg.demo.voices import VOICES

TOURS = (KASHMIR_BLISS, LADAKH_ADVENTURE, GUREZ_VALLEY_EXPLORER, JAMMU_HERITAGE)

__all__ = ["AGENCY", "ANSWERS", "DESTINATIONS", "ENQUIRIES", "GALLERY", "TOURS", "VOICES"]
