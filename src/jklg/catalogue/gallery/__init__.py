"""The gallery: pictures that stand for themselves, with a title and the place they show."""

from jklg.catalogue.gallery.actions import add, arrange, change, hang_drawings, remove
from jklg.catalogue.gallery.queries import get_image, list_images
from jklg.catalogue.gallery.rules import Image, Wording

__all__ = ["Image", "Wording", "add", "arrange", "change", "get_image", "hang_drawings", "list_images", "remove"]
