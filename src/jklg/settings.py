"""Every setting of the house: an environment variable, its type, its default and its meaning. Wrong ones are refused at start."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class BadSettings(Exception):
    """The house does not start with these settings. The message says which and why."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the house was started with. Built by `load`, or by hand in tests."""

    env: str = "development"  # JKLG_ENV: development or production
    host: str = "127.0.0.1"  # JKLG_HOST
    port: int = 3000  # PORT
    data_dir: Path = Path(".jklg")  # JKLG_DATA_DIR: the embedded database, secrets made in development, ledger-head
    database_url: str = ""  # DATABASE_URL: empty means the embedded PostgreSQL
    public_url: str = "http://localhost:3000"  # JKLG_PUBLIC_URL: where travellers find this site
    frontend_url: str = ""  # FRONTEND_URL: an older client on its own origin; allowed by CORS, and only it
    trusted_proxies: tuple[str, ...] = ()  # JKLG_TRUSTED_PROXIES: addresses whose X-Forwarded-For is believed
    secrets: tuple[str, ...] = ()  # JWT_SECRET: comma-separated while rotating; the first one signs
    agency_name: str = "JKLG Travel"  # SMTP_FROM_NAME names the agency in mails as well
    accent: str = (
        ""  # JKLG_ACCENT: '#1f5c4a', for actions and links; the rest of its hue is derived (web/design/accent.py)
    )
    mark: str = ""  # JKLG_MARK: '#f0a93b', for what is underlined or counted
    seller_name: str = ""  # JKLG_SELLER_NAME: who sells, on invoices; empty means the agency's name
    seller_address: tuple[str, ...] = ()  # JKLG_SELLER_ADDRESS: its lines, parted by ';'
    seller_tax_id: str = ""  # JKLG_SELLER_TAX_ID: as it is to be printed: 'GSTIN 01AABCU9603R1ZX'
    seller_note: str = ""  # JKLG_SELLER_NOTE: what the law wants said on every invoice
    seller_time_zone: str = "Asia/Kolkata"  # JKLG_SELLER_TIME_ZONE: whose calendar invoices are dated and numbered by
    smtp_host: str = ""  # SMTP_HOST: empty in development, without live keys, means that mail is caught at /dev/mail
    smtp_port: int = 587  # SMTP_PORT
    smtp_user: str = ""  # SMTP_USER
    smtp_password: str = ""  # SMTP_PASSWORD
    smtp_from_email: str = "bookings@localhost"  # SMTP_FROM_EMAIL
    dkim_selector: str = ""  # SMTP_DKIM_SELECTOR: under which name the DNS tells our public key
    dkim_key: str = ""  # SMTP_DKIM_KEY: the file with the private key (PEM); mails are signed with it
    circular_pace: int = 30  # JKLG_CIRCULAR_PACE: letters a minute of messages to many
    smtp_tls: str = "starttls"  # SMTP_TLS: starttls, tls or none (none only to a loopback host)
    stripe_secret_key: str = ""  # STRIPE_SECRET_KEY
    stripe_publishable_key: str = ""  # STRIPE_PUBLISHABLE_KEY
    stripe_webhook_secrets: tuple[str, ...] = ()  # STRIPE_WEBHOOK_SECRET: comma-separated while rotating
    stripe_api_base: str = "https://api.stripe.com"  # STRIPE_API_BASE
    stripe_capture: str = (
        "automatic"  # STRIPE_CAPTURE: automatic, or manual: set aside first, taken when the seats are sure
    )
    stripe_js_url: str = "https://js.stripe.com/endive/stripe.js"  # STRIPE_JS_URL
    paypal_client_id: str = ""  # PAYPAL_CLIENT_ID
    paypal_secret: str = ""  # PAYPAL_SECRET
    paypal_webhook_ids: tuple[str, ...] = ()  # PAYPAL_WEBHOOK_ID: comma-separated while one replaces another
    paypal_api_base: str = (
        "https://api-m.paypal.com"  # PAYPAL_API_BASE: which of PayPal's two worlds; real money by default
    )
    paypal_js_url: str = "https://www.paypal.com/sdk/js"  # PAYPAL_JS_URL
    razorpay_key_id: str = ""  # RAZORPAY_KEY_ID: rzp_live_… takes real money
    razorpay_key_secret: str = ""  # RAZORPAY_KEY_SECRET
    razorpay_webhook_secrets: tuple[str, ...] = ()  # RAZORPAY_WEBHOOK_SECRET: comma-separated while rotating
    razorpay_api_base: str = "https://api.razorpay.com/v1"  # RAZORPAY_API_BASE
    razorpay_js_url: str = "https://checkout.razorpay.com/v1/checkout.js"  # RAZORPAY_JS_URL
    sandbox_url: str = ""  # SANDBOX_URL: where the sandbox gateway listens; `up` starts one; empty means none
    sandbox_key: str = "sandbox_key"  # SANDBOX_KEY
    sandbox_webhook_secret: str = "sandbox_webhook_secret"  # noqa: S105  # SANDBOX_WEBHOOK_SECRET
    sandbox_faults: bool = False  # SANDBOX_FAULTS=1: the sandbox may be told to misbehave
    pwned_url: str = ""  # JKLG_PWNED_URL: a list of leaked passwords asked by range; empty means that none is asked
    refund_alone: tuple[
        tuple[str, int], ...
    ] = ()  # JKLG_REFUND_ALONE: "INR 50000, USD 600": above, two people are needed
    hold_minutes: int = 15  # JKLG_HOLD_MINUTES: how long seats are kept while the customer pays
    worker_poll_seconds: float = 1.0  # JKLG_WORKER_POLL_SECONDS
    failpoint: str = ""  # JKLG_FAILPOINT=name:kill|raise|sleep (tests; refused with a live key)

    @property
    def production(self) -> bool:
        return self.env == "production"

    @property
    def shows_mail(self) -> bool:
        """Whether anybody may read every mail (/dev/mail): only where nobody's journey is real."""
        return not self.production and not self.live

    @property
    def secret(self) -> str:
        return self.secrets[0]

    @property
    def live(self) -> bool:
        """Whether any gateway key takes real money."""
        return self.stripe_live or self.paypal_live or self.razorpay_live

    @property
    def stripe_live(self) -> bool:
        return self.stripe_secret_key.startswith(("sk_live_", "rk_live_"))

    @property
    def paypal_live(self) -> bool:
        """PayPal's keys look alike in both worlds: the address tells."""
        return bool(self.paypal_client_id) and self.paypal_api_base == "https://api-m.paypal.com"

    @property
    def razorpay_live(self) -> bool:
        return self.razorpay_key_id.startswith("rzp_live_")


PRESETS: Mapping[str, Mapping[str, str]] = {
    "none": {},
    "gmail": {"host": "smtp.gmail.com", "spf": "include:_spf.google.com"},
    "sendgrid": {"host": "smtp.sendgrid.net", "user": "apikey", "spf": "include:sendgrid.net"},
}
"""SMTP_PRESET: servers that many agencies use. Both take STARTTLS at port 587. `spf`: what names it in the SPF record of the sender."""


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment. Raises BadSettings naming every variable that is wrong."""
    env = os.environ if environ is None else environ
    wrong: list[str] = []

    def text(name: str, default: str = "") -> str:
        return env.get(name, "").strip() or default

    def whole(name: str, default: int, low: int, high: int) -> int:
        raw = text(name, str(default))
        if not raw.isascii() or not raw.isdigit() or not low <= int(raw) <= high:
            wrong.append(f"{name} must be a whole number from {low} to {high}, not {raw!r}")
            return default
        return int(raw)

    def several(name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in env.get(name, "").split(",") if part.strip())

    def amounts(name: str) -> tuple[tuple[str, int], ...]:
        found = []
        for part in several(name):
            currency, _, amount = part.partition(" ")
            if not re.fullmatch("[A-Z]{3} [0-9]{1,12}", part):
                wrong.append(f"{name} must be whole amounts such as 'INR 50000, USD 600', not {part!r}")
            else:
                found.append((currency, int(amount)))
        return tuple(found)

    preset = PRESETS.get(text("SMTP_PRESET", "none"))
    if preset is None:
        wrong.append(f"SMTP_PRESET must be one of {', '.join(PRESETS)}, not {text('SMTP_PRESET')!r}")
        preset = {}
    port = whole("PORT", 3000, 0, 65535)
    try:
        poll = float(text("JKLG_WORKER_POLL_SECONDS", "1"))
    except ValueError:
        poll = -1.0
    if not 0.05 <= poll <= 60:  # nan is not either
        wrong.append("JKLG_WORKER_POLL_SECONDS must be a number of seconds from 0.05 to 60")
    found = Settings(
        env=text("JKLG_ENV", "development"),
        host=text("JKLG_HOST", "127.0.0.1"),
        port=port,
        data_dir=Path(text("JKLG_DATA_DIR", ".jklg")),
        database_url=text("DATABASE_URL"),
        public_url=text("JKLG_PUBLIC_URL", f"http://localhost:{port}").rstrip("/"),
        frontend_url=text("FRONTEND_URL").rstrip("/"),
        trusted_proxies=several("JKLG_TRUSTED_PROXIES"),
        secrets=several("JWT_SECRET"),
        agency_name=text("SMTP_FROM_NAME", "JKLG Travel"),
        accent=text("JKLG_ACCENT").lower(),
        mark=text("JKLG_MARK").lower(),
        seller_name=text("JKLG_SELLER_NAME"),
        seller_address=tuple(part.strip() for part in text("JKLG_SELLER_ADDRESS").split(";") if part.strip()),
        seller_tax_id=text("JKLG_SELLER_TAX_ID"),
        seller_note=text("JKLG_SELLER_NOTE"),
        seller_time_zone=text("JKLG_SELLER_TIME_ZONE", "Asia/Kolkata"),
        smtp_host=text("SMTP_HOST", preset.get("host", "")),
        smtp_port=whole("SMTP_PORT", 587, 1, 65535),
        smtp_user=text("SMTP_USER", preset.get("user", "")),
        smtp_password=text("SMTP_PASSWORD"),
        smtp_from_email=text("SMTP_FROM_EMAIL", "bookings@localhost"),
        circular_pace=whole("JKLG_CIRCULAR_PACE", 30, 1, 10_000),
        smtp_tls=text("SMTP_TLS", "starttls"),
        dkim_selector=text("SMTP_DKIM_SELECTOR"),
        dkim_key=text("SMTP_DKIM_KEY"),
        stripe_secret_key=text("STRIPE_SECRET_KEY"),
        stripe_publishable_key=text("STRIPE_PUBLISHABLE_KEY"),
        stripe_webhook_secrets=several("STRIPE_WEBHOOK_SECRET"),
        stripe_api_base=text("STRIPE_API_BASE", "https://api.stripe.com").rstrip("/"),
        stripe_capture=text("STRIPE_CAPTURE", "automatic"),
        stripe_js_url=text("STRIPE_JS_URL", "https://js.stripe.com/endive/stripe.js"),
        paypal_client_id=text("PAYPAL_CLIENT_ID"),
        paypal_secret=text("PAYPAL_SECRET"),
        paypal_webhook_ids=several("PAYPAL_WEBHOOK_ID"),
        paypal_api_base=text("PAYPAL_API_BASE", "https://api-m.paypal.com").rstrip("/"),
        paypal_js_url=text("PAYPAL_JS_URL", "https://www.paypal.com/sdk/js"),
        razorpay_key_id=text("RAZORPAY_KEY_ID"),
        razorpay_key_secret=text("RAZORPAY_KEY_SECRET"),
        razorpay_webhook_secrets=several("RAZORPAY_WEBHOOK_SECRET"),
        razorpay_api_base=text("RAZORPAY_API_BASE", "https://api.razorpay.com/v1").rstrip("/"),
        razorpay_js_url=text("RAZORPAY_JS_URL", "https://checkout.razorpay.com/v1/checkout.js"),
        sandbox_url=text("SANDBOX_URL").rstrip("/"),
        sandbox_key=text("SANDBOX_KEY", "sandbox_key"),
        sandbox_webhook_secret=text("SANDBOX_WEBHOOK_SECRET", "sandbox_webhook_secret"),
        sandbox_faults=text("SANDBOX_FAULTS") == "1",
        pwned_url=text("JKLG_PWNED_URL").rstrip("/"),
        refund_alone=amounts("JKLG_REFUND_ALONE"),
        hold_minutes=whole("JKLG_HOLD_MINUTES", 15, 1, 24 * 60),
        worker_poll_seconds=poll,
        failpoint=text("JKLG_FAILPOINT"),
    )
    wrong += _contradictions(found)
    if wrong:
        raise BadSettings("\n".join(wrong))
    return found


def _contradictions(s: Settings) -> list[str]:
    """Settings that are each readable but must not meet."""
    wrong = []
    if s.env not in ("development", "production"):
        wrong.append(f"JKLG_ENV must be development or production, not {s.env!r}")
    for name, colour in (("JKLG_ACCENT", s.accent), ("JKLG_MARK", s.mark)):
        if colour and not re.fullmatch("#[0-9a-f]{6}", colour):
            wrong.append(f"{name} must be a colour such as #1f5c4a, not {colour!r}")
    try:
        ZoneInfo(s.seller_time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is an OSError
        wrong.append(f"JKLG_SELLER_TIME_ZONE must be a time zone such as Asia/Kolkata, not {s.seller_time_zone!r}")
    if s.smtp_tls not in ("starttls", "tls", "none"):
        wrong.append(f"SMTP_TLS must be starttls, tls or none, not {s.smtp_tls!r}")
    if s.smtp_tls == "none" and s.smtp_host not in ("", "localhost", "127.0.0.1", "::1"):
        wrong.append("SMTP_TLS=none sends passwords in the clear: allowed to a loopback host only")
    if bool(s.dkim_selector) != bool(s.dkim_key):
        wrong.append("SMTP_DKIM_SELECTOR and SMTP_DKIM_KEY go together: set both or neither")
    if s.dkim_key and not Path(s.dkim_key).is_file():
        wrong.append(f"SMTP_DKIM_KEY must be the file of a private key: there is none at {s.dkim_key}")
    if s.pwned_url and not _is_guarded(s.pwned_url):
        wrong.append("JKLG_PWNED_URL must be an https address without a query, or http on this machine")
    if s.stripe_capture not in ("automatic", "manual"):
        wrong.append(f"STRIPE_CAPTURE must be automatic or manual, not {s.stripe_capture!r}")
    if bool(s.stripe_secret_key) != bool(s.stripe_publishable_key):
        wrong.append("STRIPE_SECRET_KEY and STRIPE_PUBLISHABLE_KEY go together: set both or neither")
    if s.stripe_live and s.stripe_api_base != "https://api.stripe.com":
        wrong.append("STRIPE_API_BASE points elsewhere while STRIPE_SECRET_KEY is a live key")
    if s.stripe_live and s.stripe_publishable_key.startswith("pk_test_"):
        wrong.append("STRIPE_SECRET_KEY is live and STRIPE_PUBLISHABLE_KEY is a test key")
    if s.live and (s.sandbox_url or s.sandbox_faults):
        wrong.append("the sandbox gateway must not run beside a live key: unset SANDBOX_URL and SANDBOX_FAULTS")
    if s.live and s.failpoint:
        wrong.append("JKLG_FAILPOINT is refused with a live key")
    if s.live and not s.smtp_host and not s.production:
        wrong.append("SMTP_HOST is needed with a live key: customers would never get their confirmation")
    if s.stripe_live and not s.stripe_webhook_secrets:
        wrong.append("STRIPE_WEBHOOK_SECRET is needed with a live key: without it paid bookings wait for the poller")
    wrong += _paypal_contradictions(s)
    wrong += _razorpay_contradictions(s)
    for secret in s.secrets:
        if len(secret) < 32 or len(set(secret)) < 8:
            wrong.append("JWT_SECRET is weak: use at least 32 random characters")
            break
    if s.production:
        if not s.secrets:
            wrong.append("JWT_SECRET is needed in production")
        if not s.smtp_host:
            wrong.append("SMTP_HOST is needed in production: customers would never get their confirmation")
        if s.smtp_from_email == "bookings@localhost":
            wrong.append("SMTP_FROM_EMAIL is needed in production")
        if urlsplit(s.public_url).scheme != "https":
            wrong.append("JKLG_PUBLIC_URL must be the https address of this site in production")
        if s.sandbox_url:
            wrong.append("SANDBOX_URL is for trying things out, not for production")
        if s.failpoint:
            wrong.append("JKLG_FAILPOINT is refused in production")
    return wrong


def _paypal_contradictions(s: Settings) -> list[str]:
    wrong = []
    paypals_own = ("https://api-m.paypal.com", "https://api-m.sandbox.paypal.com")
    if bool(s.paypal_client_id) != bool(s.paypal_secret):
        wrong.append("PAYPAL_CLIENT_ID and PAYPAL_SECRET go together: set both or neither")
    if not s.paypal_client_id:
        return wrong
    stand_in = s.paypal_api_base not in paypals_own
    if stand_in and not (s.paypal_api_base.startswith("http:") and _is_guarded(s.paypal_api_base)):
        wrong.append("PAYPAL_API_BASE must be PayPal's own address, its sandbox's, or a stand-in on this machine")
    if not stand_in and s.paypal_js_url != "https://www.paypal.com/sdk/js":
        wrong.append("PAYPAL_JS_URL points elsewhere while PAYPAL_API_BASE is PayPal's own")
    if s.paypal_live and not s.paypal_webhook_ids:
        wrong.append("PAYPAL_WEBHOOK_ID is needed with real money: without it paid bookings wait for the poller")
    if s.stripe_secret_key and s.stripe_live != s.paypal_live:
        wrong.append("STRIPE_SECRET_KEY and PAYPAL_API_BASE must both be for real money, or both for trying things out")
    if s.production and stand_in:
        wrong.append("PAYPAL_API_BASE is a stand-in: not in production")
    return wrong


def _razorpay_contradictions(s: Settings) -> list[str]:
    wrong = []
    if bool(s.razorpay_key_id) != bool(s.razorpay_key_secret):
        wrong.append("RAZORPAY_KEY_ID and RAZORPAY_KEY_SECRET go together: set both or neither")
    if not s.razorpay_key_id:
        return wrong
    if not s.razorpay_key_id.startswith(("rzp_test_", "rzp_live_")):
        wrong.append("RAZORPAY_KEY_ID must begin with rzp_test_ or rzp_live_: it tells whether the money is real")
    stand_in = s.razorpay_api_base != "https://api.razorpay.com/v1"
    if stand_in and s.razorpay_live:
        wrong.append("RAZORPAY_API_BASE points elsewhere while RAZORPAY_KEY_ID is a live key")
    if stand_in and not (s.razorpay_api_base.startswith("http:") and _is_guarded(s.razorpay_api_base)):
        wrong.append("RAZORPAY_API_BASE must be Razorpay's own address, or a stand-in on this machine")
    if not stand_in and s.razorpay_js_url != "https://checkout.razorpay.com/v1/checkout.js":
        wrong.append("RAZORPAY_JS_URL points elsewhere while RAZORPAY_API_BASE is Razorpay's own")
    if s.razorpay_live and not s.razorpay_webhook_secrets:
        wrong.append("RAZORPAY_WEBHOOK_SECRET is needed with a live key: without it paid bookings wait for the poller")
    if s.razorpay_key_secret in s.razorpay_webhook_secrets:
        wrong.append(
            "RAZORPAY_WEBHOOK_SECRET must be another secret than RAZORPAY_KEY_SECRET, which signs other things"
        )
    others = [("STRIPE_SECRET_KEY", s.stripe_secret_key, s.stripe_live)]
    others += [("PAYPAL_API_BASE", s.paypal_client_id, s.paypal_live)]
    for name, configured, live in others:
        if configured and live != s.razorpay_live:
            wrong.append(f"RAZORPAY_KEY_ID and {name} must both be for real money, or both for trying things out")
    if s.production and stand_in:
        wrong.append("RAZORPAY_API_BASE is a stand-in: not in production")
    return wrong


def _is_guarded(url: str) -> bool:
    """Whether nobody between us and this address can read along."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    on_this_machine = parts.scheme == "http" and host in ("localhost", "127.0.0.1", "::1")
    return bool(host) and (parts.scheme == "https" or on_this_machine) and not parts.query and not parts.fragment
