"""Gurez Valley Explorer: five months of the year, eight people at most. Prices in paise."""

from __future__ import annotations

from jklg.catalogue import Day, NewExtra, NewPackage, Picture
from jklg.demo.tour import Season, Tour
from jklg.departures import Price

GUREZ_VALLEY_EXPLORER = Tour(
    package=NewPackage(
        slug="gurez-valley-explorer",
        name="Gurez Valley Explorer",
        summary="Over the Razdan Pass to log villages on the Kishanganga, with two days on foot and evenings by the stove.",
        description="Gurez is open for five months and then closes under the snow. We go in a group of eight at most, stay with families in "
        "Dawar and Tulail, and walk a few hours each day along the river and up to summer pastures. There is little network and much quiet. "
        "Bring a document with a photograph: the valley lies near the line of control and it is asked for at three posts.",
        price=22_999_00,
        currency="INR",
        destinations=("gurez-valley",),
        days=(
            Day(
                day=1,
                title="Over the Razdan Pass to Dawar",
                description="We leave Srinagar at seven and drive past Wular Lake and Bandipora, then up in loops to the pass at about 3,500 metres. "
                "On a clear day one sees Harmukh on one side and Nanga Parbat far away on the other. Dawar by four.",
                meals="Lunch, dinner",
                overnight="Homestay, Dawar",
            ),
            Day(
                day=2,
                title="Habba Khatoon and her spring",
                description="A gentle walk of three hours: the spring at the foot of the peak, the villages of Achoora and Chorwan, bridges of rope "
                "and planks. In the afternoon a lesson in Shina by the children of the house, and trout for dinner.",
                meals="Breakfast, lunch, dinner",
                overnight="Homestay, Dawar",
            ),
            Day(
                day=3,
                title="Up the river to Tulail",
                description="Forty kilometres in three hours, by road and by what is left of it, into the wide side of the valley. Barnai and "
                "Sheikhpora are built wholly of logs. A field kitchen makes lunch by the water.",
                meals="Breakfast, picnic lunch, dinner",
                overnight="Homestay, Tulail",
            ),
            Day(
                day=4,
                title="Summer pastures",
                description="The long walk: five hours, 600 metres up and down again, to the pastures where herders spend July and August. "
                "Whoever would rather not stays by the river with a rod and a permit. Back to Dawar for the night.",
                meals="Breakfast, picnic lunch, dinner",
                overnight="Homestay, Dawar",
            ),
            Day(
                day=5,
                title="Back to the valley of Kashmir",
                description="Over the pass again in the morning. A stop at Wular Lake, one of the largest freshwater lakes of Asia, and Srinagar by "
                "three. Please book flights for the evening or the next day.",
                meals="Breakfast, lunch",
            ),
        ),
        pictures=(
            Picture(
                scene="gurez-valley-dawn",
                alt="The pyramid of Habba Khatoon above the Kishanganga and the log houses of Dawar at dawn.",
            ),
            Picture(
                scene="gurez-valley-dusk", alt="Evening in the Gurez Valley, the river silver between dark slopes."
            ),
        ),
        extras=(
            NewExtra(
                name="Trout rod and permit",
                description="A day on the Kishanganga, with rod, permit and a ghillie for every two rods.",
            ),
            NewExtra(name="Porter for the long walk", description="Carries up to 12 kilograms on day 4."),
            NewExtra(
                name="Evening of Shina songs",
                description="Three musicians of the village, by the stove, for the whole group.",
            ),
        ),
        included=(
            "Four nights in family homestays, double rooms, with shared bathrooms and hot water by the bucket",
            "All meals from lunch on day 1 to lunch on day 5",
            "Four-wheel drive with a driver from Gurez",
            "A guide who speaks Shina, Kashmiri, Hindi and English",
            "Registration at the posts on the way",
        ),
        excluded=(
            "Travel to and from Srinagar",
            "Nights in Srinagar before and after",
            "Fishing permit and porter",
            "Travel insurance",
        ),
        meeting_point="Tourist Reception Centre, Residency Road, Srinagar, main gate, at 6:45 on day 1",
        themes=("walking", "villages", "off the road"),
        featured=True,
        status="published",
    ),
    season=Season(first=(5, 15), last=(10, 20), weekdays=(4,), cutoff_days=5, busy={7: (1,), 8: (1,)}),
    allotment=8,
    prices={
        "adult": Price(amount=22_999_00, min_age=12),
        "child": Price(amount=16_099_00, min_age=3, max_age=11),
        "infant": Price(amount=1_000_00, max_age=2, takes_seat=False),
        "single_supplement": Price(amount=4_000_00, takes_seat=False),
    },
    extras={
        "Trout rod and permit": (2_200_00, 4),
        "Porter for the long walk": (1_000_00, 6),
        "Evening of Shina songs": (3_500_00, 1),
    },
)
