"""The staff's doors to pictures: of packages, of places, of the gallery."""
