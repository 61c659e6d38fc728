"""The people of the agency: accounts, sign-in, what each role may do."""

from jklg.staff.actions import SignedIn, add, forget_ended, recognise, sign_in, sign_out
from jklg.staff.queries import Person
from jklg.staff.rules import can

__all__ = ["Person", "SignedIn", "add", "can", "forget_ended", "recognise", "sign_in", "sign_out"]
