"""Every page that anybody may open: `./jklg look` draws them, the axe test examines them. A room adds its own pages here."""

from __future__ import annotations

from typing import NamedTuple


class Shown(NamedTuple):
    """`name` is that of the file it is drawn into, `path` what a browser asks for, `status` what is answered."""

    name: str
    path: str
    status: int = 200


PUBLIC = (
    Shown("home", "/"),
    Shown("packages", "/packages"),
    Shown("packages-found", "/packages?theme=lakes&sort=price"),
    Shown("packages-none", "/packages?destination=gurez-valley&days=1-3&theme=lakes"),
    Shown("package", "/packages/kashmir-bliss"),
    Shown("package-far", "/packages/ladakh-adventure"),
    Shown("destinations", "/destinations"),
    Shown("destination", "/destinations/pangong-lake"),
    Shown("compare", "/compare?with=kashmir-bliss,ladakh-adventure,gurez-valley-explorer"),
    Shown("compare-none", "/compare"),
    Shown("wishes", "/wishes"),
    Shown("gallery", "/gallery"),
    Shown("how-booking-works", "/how-booking-works"),
    Shown("terms", "/terms"),
    Shown("faq", "/faq"),
    Shown("about", "/about"),
    Shown("testimonials", "/testimonials"),
    Shown("reviews", "/packages/kashmir-bliss/reviews"),
    Shown("questions", "/packages/kashmir-bliss/questions"),
    Shown("questions-sent", "/packages/kashmir-bliss/questions?sent=1"),
    Shown("embed", "/embed/packages/kashmir-bliss"),
    Shown("dead-link", "/travellers/x/y", 404),
    Shown("contact", "/contact"),
    Shown("contact-sent", "/contact?sent=1"),
    Shown("not-found", "/packages/atlantis", 404),
    Shown("components", "/dev/components"),
)
"""Pages of the demo agency that need nobody signed in."""
