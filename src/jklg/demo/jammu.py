"""Jammu Heritage: temples, palaces and the night walk to Vaishno Devi. Prices in paise."""

from __future__ import annotations

from jklg.catalogue import Day, NewExtra, NewPackage, Picture
from jklg.demo.tour import Season, Tour
from jklg.departures import Price

JAMMU_HERITAGE = Tour(
    package=NewPackage(
        slug="jammu-heritage",
        name="Jammu Heritage",
        summary="Temples and palaces above the Tawi, the night walk to Vaishno Devi, and a morning at Mansar Lake.",
        description="Four days in the city of temples and the hills behind it. Mornings are for courtyards and museums, evenings for aarti and "
        "for food: rajma, ambal, kaladi fried on iron. The walk to Vaishno Devi is done in the cool of the night, in your own time; whoever cannot "
        "walk goes by battery car or pony. Good in every month, best when the valley further north is under snow.",
        price=18_999_00,
        currency="INR",
        destinations=("vaishno-devi",),
        days=(
            Day(
                day=1,
                title="The city of temples",
                description="We meet you at the station or the airport. After lunch to Raghunath Temple, begun in 1835 by Gulab Singh and "
                "finished by his son, with its gilded inner walls; then the old bazaar, and aarti as the lamps come on.",
                meals="Lunch, dinner",
                overnight="Hotel, Jammu",
            ),
            Day(
                day=2,
                title="Palaces above the Tawi",
                description="Mubarak Mandi, the palace of the Dogra kings, whose courts are being restored wall by wall; the miniatures of the Dogra "
                "Art Museum; Amar Mahal, built like a French château; and Bahu Fort across the river for the evening.",
                meals="Breakfast, dinner",
                overnight="Hotel, Jammu",
            ),
            Day(
                day=3,
                title="Katra, and the walk to Vaishno Devi",
                description="An hour and a half to Katra and a quiet afternoon. At six we start: twelve kilometres up a lit path, four to five hours, "
                "with tea whenever you like. Darshan is late at night, and there are beds in Katra for whoever comes down.",
                meals="Breakfast, dinner",
                overnight="Hotel, Katra",
            ),
            Day(
                day=4,
                title="Mansar Lake, and home",
                description="A late breakfast. On the way back to Jammu the lake of Mansar, a mile of green water with a temple and turtles, and lunch "
                "under the trees. At the station or the airport by four.",
                meals="Breakfast, lunch",
            ),
        ),
        pictures=(
            Picture(scene="jammu-dusk", alt="The spires of Raghunath Temple in Jammu at dusk, hills behind them."),
            Picture(
                scene="vaishno-devi-dawn",
                alt="The lit path to Vaishno Devi winding up the Trikuta hills before sunrise.",
            ),
        ),
        extras=(
            NewExtra(
                name="Heritage walk guide",
                description="A historian of the city for your own party on day 2, four hours.",
            ),
            NewExtra(name="Pony to Vaishno Devi", description="Katra to the shrine and down again, with a handler."),
            NewExtra(name="Dogra cooking evening", description="Rajma, ambal and kaladi in a family kitchen on day 1."),
        ),
        included=(
            "Three nights in double rooms: two in Jammu, one in Katra",
            "Meals as named for each day, vegetarian in Katra",
            "A car with a driver from day 1 to day 4",
            "A guide in Jammu on days 1 and 2",
            "Registration for the Vaishno Devi walk",
            "Palace and museum tickets",
        ),
        excluded=(
            "Travel to and from Jammu",
            "Ponies, battery cars and helicopter at Vaishno Devi",
            "Offerings",
            "Travel insurance",
        ),
        meeting_point="Jammu Tawi railway station, main entrance, or Jammu Airport, arrivals, between 9:00 and 13:00 on day 1",
        themes=("temples", "history", "all year"),
        status="published",
    ),
    season=Season(first=(1, 1), last=(12, 31), weekdays=(3,), cutoff_days=2),
    allotment=16,
    prices={
        "adult": Price(amount=18_999_00, min_age=12),
        "child": Price(amount=13_299_00, min_age=3, max_age=11),
        "infant": Price(amount=800_00, max_age=2, takes_seat=False),
        "single_supplement": Price(amount=3_600_00, takes_seat=False),
    },
    extras={
        "Heritage walk guide": (2_500_00, 2),
        "Pony to Vaishno Devi": (2_900_00, 10),
        "Dogra cooking evening": (1_400_00, None),
    },
)
