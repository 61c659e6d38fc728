"""The papers of a booking for staff: the same that its customer has, with as much of them as their role may see."""
