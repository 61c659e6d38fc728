"""From a command to running processes: the environment, the database, the children of `up` and their ends."""
