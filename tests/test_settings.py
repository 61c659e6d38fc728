"""Settings that must not meet are refused before anything starts, each in a sentence that names the variable."""

from __future__ import annotations

import pytest

from jklg.settings import BadSettings, load

GOOD_SECRET = "0123456789abcdefghijklmnopqrstuvwxyz"
PRODUCTION = {
    "JKLG_ENV": "production",
    "JWT_SECRET": GOOD_SECRET,
    "JKLG_PUBLIC_URL": "https://tours.example",
    "SMTP_HOST": "mail.example",
    "SMTP_FROM_EMAIL": "bookings@tours.example",
}
LIVE = {
    "STRIPE_SECRET_KEY": "sk_live_abc",
    "STRIPE_PUBLISHABLE_KEY": "pk_live_abc",
    "STRIPE_WEBHOOK_SECRET": "whsec_abc",
    "SMTP_HOST": "mail.example",
}


def test_nothing_set_is_a_house_to_try_out() -> None:
    found = load({})
    assert (found.env, found.host, found.port) == ("development", "127.0.0.1", 3000)
    assert found.public_url == "http://localhost:3000"
    assert not found.live


def test_production_with_everything_it_needs_starts() -> None:
    assert load(PRODUCTION | LIVE).live


@pytest.mark.parametrize("missing", sorted(PRODUCTION.keys() - {"JKLG_ENV"}))
def test_production_does_not_start_without(missing: str) -> None:
    with pytest.raises(BadSettings, match=missing):
        load({name: value for name, value in PRODUCTION.items() if name != missing})


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"SANDBOX_URL": "http://127.0.0.1:3001"}, "SANDBOX_URL"),
        ({"JKLG_FAILPOINT": "after_intent_commit:kill"}, "JKLG_FAILPOINT"),
        ({"JKLG_PUBLIC_URL": "http://tours.example"}, "JKLG_PUBLIC_URL"),
        ({"JWT_SECRET": "a" * 64}, "JWT_SECRET is weak"),
        ({"JWT_SECRET": f"{GOOD_SECRET},short"}, "JWT_SECRET is weak"),
        ({"SMTP_TLS": "none"}, "SMTP_TLS=none"),
        ({"JKLG_PWNED_URL": "http://leaks.example/range"}, "JKLG_PWNED_URL"),
        ({"JKLG_PWNED_URL": "https://"}, "JKLG_PWNED_URL"),
        ({"JKLG_PWNED_URL": "leaks.example"}, "JKLG_PWNED_URL"),
    ],
)
def test_production_refuses(more: dict[str, str], named: str) -> None:
    with pytest.raises(BadSettings, match=named):
        load(PRODUCTION | more)


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"SANDBOX_URL": "http://127.0.0.1:3001"}, "sandbox"),
        ({"SANDBOX_FAULTS": "1"}, "sandbox"),
        ({"STRIPE_API_BASE": "http://127.0.0.1:12111"}, "STRIPE_API_BASE"),
        ({"STRIPE_PUBLISHABLE_KEY": "pk_test_abc"}, "STRIPE_PUBLISHABLE_KEY"),
        ({"STRIPE_PUBLISHABLE_KEY": ""}, "STRIPE_PUBLISHABLE_KEY"),
        ({"STRIPE_WEBHOOK_SECRET": ""}, "STRIPE_WEBHOOK_SECRET"),
        ({"SMTP_HOST": ""}, "SMTP_HOST"),
        ({"JKLG_FAILPOINT": "after_intent_commit:kill"}, "JKLG_FAILPOINT"),
    ],
)
def test_a_live_key_refuses_to_stand_beside(more: dict[str, str], named: str) -> None:
    with pytest.raises(BadSettings, match=named):
        load(LIVE | more)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "3000x"),
        ("PORT", "³"),
        ("SMTP_PORT", "0"),
        ("SMTP_TLS", "maybe"),
        ("JKLG_ENV", "prod"),
        ("JKLG_HOLD_MINUTES", "0"),
        *(("JKLG_WORKER_POLL_SECONDS", value) for value in ("soon", "0", "-1", "inf", "nan", "0.04", "61")),
    ],
)
def test_a_value_that_cannot_be_read_is_named(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name):
        load({name: value})


@pytest.mark.parametrize("value", ["0.05", "60"])
def test_the_worker_looks_between_twenty_times_a_second_and_once_a_minute(value: str) -> None:
    """At 0 it went round without a pause, at inf never."""
    assert load({"JKLG_WORKER_POLL_SECONDS": value}).worker_poll_seconds == float(value)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(BadSettings) as refused:
        load({"PORT": "x", "SMTP_TLS": "maybe", "JWT_SECRET": "short"})
    assert len(str(refused.value).splitlines()) == 3


PAYPAL = {"PAYPAL_CLIENT_ID": "c", "PAYPAL_SECRET": "s", "PAYPAL_WEBHOOK_ID": "W", "SMTP_HOST": "mail.example"}
PAYPALS_SANDBOX = "https://api-m.sandbox.paypal.com"


@pytest.mark.parametrize("base", ["https://api-m.paypal.com", PAYPALS_SANDBOX, "http://127.0.0.1:12112"])
def test_paypal_is_taken_from_paypal_its_sandbox_or_this_machine(base: str) -> None:
    found = load({**PAYPAL, "PAYPAL_API_BASE": base})
    assert found.live is (base == "https://api-m.paypal.com")


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"PAYPAL_SECRET": ""}, "PAYPAL_SECRET"),
        ({"PAYPAL_CLIENT_ID": ""}, "PAYPAL_CLIENT_ID"),
        ({"PAYPAL_WEBHOOK_ID": ""}, "PAYPAL_WEBHOOK_ID"),
        ({"SMTP_HOST": ""}, "SMTP_HOST"),
        ({"PAYPAL_API_BASE": "https://paypal.example"}, "PAYPAL_API_BASE"),
        ({"PAYPAL_API_BASE": "http://api-m.paypal.com"}, "PAYPAL_API_BASE"),
        ({"PAYPAL_JS_URL": "http://127.0.0.1:1/sdk/js"}, "PAYPAL_JS_URL"),
        ({"SANDBOX_URL": "http://127.0.0.1:1"}, "SANDBOX_URL"),
        ({"JKLG_FAILPOINT": "after_intent_commit:kill"}, "JKLG_FAILPOINT"),
        ({"STRIPE_SECRET_KEY": "sk_test_a", "STRIPE_PUBLISHABLE_KEY": "pk_test_a"}, "STRIPE_SECRET_KEY"),
    ],
)
def test_paypal_refuses(more: dict[str, str], named: str) -> None:
    with pytest.raises(BadSettings, match=named):
        load({**PAYPAL, **more})


def test_captures_by_stripe_are_automatic_or_manual() -> None:
    assert load({"STRIPE_CAPTURE": "manual"}).stripe_capture == "manual"
    with pytest.raises(BadSettings, match="STRIPE_CAPTURE"):
        load({"STRIPE_CAPTURE": "later"})


RAZORPAY = {
    "RAZORPAY_KEY_ID": "rzp_live_a",
    "RAZORPAY_KEY_SECRET": "s",
    "RAZORPAY_WEBHOOK_SECRET": "w, old",
    "SMTP_HOST": "mail.example",
}
RAZORPAY_TEST = {**RAZORPAY, "RAZORPAY_KEY_ID": "rzp_test_a"}


def test_razorpays_key_tells_whether_the_money_is_real() -> None:
    assert load(RAZORPAY).live and not load(RAZORPAY_TEST).live
    assert load(RAZORPAY).razorpay_webhook_secrets == ("w", "old")
    assert not load({**RAZORPAY_TEST, "RAZORPAY_API_BASE": "http://127.0.0.1:12113/v1"}).live


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"RAZORPAY_KEY_SECRET": ""}, "RAZORPAY_KEY_SECRET"),
        ({"RAZORPAY_KEY_ID": ""}, "RAZORPAY_KEY_ID"),
        ({"RAZORPAY_KEY_ID": "pk_live_a"}, "RAZORPAY_KEY_ID"),
        ({"RAZORPAY_WEBHOOK_SECRET": ""}, "RAZORPAY_WEBHOOK_SECRET"),
        ({"SMTP_HOST": ""}, "SMTP_HOST"),
        ({"RAZORPAY_WEBHOOK_SECRET": "w,s"}, "RAZORPAY_WEBHOOK_SECRET"),
        ({"RAZORPAY_API_BASE": "http://127.0.0.1:12113/v1"}, "RAZORPAY_API_BASE"),
        ({"RAZORPAY_JS_URL": "http://127.0.0.1:1/checkout.js"}, "RAZORPAY_JS_URL"),
        ({"SANDBOX_URL": "http://127.0.0.1:1"}, "SANDBOX_URL"),
        ({"JKLG_FAILPOINT": "after_intent_commit:kill"}, "JKLG_FAILPOINT"),
        ({"STRIPE_SECRET_KEY": "sk_test_a", "STRIPE_PUBLISHABLE_KEY": "pk_test_a"}, "STRIPE_SECRET_KEY"),
        ({**PAYPAL, "PAYPAL_API_BASE": PAYPALS_SANDBOX}, "PAYPAL_API_BASE"),
    ],
)
def test_razorpay_refuses(more: dict[str, str], named: str) -> None:
    with pytest.raises(BadSettings, match=named):
        load({**RAZORPAY, **more})


@pytest.mark.parametrize("base", ["https://razorpay.example/v1", "http://api.razorpay.com/v1", "ftp://127.0.0.1/v1"])
def test_a_test_key_of_razorpays_is_sent_to_razorpay_or_stays_on_this_machine(base: str) -> None:
    with pytest.raises(BadSettings, match="RAZORPAY_API_BASE"):
        load({**RAZORPAY_TEST, "RAZORPAY_API_BASE": base})
