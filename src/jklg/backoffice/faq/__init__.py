"""The staff's doors to questions that many ask."""
