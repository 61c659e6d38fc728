"""Money that a concern is about: the buttons that send it where it belongs."""
