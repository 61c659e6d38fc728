"""What pages tell search engines, in the words of schema.org: the same facts that people see, with the same prices and seats. Pure.

JSON-LD is a data block, which no browser executes; our script policy does not concern it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any

import msgspec
from markupsafe import Markup

from jklg.catalogue import Destination, Package
from jklg.catalogue.agency import Profile
from jklg.catalogue.api import picture_of, picture_url
from jklg.departures import Departure
from jklg.kit.languages import figures, spoken
from jklg.kit.languages import gettext as _
from jklg.kit.money import to_decimal
from jklg.settings import Settings
from jklg.site.journey.queries import Voices
from jklg.web.tongue import in_language

FEW = 4


def block(*things: dict[str, Any]) -> Markup:
    """As a data block of a page. Nothing in it can end the block."""
    told = msgspec.json.encode({"@context": "https://schema.org", "@graph": list(things)}).decode()
    safe = told.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(f'<script type="application/ld+json">{safe}</script>')  # noqa: S704  (escaped above)


def address(settings: Settings, path: str) -> str:
    """The one address of a page in the language that is spoken."""
    return settings.public_url + in_language(spoken().code, path)


def agency(settings: Settings) -> dict[str, Any]:
    return {
        "@type": "TravelAgency",
        "@id": f"{settings.public_url}/#agency",
        "name": settings.agency_name,
        "url": f"{settings.public_url}/",
        "logo": f"{settings.public_url}/favicon.ico",
        "image": f"{settings.public_url}/share/house.png",
    }


def about(settings: Settings, profile: Profile) -> Markup:
    """The agency with what it says of itself; nothing is told that is not on the page."""
    more = {"legalName": profile.name, "address": profile.address, "email": profile.email, "telephone": profile.phone}
    return block({**agency(settings), **{name: said for name, said in more.items() if said}})


def crumbs(settings: Settings, *steps: tuple[str, str]) -> dict[str, Any]:
    """`steps` are (words, path), the last one is the page itself."""
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": position, "name": words, "item": address(settings, path)}
            for position, (words, path) in enumerate(steps, 1)
        ],
    }


def faq(questions: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Questions with their answers, for a page that shows all of them."""
    return {
        "@type": "FAQPage",
        "mainEntity": [
            {"@type": "Question", "name": question, "acceptedAnswer": {"@type": "Answer", "text": answer}}
            for question, answer in questions
        ],
    }


def journey(settings: Settings, package: Package, dates: Sequence[Departure], said: Voices | None = None) -> Markup:
    """A package with an offer for each departure that its page lists, and what travellers say of it."""
    page = address(settings, f"/packages/{package.slug}")
    trip: dict[str, Any] = {
        "@type": "TouristTrip",
        "@id": f"{page}#trip",
        "name": package.name,
        "description": package.summary,
        "url": page,
        "image": [f"{settings.public_url}{picture_url(each)}" for each in package.pictures],
        "touristType": package.themes,
        "provider": {"@id": f"{settings.public_url}/#agency"},
        "itinerary": {
            "@type": "ItemList",
            "itemListElement": [
                {"@type": "ListItem", "position": day.day, "name": day.title, "description": day.description}
                for day in package.days
            ],
        },
        "offers": [_offer(page, package, each) for each in dates],
    }
    words = ((_("Home"), "/"), (_("Journeys"), "/packages"), (package.name, f"/packages/{package.slug}"))
    return block(trip, *_rated(settings, page, package, said), agency(settings), crumbs(settings, *words))


def _rated(settings: Settings, page: str, package: Package, said: Voices | None) -> list[dict[str, Any]]:
    """The stars and reviews that the page shows, of people who travelled and of nobody else: schema.org knows them of a product."""
    if said is None or not said.real or said.real != said.stars.count:
        return []
    return [
        {
            "@type": "Product",
            "@id": f"{page}#product",
            "name": package.name,
            "description": package.summary,
            "url": page,
            "aggregateRating": {
                "@type": "AggregateRating",
                "ratingValue": str(said.stars.average),
                "reviewCount": said.stars.count,
                "bestRating": 5,
                "worstRating": 1,
            },
            "review": [
                {
                    "@type": "Review",
                    "author": {"@type": "Person", "name": each.name},
                    "datePublished": figures.date_at(each.decided_at, settings.seller_time_zone).isoformat(),
                    "reviewBody": each.message,
                    "reviewRating": {"@type": "Rating", "ratingValue": each.rating, "bestRating": 5, "worstRating": 1},
                }
                for each in said.newest
            ],
        }
    ]


def _offer(page: str, package: Package, departure: Departure) -> dict[str, Any]:
    adult = next(each.amount for each in departure.prices if each.category == "adult")
    return {
        "@type": "Offer",
        "name": f"{package.name}, {departure.starts_on.isoformat()}",
        "url": f"{page}?departure={departure.id}#dates",
        "price": str(to_decimal(adult, departure.currency)),
        "priceCurrency": departure.currency,
        "availability": f"https://schema.org/{availability(departure.seats_left)}",
        "availabilityEnds": departure.cutoff_at.astimezone(UTC).isoformat(),
        "itemOffered": {
            "@type": "TouristTrip",
            "name": package.name,
            "departureTime": departure.starts_on.isoformat(),
            "arrivalTime": departure.ends_on.isoformat(),
        },
        "inventoryLevel": {"@type": "QuantitativeValue", "value": departure.seats_left},
    }


def availability(seats_left: int) -> str:
    return "SoldOut" if seats_left == 0 else "LimitedAvailability" if seats_left <= FEW else "InStock"


def place(settings: Settings, found: Destination) -> Markup:
    """A place, with where it lies."""
    page = address(settings, f"/destinations/{found.slug}")
    told: dict[str, Any] = {
        "@type": "TouristDestination",
        "@id": f"{page}#place",
        "name": found.name,
        "description": found.summary,
        "url": page,
        "image": f"{settings.public_url}{picture_url(picture_of(found))}",
    }
    if found.latitude is not None and found.longitude is not None:
        told["geo"] = {
            "@type": "GeoCoordinates",
            "latitude": float(found.latitude),
            "longitude": float(found.longitude),
            **({"elevation": found.altitude_m} if found.altitude_m else {}),
        }
    words = ((_("Home"), "/"), (_("Places"), "/destinations"), (found.name, f"/destinations/{found.slug}"))
    return block(told, crumbs(settings, *words))


def house(settings: Settings) -> Markup:
    """The agency, and that its site can be searched."""
    site = {
        "@type": "WebSite",
        "name": settings.agency_name,
        "url": f"{settings.public_url}/",
        "potentialAction": {
            "@type": "SearchAction",
            "target": f"{settings.public_url}/packages?q={{words}}",
            "query-input": "required name=words",
        },
    }
    return block(agency(settings), site)
