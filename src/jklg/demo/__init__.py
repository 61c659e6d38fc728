"""The demo agency: the packages, places and prices of Jammu, Kashmir, Ladakh and Gurez, and a year of departures."""

from jklg.demo.actions import load

__all__ = ["load"]
