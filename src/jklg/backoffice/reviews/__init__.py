"""The staff's doors to reviews."""
