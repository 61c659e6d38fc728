// Brings PayPal's buttons to life inside [data-paypal-pay]. What this page believes changes nothing: when the payer has
// approved, the browser goes to the return page, and the house asks PayPal itself. Without this, the link does the same.

for (const box of document.querySelectorAll("[data-paypal-pay]")) start(box);

function start(box) {
  const alert = box.querySelector("[data-payment-error]");
  const { order, returnUrl } = box.dataset;
  const words = JSON.parse(box.dataset.words);

  function say(message) {
    alert.textContent = message;
    alert.hidden = !message;
  }

  if (!window.paypal || typeof window.paypal.Buttons !== "function") return; // the link is there

  window.paypal
    .Buttons({
      createOrder: () => {
        say("");
        return Promise.resolve(order);
      },
      onApprove: () => {
        box.setAttribute("aria-busy", "true");
        window.location.assign(returnUrl);
      },
      onCancel: () => say(words.closed),
      onError: () => say(words.unreached),
    })
    .render(box.querySelector("[data-paypal-buttons]"))
    .catch(() => say(words.missing));
}
