"""The staff's day on one page, and everything known of one booking. Reads across the rooms; writes nothing."""
