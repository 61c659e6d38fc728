"""What the agency describes and sells: packages with their days and pictures, and the places they go to."""

from jklg.catalogue.actions import add_destination, add_package, arrange_pictures, set_terms
from jklg.catalogue.finding import PackageFilter, list_packages
from jklg.catalogue.pictures import Picture
from jklg.catalogue.queries import get_destination, get_package, list_destinations, list_terms
from jklg.catalogue.rules import (
    Day,
    Destination,
    Extra,
    NewDestination,
    NewExtra,
    NewPackage,
    Package,
    PackageCard,
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
    "arrange_pictures",
    "get_destination",
    "get_package",
    "list_destinations",
    "list_packages",
    "list_terms",
    "set_terms",
]
