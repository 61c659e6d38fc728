"""What each kind of concern means, and what somebody should do about it."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """`what` happened, in a headline; what it `means`; what to `do`."""

    what: str
    means: str
    do: str


_UNKNOWN = Words(
    "Something needs a person",
    "The house could not decide this by itself.",
    "Look at the booking's story and at the gateway's own pages, and say here how it was settled.",
)
KINDS = {
    "dispute": Words(
        "The payer's bank asks for the money",
        "The payer has complained to her bank. While it decides, nothing is sent back, and the money may be taken from us.",
        "Send the evidence to the gateway before the date below, or accept the loss. This closes by itself when the bank has decided.",
    ),
    "early_fraud_warning": Words(
        "The card's network says that a payment may be fraud",
        "The holder of the card has told her bank that it was not she who paid. Nothing has been taken from us yet; most of these become disputes, which cost a fee besides.",
        "Look at the booking. If you doubt it, give it up or send the money back whole, before the bank asks: then there is no dispute, and this closes by itself. If you know the customer, ask her, and say here why it is kept.",
    ),
    "payment_review": Words(
        "The gateway holds a payment for somebody to look at",
        "Its rules found it suspicious. If the money was only authorised, it is not ours until it is captured; if it was taken, it stays with us meanwhile.",
        "Look at it in the gateway's own pages, and approve or refuse it there; what is only authorised is captured or released with that. What was taken and should not be kept is sent back from the booking's money. This closes by itself when it is decided.",
    ),
    "money_taken_back": Words(
        "The payer's bank has taken a payment back",
        "Nobody was asked before: the money is gone, and booked as a loss. The booking still stands.",
        "Speak with the customer. Given up, the booking sends her no more than its terms say in all, with what her bank has given her. If it was a mistake of her bank, the gateway's support can tell. Say here what was done.",
    ),
    "webhook_elsewhere": Words(
        "Webhooks arrive here that belong elsewhere",
        "They are signed as ours, and speak of the other mode (test or live) or of another account. None of them was believed, and no money moved.",
        "Look at the webhook endpoints in the gateway's own pages: each shop, and each mode, needs an endpoint and a secret of its own. Then settle this.",
    ),
    "late_success": Words(
        "Money came after the attempt had ended",
        "The gateway took money for an attempt that was closed here. It is in suspense, or with the booking if its seats were still free.",
        "Nothing, if the money was sent back or the booking is confirmed. Otherwise apply it or send it back, below.",
    ),
    "amount_mismatch": Words(
        "Another amount arrived than was asked for",
        "The money is in suspense and has confirmed nothing.",
        "Compare with the gateway. Then apply it to the booking below, as far as it is due, or send it back.",
    ),
    "currency_mismatch": Words(
        "Another currency arrived than was asked for",
        "The money is in suspense and has confirmed nothing.",
        "Compare with the gateway, and send the money back on its own pages. When it has gone, this closes by itself.",
    ),
    "unmatched_gateway_object": Words(
        "The gateway has a payment that we do not know",
        "Somebody may use the same account for something else, or it was made by hand. Its money, if any, is in suspense.",
        "Find out at the gateway what it is. Give it to a booking or keep it, below, or send it back on the gateway's own pages.",
    ),
    "missing_at_gateway": Words(
        "The gateway does not list a payment of ours",
        "We hold it for paid, and the gateway's list of that time does not have it.",
        "Look for its number at the gateway. If it is not there, ask the gateway's support before anything else.",
    ),
    "gateway_object_mismatch": Words(
        "The gateway shows another payment than ours",
        "Amount, mode or reference differ from what we asked for. Nothing of it was believed.",
        "Compare both. If the gateway's is right, somebody edited it there.",
    ),
    "refund_failed": Words(
        "A refund did not arrive",
        "The gateway could not send the money back: the card or account may be closed. We owe it to the customer.",
        "Ask the customer how she wants it: send it again, or pay it another way and write that down, below. This closes by itself then.",
    ),
    "refund_waits": Words(
        "A refund waits for a second person",
        "It is above what one person may send back alone.",
        "Open the booking's money, look at it, and agree or refuse. Whoever asked cannot agree.",
    ),
    "refund_by_hand": Words(
        "Money has to be given back by hand",
        "It was taken by hand, so that no gateway can send it back.",
        "Give it to the customer, then press 'I gave it back' in the booking's money.",
    ),
    "money_left_behind": Words(
        "Money of a booking that was given up is still with us",
        "It could not go back: the payer's bank is deciding about it, or somebody refused. Or her bank had it, and has given it to us after all.",
        "When the bank has decided, send it back, or book it against the loss if she has it from her bank for good.",
    ),
    "refund_made_at_gateway": Words(
        "Somebody sent money back at the gateway",
        "It was not decided here, and it is booked like a refund of ours.",
        "Find out who did it and why, and whether the booking goes on.",
    ),
    "capture_unknown": Words(
        "The gateway was silent when it was asked to take money",
        "It did not answer for longer than it remembers our question. Then it showed that nothing was taken, and the attempt is closed.",
        "Nothing, unless the customer asks: she may pay again.",
    ),
    "capture_mismatch": Words(
        "Another amount was approved than was asked for",
        "Nothing was taken.",
        "Ask the customer to pay again.",
    ),
    "cannot_be_settled": Words(
        "The house cannot book what a gateway says",
        "It tried again and again, and something in the house itself stood in the way each time. Other payments are not held up by it.",
        "Tell whoever looks after the house, with the error below. When it is mended, ask the gateway again: this closes by itself.",
    ),
    "movements_differ": Words(
        "A gateway's account and our books differ on a payment",
        "What the gateway moved for it (theirs) is not what we have booked (ours).",
        "Ask the gateway again: what it says of the payment is booked, and this closes by itself when both agree. If they still differ, compare "
        "the payment's story with the gateway's own pages.",
    ),
    "movement_unmatched": Words(
        "The gateway moved money that belongs to no payment of ours",
        "It is on the gateway's list of our account, and nothing in the books explains it: a payment for something else, a correction, a top-up.",
        "Find out at the gateway what it was. When you know, book it as the agency's own, and say what it was.",
    ),
    "movement_changed": Words(
        "The gateway lists a movement with another amount than before",
        "We have booked it as it was listed first.",
        "Ask the gateway's support which is right, before anything else.",
    ),
    "balance_differs": Words(
        "The gateway holds another sum than our books say",
        "Part of that may be explained by single payments, which stand here on their own; the difference below is what is left.",
        "Ask the gateway again. If the account was used before JKLG was, or for something else, book the difference and say what it was.",
    ),
    "account_unread": Words(
        "A gateway's account cannot be read",
        "For a day it has not told its movements to the end. Fees, payouts and differences of it are neither booked nor shown meanwhile.",
        "Read the error below: a right may be missing at the gateway (at PayPal: Transaction Search), or a line of it is unlike any that we know. "
        "Read the account again when it is mended: this closes by itself then.",
    ),
    "payout_missing": Words(
        "A payout has not arrived at our bank",
        "The gateway says that it paid, and the bank's statement of that time does not have it.",
        "Look for it on the bank's statement and match it by hand. If it is not there, ask the gateway.",
    ),
    "bank_line": Words(
        "Nobody knows what this line of the bank's statement is",
        "It fits no payout and no transfer that was written down, or it fits several.",
        "Open the line, and match it to what it is, or say that it is not ours.",
    ),
    "balance_overdue": Words(
        "A balance was not paid in time",
        "The day has passed on which the customer was to pay the rest. She was written to before it and the day after.",
        "Call her. Write down what she pays by hand, give more time, or give up the booking by its terms. This closes by itself when it is paid.",
    ),
    "gateway_refused_lookup": Words(
        "The gateway will not tell us about a payment",
        "It knows the payment, or knew it, and refuses to show it: another account's key, or something that was removed there. Or it is no longer set up here, or only with keys of the other mode.",
        "Check the keys in the settings, and look for the payment's number on the gateway's own pages. Look again here when it can be seen. If it never will be, and nothing was taken, close the payment below.",
    ),
    "chain_broken": Words(
        "The books are not those that were sealed",
        "The database no longer holds the last seal that the worker noted outside of it. Somebody has taken seals away, perhaps to change what they sealed; or an older backup was restored. Nothing is sealed meanwhile.",
        "Change nothing, and call whoever looks after the house: `jklg ledger verify` tells what does not fit. If a backup was restored on purpose, they remove the file below, and sealing begins anew. This does not close by itself: say here what it was.",
    ),
    "mail_dead": Words(
        "A mail could not be delivered",
        "The mail server of whoever it was for refused it, for good or too often; or ours never said that it had taken it.",
        "Look at the address. Reach its reader in another way if it is wrong; if it is right, send the mail again.",
    ),
    "mail_server_away": Words(
        "Mails do not leave the house",
        "The mail server cannot be reached, refuses our name and password, or is too slow: for more than ten minutes mails have waited for it. None of them is lost.",
        "Read the error below, and look at `SMTP_HOST`, `SMTP_USER` and `SMTP_PASSWORD`; `jklg doctor mail` tries the server. This closes by itself when the mails have gone.",
    ),
    "mail_bounced": Words(
        "A mail came back",
        "The mail server of whoever it was for took it, and reported later that it could not deliver it. Its reader has not read it.",
        "Reach its reader in another way, and tell what it said. If the address is good after all, say so on the page of the booking: then this closes by itself. Circulars and the like are not sent there meanwhile.",
    ),
    "news_failed": Words(
        "Something was not done that follows from what happened",
        "The worker tried it ten times and failed each time, the last time as told below. What happened is booked; what follows from it is not.",
        "Tell it again when the reason is gone. If it fails again, show the error to whoever runs this house.",
    ),
    "webhook_dead": Words(
        "A webhook was put aside",
        "It could not be looked into, however often we tried.",
        "Look into it again: the gateway is asked, and what is true is booked.",
    ),
    "webhook_collision": Words(
        "A webhook came twice with different words",
        "The same number came with another body. The first was looked into; the second was not, and may be a forgery.",
        "Ask the gateway how the payment stands. If it says what we have, nothing was missed; tell whoever runs this house if it comes again.",
    ),
    "late_authorization": Words(
        "An approval came after the attempt had ended",
        "It is given back at the gateway by itself. No money was taken.",
        "Nothing, unless it is still open at the gateway tomorrow.",
    ),
}


def of(kind: str) -> Words:
    """The words for a kind of anomaly; for one without words of its own, general ones."""
    return KINDS.get(kind, _UNKNOWN)
