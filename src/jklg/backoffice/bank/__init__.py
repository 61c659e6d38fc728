"""The money at gateways and at our own bank: what is held where, what is on its way, and lines that nobody knows."""
