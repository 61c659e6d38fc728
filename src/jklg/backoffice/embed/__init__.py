"""What staff copy to put dates and prices on other sites."""
