"""Questions about packages, before the agency."""
