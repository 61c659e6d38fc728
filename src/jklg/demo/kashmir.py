"""Kashmir Bliss: the lake, the gondola, the glaciers. Prices in paise."""

from __future__ import annotations

from jklg.catalogue import Day, NewExtra, NewPackage, Picture
from jklg.demo.tour import Season, Tour
from jklg.departures import Price

KASHMIR_BLISS = Tour(
    package=NewPackage(
        slug="kashmir-bliss",
        name="Kashmir Bliss",
        summary="Two nights on a houseboat, the gardens of Srinagar, the gondola at Gulmarg and a day under the glaciers of Sonamarg.",
        description="Six unhurried days in the valley. You sleep on the lake first, because nothing else tells you so quickly "
        "where you are. Then come the gardens and the old town on foot, two days high up in Gulmarg, and a day in the meadows of "
        "Sonamarg. The group is never larger than twelve, the driver stays with you all the way, and every day leaves an hour "
        "for doing nothing.",
        price=24_999_00,
        currency="INR",
        destinations=("dal-lake", "gulmarg", "sonamarg"),
        days=(
            Day(
                day=1,
                title="Srinagar, and out onto the lake",
                description="We meet you at the airport and drive half an hour to the ghat. A shikara takes you and your bags to the "
                "houseboat. Late in the afternoon we row through the lotus gardens of Dal and Nagin; kahwa is ready when you come back.",
                meals="Dinner",
                overnight="Houseboat, Dal Lake",
            ),
            Day(
                day=2,
                title="Gardens, and the old town on foot",
                description="Nishat and Shalimar in the morning, before the buses. After lunch a walk of two hours along the Jhelum: the "
                "papier-mâché walls of Khanqah-e-Moula, the 378 deodar pillars of Jamia Masjid, the spice and copper lanes.",
                meals="Breakfast, dinner",
                overnight="Houseboat, Dal Lake",
            ),
            Day(
                day=3,
                title="Up to Gulmarg",
                description="Fifty kilometres through rice fields and orchards, the last twelve uphill through fir. The afternoon is for "
                "the meadow: a level walk of an hour and a half around the bowl, with Apharwat on one side and the valley on the other.",
                meals="Breakfast, dinner",
                overnight="Hotel, Gulmarg",
            ),
            Day(
                day=4,
                title="The gondola, and back to the valley",
                description="We take the first cabin to Kongdoori and, when wind and snow allow, the second stage to the shoulder of Apharwat. "
                "It is thin air: walk slowly. Down by noon, and back to Srinagar for tea.",
                meals="Breakfast, dinner",
                overnight="Hotel, Srinagar",
            ),
            Day(
                day=5,
                title="A day in Sonamarg",
                description="Up the Sindh valley, two and a half hours beside the river. From the meadow it is an hour on foot, or by pony, to "
                "the snow under Thajiwas. Picnic at the birches. In winter we stay in the village, and the snow comes to you.",
                meals="Breakfast, picnic lunch, dinner",
                overnight="Hotel, Srinagar",
            ),
            Day(
                day=6,
                title="The floating market, and home",
                description="For those who like to rise at five: by shikara to the growers' market, which is over when the sun is up. "
                "Breakfast, a last hour for saffron and walnuts, and the drive to the airport. Please book flights after 13:00.",
                meals="Breakfast",
            ),
        ),
        pictures=(
            Picture(
                scene="dal-lake-dawn", alt="A houseboat and a shikara on Dal Lake at dawn, hills fading behind them."
            ),
            Picture(scene="gulmarg-noon", alt="The gondola of Gulmarg above dark firs, the snow of Apharwat behind."),
            Picture(
                scene="sonamarg-noon", alt="The meadow of Sonamarg with birches, a stream and the Thajiwas glacier."
            ),
        ),
        extras=(
            NewExtra(
                name="Pony ride at Sonamarg",
                description="From the meadow to the snow under Thajiwas and back, about three hours, with a handler.",
            ),
            NewExtra(
                name="Shikara at dusk",
                description="An hour and a half on the quiet side of the lake, for up to four people.",
            ),
            NewExtra(
                name="Second stage of the gondola",
                description="Kongdoori to Apharwat, when wind and snow allow; given back when it is closed.",
            ),
        ),
        included=(
            "Five nights in double rooms: two on a houseboat, one in Gulmarg, two in Srinagar",
            "Meals as named for each day",
            "A car with a driver from and to the airport, fuel and tolls included",
            "First stage of the Gulmarg gondola",
            "A local guide on days 2, 4 and 5",
            "Garden and monument tickets",
        ),
        excluded=(
            "Travel to and from Srinagar",
            "Lunches on days without a picnic",
            "Second stage of the gondola",
            "Ponies, sledges and ski hire",
            "Travel insurance",
        ),
        meeting_point="Srinagar International Airport, arrivals hall, by the tourist reception counter, between 10:00 and 15:00 on day 1",
        themes=("lakes", "families", "first visit"),
        featured=True,
        status="published",
    ),
    season=Season(first=(1, 1), last=(12, 31), weekdays=(5,), cutoff_days=3, busy={4: (1,), 5: (1,), 6: (1,)}),
    allotment=12,
    prices={
        "adult": Price(amount=24_999_00, min_age=12),
        "child": Price(amount=17_499_00, min_age=3, max_age=11),
        "infant": Price(amount=1_500_00, max_age=2, takes_seat=False),
        "single_supplement": Price(amount=6_000_00, takes_seat=False),
    },
    extras={
        "Pony ride at Sonamarg": (1_800_00, 10),
        "Shikara at dusk": (1_200_00, None),
        "Second stage of the gondola": (1_150_00, 12),
    },
)
