"""The papers for a bank that asks for a payment back: everything we hold that it may want to see, on pages to print."""
