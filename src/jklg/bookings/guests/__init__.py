"""Bookings without an account: whoever has the link of the mail has a key, and the browser keeps a ring of them."""
