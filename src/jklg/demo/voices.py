"""What the travellers of the demo agency say. Nobody has travelled with it: each is marked as made up; production neither shows nor counts it."""

from __future__ import annotations

from jklg.reviews import Saying

VOICES: dict[str, tuple[tuple[Saying, bool], ...]] = {
    "kashmir-bliss": (
        (
            Saying(
                name="Meera",
                rating=5,
                message="We had one free day and did nothing with it but sit on the houseboat and watch the lake. Ghulam brought tea whenever the light changed. My mother, who is 71, managed everything but the last hour at Gulmarg.",
            ),
            True,
        ),
        (
            Saying(
                name="Tobias",
                rating=4,
                message="Small group, good food, honest prices. The gondola was closed for wind on our day and we got the money for it back in the evening without asking. One star less because the road from Pahalgam was longer than the page says.",
            ),
            False,
        ),
        (
            Saying(
                name="Farah",
                rating=5,
                message="I travelled alone and was never the odd one out. The shikara at six in the morning is worth getting up for.",
            ),
            False,
        ),
        (
            Saying(
                name="Suresh",
                rating=3,
                message="Beautiful, but our room on the boat was cold in April. They brought a second heater the next night.",
            ),
            False,
        ),
        (
            Saying(
                name="Anneke",
                rating=5,
                message="Everything was as it said on the page, which I have come to think is rare.",
            ),
            False,
        ),
    ),
    "ladakh-adventure": (
        (
            Saying(
                name="Kavya",
                rating=5,
                message="Two slow days in Leh at the beginning felt like a waste until we crossed Khardung La and nobody was ill. Stanzin knows every driver on that road and most of the goats.",
            ),
            True,
        ),
        (
            Saying(
                name="Daniel",
                rating=5,
                message="Pangong at five in the morning, alone. I have no photograph of it because my fingers were too cold. Best morning of the year.",
            ),
            False,
        ),
        (
            Saying(
                name="Ritu",
                rating=4,
                message="Long days in the car, which the page does say. Take the seat behind the driver.",
            ),
            False,
        ),
    ),
    "gurez-valley-explorer": (
        (
            Saying(
                name="Imran",
                rating=5,
                message="No network, no hurry. In Dawar an old man showed us how the water mill works and would not let us go without bread. I did not know that such a place was left.",
            ),
            True,
        ),
        (
            Saying(
                name="Claire",
                rating=4,
                message="Simple houses and cold water in the morning, so know what you book. We would go again tomorrow.",
            ),
            False,
        ),
    ),
    "jammu-heritage": (
        (
            Saying(
                name="Lakshmi",
                rating=4,
                message="My father walked the last three kilometres to the shrine himself, with the guide a step behind him all the way and not saying a word. Thank you for that.",
            ),
            True,
        ),
    ),
}
"""Package -> what is said of it, and whether that stands on /testimonials."""
