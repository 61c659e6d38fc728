// Stands in for Razorpay's checkout.js: a window with three buttons, which calls back as Razorpay does.
window.Razorpay = class {
  constructor(options) {
    this.options = options;
    this.listeners = {};
    this.base = new URL(document.querySelector("script[data-razorpay-sdk]").src).origin;
  }

  on(event, listener) {
    this.listeners[event] = listener;
  }

  open() {
    const { key, order_id, amount, currency } = this.options;
    const shown = document.createElement("dialog");
    shown.setAttribute("aria-label", `Razorpay ${amount} ${currency}`);
    const press = (words, act) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = words;
      button.addEventListener("click", act);
      shown.append(button);
    };
    const ask = async (what) => {
      const query = new URLSearchParams({ key, order_id, amount, currency });
      return (await fetch(`${this.base}/_browser/${what}?${query}`, { method: "POST" })).json();
    };
    press("Pay by UPI", async () => {
      const said = await ask("pay");
      shown.remove();
      this.options.handler(said);
    });
    press("Pay with a card that is declined", async () => this.listeners["payment.failed"](await ask("fail")));
    press("Close Razorpay", () => {
      shown.remove();
      this.options.modal.ondismiss();
    });
    document.body.append(shown);
    shown.showModal();
  }
};
