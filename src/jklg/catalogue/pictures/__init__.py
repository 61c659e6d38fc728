"""Photographs: what staff upload, developed into the sizes and formats that pages show. They live in the database (decision 41)."""

from jklg.catalogue.pictures.actions import keep
from jklg.catalogue.pictures.queries import find_photo, get_file
from jklg.catalogue.pictures.rules import Photo, Picture, address, big

__all__ = ["Photo", "Picture", "address", "big", "find_photo", "get_file", "keep"]
