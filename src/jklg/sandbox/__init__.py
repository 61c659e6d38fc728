"""The play bank: a payment gateway of our own to try things out with, reached over HTTP only, never beside a live key.

It shares no code with the house except `kit`, so that a lost answer, a crash or a doubled webhook is as real as at any
other gateway. Start reading in `app`.
"""

from jklg.sandbox.app import SandboxApp, create_app
from jklg.sandbox.faults import AnswerLost, Faults

__all__ = ["AnswerLost", "Faults", "SandboxApp", "create_app"]
