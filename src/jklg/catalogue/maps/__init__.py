"""Sketch maps of where a journey goes: water, ranges, the route and its places. No borders are drawn, because here they are disputed."""

from jklg.catalogue.maps.drawing import Mark, Sketch, sketch

__all__ = ["Mark", "Sketch", "sketch"]
