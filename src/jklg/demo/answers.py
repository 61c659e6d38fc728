"""What the demo agency says of itself, what it answers to questions that many ask, and what two people have written to it. All of it is made up, and true of this house."""

from __future__ import annotations

from jklg.catalogue.agency import Profile
from jklg.catalogue.faq import Wording
from jklg.enquiries import Enquiry

AGENCY = Profile(
    name="JKLG Travel (a demonstration)",
    address="14 Boulevard Road\nDal Gate\nSrinagar 190001\nJammu and Kashmir, India",
    licence="Made up for the demonstration: an agency names here who has licensed it, and the number.",
    email="hello@example.com",
    phone="+91 194 555 0142",
    about="""We are nine people in Srinagar and Leh who take small groups to the valleys we grew up in. It began with two houseboats and a jeep that only started downhill. The jeep is a flower bed now.

## How we travel

Eight people, rarely more. A guide who was born within a day's walk of the road you are on. Days that end before everybody is tired, and one day in each journey on which nothing is planned.

- We sleep with families and in small houses, and pay them before you come.
- Above 3,000 metres we go up slowly. Nobody sleeps on a pass.
- What a journey costs is on its page, with what is **not** in it.

## What we promise

Every date, price and free seat on these pages is the real one. If a road is closed, we say so and go somewhere else, or you get your money back. [Ask us](/contact), and one of the nine answers.""",
)

_BOOKING, _ON_THE_WAY, _CHANGES = "Booking and paying", "On the way", "When plans change"


_ANSWERS: tuple[tuple[str, str, str], ...] = (
    (
        _BOOKING,
        "Do I need an account to book?",
        "No. You book with your name, an e-mail address and a telephone number. The link in the confirmation opens your booking at any time. With an account all your bookings stand in one place.",
    ),
    (
        _BOOKING,
        "Are the seats that I see really left?",
        "Yes. The number is counted at the moment you look. When you press “Hold”, the seats are yours while you pay, and nobody else can take them. [How booking works](/how-booking-works)",
    ),
    (
        _BOOKING,
        "How can I pay?",
        "The payment page shows the ways there are for your booking: cards, and wallets, UPI or netbanking where the payment provider has them. Your card details go to the provider and never through us.",
    ),
    (
        _BOOKING,
        "What if a payment fails, or I press twice?",
        "If it fails, nothing is taken, and your seats stay held until the time on the page. A payment counts once, however often you press. If money reaches us too late for your seats, it goes back to where it came from by itself.",
    ),
    (
        _BOOKING,
        "Do children pay less?",
        "Children and infants have prices of their own, which go by the age on the day of departure. Choose who travels on the page of a journey and you see the price before you tell us anything.",
    ),
    (
        _ON_THE_WAY,
        "How high do the journeys go?",
        "Srinagar lies at 1,585 m, Leh at 3,500 m, and the road to Nubra crosses a pass above 5,000 m. In Ladakh the first two days are for getting used to it:\n\n- walk slowly and drink more than you want\n- sleep low\n- tell your guide when your head hurts\n\nWho has a weak heart or weak lungs, or is expecting a child, should ask a doctor first.",
    ),
    (
        _ON_THE_WAY,
        "What will the weather be like?",
        "In May and September warm days and cold nights; in July and August rain on the Jammu side and dry air in Ladakh. Bring one thing that is warmer than you think.",
    ),
    (
        _ON_THE_WAY,
        "Is there a network?",
        "In Srinagar, Jammu and Leh, yes. In Gurez hardly, and in Ladakh often only with a local card. Prepaid cards from other states do not work here; your guide has a telephone that does.",
    ),
    (
        _ON_THE_WAY,
        "Is the food vegetarian?",
        "It can be on every day of every journey. Tell us when you book, and what else you do not eat.",
    ),
    (
        _CHANGES,
        "What comes back when I give a journey up?",
        "That is part of what you agree to when you book, and it stands in your booking. Before anything is given up you see the exact amount that comes back, and only then decide. Seats that are only held can be let go at any time, free of charge.",
    ),
    (
        _CHANGES,
        "Can one of us stay at home?",
        "Yes. You give up some people of a booking in the same way; the others travel as they were booked.",
    ),
    (
        _CHANGES,
        "I have lost the mail with my booking.",
        "[Write to us](/contact) from the address you booked with, and we send it once more. If you have an account, your bookings are [there](/account).",
    ),
)

ANSWERS = tuple(
    Wording(category=category, question=question, answer=answer, position=10 * number, published=True)
    for number, (category, question, answer) in enumerate(_ANSWERS, 1)
)

ENQUIRIES = (
    Enquiry(
        name="Farida Contractor",
        email="farida@example.org",
        subject="Gurez with a seven-year-old",
        message="Our daughter is seven and walks well, but not all day.\n\nIs the Gurez journey something for her? And could we have one room for the three of us?",
    ),
    Enquiry(
        name="Jonas Lindqvist",
        email="jonas@example.org",
        subject="A receipt for our company",
        message="We would like to come to Ladakh with six colleagues in September. Can the receipt be made out to the company?",
    ),
)
