"""What customers tell of themselves: name and contact, addresses, preferences, a picture. Read and written with their own rights."""

from jklg.customers.profile.actions import (
    Changes,
    add_address,
    change_address,
    change_preferences,
    drop,
    edit,
    get,
    get_picture,
    list_addresses,
    list_preferences,
    proven_address,
    recount,
    remove_address,
    remove_picture,
    set_picture,
)
from jklg.customers.profile.queries import Address, Picture
from jklg.customers.queries import Profile

__all__ = [
    "Address", "Changes", "Picture", "Profile", "add_address", "change_address", "change_preferences", "drop", "edit", "get",
    "get_picture", "list_addresses", "list_preferences", "proven_address", "recount", "remove_address", "remove_picture", "set_picture",
]  # fmt: skip
