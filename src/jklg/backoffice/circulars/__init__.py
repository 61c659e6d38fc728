"""Staff write one message to many travellers: whom it goes to is shown first, and how far it is while it goes."""
