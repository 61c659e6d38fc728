"""What staff see of departures: all that are still to come, who travels on one, and the form that moves it to other days."""
