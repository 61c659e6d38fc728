"""Every page of the back office behind one door: whoever is not signed in is asked to, and comes back to the page that was wanted."""

from __future__ import annotations

from litestar import Router

from jklg.backoffice import pages
from jklg.backoffice.agency import pages as agency
from jklg.backoffice.bank import pages as bank
from jklg.backoffice.circulars import pages as circulars
from jklg.backoffice.concerns import pages as concerns
from jklg.backoffice.departures import pages as departures
from jklg.backoffice.desk import pages as desk
from jklg.backoffice.embed import pages as embed
from jklg.backoffice.enquiries import pages as enquiries
from jklg.backoffice.evidence import pages as evidence
from jklg.backoffice.faq import pages as faq
from jklg.backoffice.giving_up import pages as giving_up
from jklg.backoffice.papers import pages as papers
from jklg.backoffice.payments import pages as payments
from jklg.backoffice.pictures import pages as pictures
from jklg.backoffice.questions import pages as questions
from jklg.backoffice.reviews import pages as reviews
from jklg.backoffice.suspense import pages as suspense
from jklg.backoffice.terms import pages as terms
from jklg.backoffice.worklist import pages as worklist
from jklg.staff.guard import TURNS_AWAY

router = Router(
    path="/",
    route_handlers=[
        pages.router,
        worklist.router,
        concerns.router,
        suspense.router,
        evidence.router,
        payments.router,
        papers.router,
        desk.router,
        giving_up.router,
        departures.router,
        circulars.router,
        bank.router,
        terms.router,
        pictures.router,
        enquiries.router,
        questions.router,
        reviews.router,
        faq.router,
        agency.router,
        embed.router,
    ],
    exception_handlers=TURNS_AWAY,
)
