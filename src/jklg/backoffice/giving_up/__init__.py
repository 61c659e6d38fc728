"""Staff give up a booking, or some of its people, for a customer: they see what comes back before anything happens."""
