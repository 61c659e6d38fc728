"""The staff's door to what the agency says of itself."""
