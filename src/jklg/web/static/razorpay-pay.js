// Opens Razorpay's window from [data-razorpay-pay]. What this page believes changes nothing: what the window hands over is
// posted to our callback, which checks who signed it, and the house asks Razorpay itself.

for (const form of document.querySelectorAll("[data-razorpay-pay]")) start(form);

function start(form) {
  const button = form.querySelector("[data-payment-button]");
  const alert = form.querySelector("[data-payment-error]");
  const { key, order, amount, currency, name, description } = form.dataset;
  const words = JSON.parse(form.dataset.words);

  function say(message) {
    alert.textContent = message;
    alert.hidden = !message;
  }

  if (typeof window.Razorpay !== "function") {
    say(words.missing);
    return;
  }

  button.disabled = false;
  button.addEventListener("click", () => {
    say("");
    button.disabled = true;
    const razorpay = new window.Razorpay({
      key,
      order_id: order,
      amount,
      currency,
      name,
      description,
      callback_url: form.action, // where a browser inside an app cannot be called back, Razorpay posts there itself
      handler: hand,
      modal: { ondismiss: left },
    });
    razorpay.on("payment.failed", ({ error }) => say((error && error.description) || words.failed));
    razorpay.open();
  });

  function hand(said) {
    form.setAttribute("aria-busy", "true");
    for (const field of ["razorpay_payment_id", "razorpay_order_id", "razorpay_signature"]) {
      form.elements[field].value = said[field] || "";
    }
    form.submit();
  }

  function left() {
    button.disabled = false;
    say(words.closed);
  }
}
