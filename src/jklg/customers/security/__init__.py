"""What owners see of the safety of their account: where they are signed in, what opens it, what happened to it lately."""
