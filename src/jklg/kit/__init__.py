"""Small tools that know nothing about travel: the database, money, refusals, the clock, ids and tokens."""
