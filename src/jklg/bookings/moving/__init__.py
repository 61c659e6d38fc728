"""A departure was moved: whom it concerns, and the letter to each of them."""
