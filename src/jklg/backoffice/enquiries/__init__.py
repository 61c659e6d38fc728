"""The staff's doors to enquiries."""
