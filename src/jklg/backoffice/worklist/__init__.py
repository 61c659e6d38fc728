"""Everything that needs a person, in one list: the disputes by their deadline first, then what has waited longest."""
