"""The staff's forms for terms of sale: deposit, balance, and what comes back of a journey that is given up."""
