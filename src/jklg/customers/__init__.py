"""Travellers who have an account: how they join, how they prove who they are, what we keep of them, how they leave."""
