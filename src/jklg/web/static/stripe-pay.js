// Brings Stripe's Payment Element to life inside [data-stripe-pay]. What this page believes changes nothing:
// when Stripe is done, the browser goes to the return page, and the house asks Stripe itself.

for (const form of document.querySelectorAll("[data-stripe-pay]")) start(form);

function start(form) {
  const button = form.querySelector("[data-payment-button]");
  const alert = form.querySelector("[data-payment-error]");
  const label = button.textContent;
  const { publishableKey, clientSecret, returnUrl, locale } = form.dataset;
  const words = JSON.parse(form.dataset.words);

  function say(message) {
    alert.textContent = message;
    alert.hidden = !message;
  }

  function busy(yes) {
    button.disabled = yes;
    button.textContent = yes ? words.busy : label;
    form.setAttribute("aria-busy", String(yes));
  }

  // A submit must never fall through to the browser, least of all before Stripe is there.
  form.addEventListener("submit", (event) => event.preventDefault());

  if (typeof window.Stripe !== "function") {
    say(words.missing);
    return;
  }

  const stripe = window.Stripe(publishableKey, { locale });
  const elements = stripe.elements({ clientSecret, appearance: appearance() });
  const payment = elements.create("payment");
  payment.on("ready", () => busy(false));
  payment.on("loaderror", () =>
    say(words.broken),
  );
  payment.mount(form.querySelector("[data-payment-element]"));

  form.addEventListener("submit", async () => {
    if (button.disabled) return;
    say("");
    busy(true);
    try {
      const checked = await elements.submit();
      if (checked.error) return fail(checked.error);
      const { error } = await stripe.confirmPayment({
        elements,
        confirmParams: { return_url: returnUrl },
        redirect: "if_required",
      });
      // Paid already, in another tab: no error to the payer. The return page tells how it stands.
      const paid = error && error.payment_intent && error.payment_intent.status === "succeeded";
      if (error && !paid) return fail(error);
      window.location.assign(returnUrl);
    } catch {
      fail({ message: words.lost });
    }
  });

  function fail(error) {
    busy(false);
    say(error.message || words.failed);
    alert.scrollIntoView({ block: "nearest" });
  }
}

// Stripe's frame cannot see our stylesheet: hand it our colours and type.
function appearance() {
  const style = getComputedStyle(document.body);
  const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  return {
    theme: dark ? "night" : "stripe",
    variables: { fontSizeBase: style.fontSize, borderRadius: "8px" },
  };
}
