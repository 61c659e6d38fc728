"""A journey's page. It is here because it shows a package with its departures and prices, which stand above the catalogue."""
