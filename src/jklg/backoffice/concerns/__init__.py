"""What needs a person: whose it is, what would happen, a button that is safe, and the papers for a bank that asks."""
