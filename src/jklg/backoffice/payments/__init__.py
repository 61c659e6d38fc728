"""Staff look through all attempts to pay, and at everything known of one."""
