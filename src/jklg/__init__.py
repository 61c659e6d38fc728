"""JKLG: the booking and payments house that a small travel agency can run itself."""

__version__ = "0.1.0"
