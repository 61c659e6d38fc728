"""Ladakh Adventure: up slowly, then over the passes. Prices in paise."""

from __future__ import annotations

from jklg.catalogue import Day, NewExtra, NewPackage, Picture
from jklg.demo.tour import Season, Tour
from jklg.departures import Price

LADAKH_ADVENTURE = Tour(
    package=NewPackage(
        slug="ladakh-adventure",
        name="Ladakh Adventure",
        summary="Leh and the monasteries of the Indus, over the Khardung La to the dunes of Nubra, and a night beside Pangong.",
        description="Eight days, and the first two belong to your lungs. We go up slowly, sleep low where we can and carry oxygen in every "
        "car. Then the big days: the Khardung La, camels on the dunes at Hunder, and the long road along the Shyok to a lake that will not keep "
        "one colour. Not for children under five: we do not take them to these heights.",
        price=34_999_00,
        currency="INR",
        destinations=("leh-palace", "nubra-valley", "pangong-lake"),
        days=(
            Day(
                day=1,
                title="Leh, and rest",
                description="The flight over the Himalaya is enough for one day. We bring you to the guest house, and then you lie down, drink "
                "water and do nothing until evening. Our guide comes by at six to see how everybody is.",
                meals="Lunch, dinner",
                overnight="Guest house, Leh",
            ),
            Day(
                day=2,
                title="Leh Palace and the old town",
                description="A late start. The lanes of the old town, the nine storeys of the palace with a rest on each, and at sunset the "
                "Shanti Stupa, which one reaches by car.",
                meals="Breakfast, dinner",
                overnight="Guest house, Leh",
            ),
            Day(
                day=3,
                title="Monasteries along the Indus",
                description="Morning prayers at Thiksey, then Shey, once the seat of the kings, and Hemis in its side valley. Back by four, with a "
                "stop by the prayer wheels of Stakna if legs and heads are well.",
                meals="Breakfast, lunch, dinner",
                overnight="Guest house, Leh",
            ),
            Day(
                day=4,
                title="Over the Khardung La to Nubra",
                description="We stop on the pass at 5,359 metres for ten minutes and no longer, and are in Diskit for lunch. In the evening light, "
                "on foot or by camel, across the dunes of Hunder.",
                meals="Breakfast, lunch, dinner",
                overnight="Camp with solid walls, Hunder",
            ),
            Day(
                day=5,
                title="Diskit and the apricots of Turtuk",
                description="The monastery and the great Maitreya in the morning. Then down the Shyok to Turtuk, a Balti village that has been "
                "open to visitors since 2010, with water channels, apricot terraces and buckwheat bread.",
                meals="Breakfast, lunch, dinner",
                overnight="Camp with solid walls, Hunder",
            ),
            Day(
                day=6,
                title="Along the Shyok to Pangong",
                description="Six hours by the river road, rough in places. The lake appears at the very end, between brown hills, bluer than "
                "seems right. A walk along the shore; early to bed, with two blankets and a hot-water bottle.",
                meals="Breakfast, picnic lunch, dinner",
                overnight="Cottage, Spangmik",
            ),
            Day(
                day=7,
                title="Sunrise, and the Chang La back to Leh",
                description="Whoever wakes at five sees the colours begin. After breakfast over the Chang La, tea with the soldiers on top, and down "
                "to the Indus. A free evening in the bazaar of Leh.",
                meals="Breakfast, lunch, dinner",
                overnight="Guest house, Leh",
            ),
            Day(
                day=8,
                title="Homewards",
                description="Flights leave Leh in the morning. We drive you to the airport, fifteen minutes away, and wait until you are through.",
                meals="Breakfast",
            ),
        ),
        pictures=(
            Picture(scene="pangong-lake-noon", alt="Pangong Lake in bands of blue between bare brown mountains."),
            Picture(scene="nubra-valley-dusk", alt="Two-humped camels crossing the dunes of Nubra at dusk."),
            Picture(scene="leh-palace-dawn", alt="Leh Palace above the old town at first light, poplars below."),
        ),
        extras=(
            NewExtra(
                name="Oxygen cylinder of your own",
                description="A small cylinder with a mask for the whole journey. There is always one in the car, too.",
            ),
            NewExtra(name="Camel ride at Hunder", description="Half an hour across the dunes on a Bactrian camel."),
            NewExtra(
                name="Rafting on the Zanskar",
                description="Three hours on easy water to Nimmu in the place of the Hemis visit; from age 12.",
            ),
        ),
        included=(
            "Seven nights in double rooms: four in Leh, two in Hunder, one at Pangong",
            "Meals as named for each day",
            "Cars with drivers from Ladakh, oxygen in each of them",
            "A guide from day 2 to day 7",
            "Inner line permits and environment fee for Indian citizens",
            "Monastery and palace tickets",
        ),
        excluded=(
            "Flights to and from Leh",
            "Protected area permits for other nationalities (we arrange them at cost)",
            "Rafting, camels and bicycles",
            "Travel insurance that covers heights above 5,000 metres: please have one",
        ),
        meeting_point="Kushok Bakula Rimpochee Airport, Leh, outside the arrivals door, for flights landing before noon on day 1",
        themes=("high altitude", "monasteries", "road journey"),
        featured=True,
        status="published",
    ),
    season=Season(first=(5, 10), last=(10, 12), weekdays=(6,), cutoff_days=7, busy={7: (2,), 8: (2,)}),
    allotment=10,
    prices={
        "adult": Price(amount=34_999_00, min_age=12),
        "child": Price(amount=24_499_00, min_age=5, max_age=11),
        "single_supplement": Price(amount=8_400_00, takes_seat=False),
    },
    extras={
        "Oxygen cylinder of your own": (1_500_00, 8),
        "Camel ride at Hunder": (600_00, None),
        "Rafting on the Zanskar": (1_900_00, 8),
    },
)
