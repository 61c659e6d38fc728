"""What the agency describes and sells: packages with their days and pictures, and the places they go to."""

from jklg.catalogue.actions import add_destination, add_package, set_terms
from jklg.catalogue.queries import (
    get_destination,
    get_package,
    list_destinations,
    list_packages,
    list_terms,
    months_on_sale,
)
from jklg.catalogue.rules import (
    Day,
    Destination,
    Extra,
    NewDestination,
    NewExtra,
    NewPackage,
    Package,
    PackageCard,
    PackageFilter,
    Picture,
    Place,
)

__all__ = [
    "Day",
    "Destination",
    "Extra",
    "NewDestination",
    "NewExtra",
    "NewPackage",
    "Package",
    "PackageCard",
    "PackageFilter",
    "Picture",
    "Place",
    "add_destination",
    "add_package",
    "get_destination",
    "get_package",
    "list_destinations",
    "list_packages",
    "list_terms",
    "months_on_sale",
    "set_terms",
]
