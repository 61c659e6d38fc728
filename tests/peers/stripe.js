// Stands in for https://js.stripe.com/…/stripe.js in browser tests: a Payment Element that talks to the peer it came from.
// As strict as Stripe about the order of things: submit() before confirmPayment(), a client secret, a return_url.
(() => {
  const home = new URL(document.currentScript.src).origin;

  async function post(path, body) {
    const answer = await fetch(`${home}/_browser/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return answer.json();
  }

  function field(label, name, value, autocomplete) {
    const wrap = document.createElement("label");
    wrap.textContent = label;
    const input = document.createElement("input");
    Object.assign(input, { name, value, autocomplete, inputMode: "numeric" });
    wrap.append(input);
    return wrap;
  }

  // Wallets are there unless the page switches them off, in one of the ways that Stripe knows. (A real browser must have one, besides.)
  function wallets(elements, element) {
    const card = (elements.allowedPaymentMethodTypes || ["card"]).includes("card") && !(elements.excludedPaymentMethodTypes || []).includes("card");
    const switches = element.wallets || {};
    return [["applePay", "Apple Pay"], ["googlePay", "Google Pay"]].filter(([name]) => card && switches[name] !== "never").map(([, words]) => words);
  }

  class PaymentElement {
    constructor(offered) {
      this.handlers = {};
      this.offered = offered;
    }
    on(event, handler) {
      this.handlers[event] = handler;
      return this;
    }
    mount(where) {
      this.place = typeof where === "string" ? document.querySelector(where) : where;
      if (!this.place) throw new Error("IntegrationError: nowhere to mount");
      for (const words of this.offered) {
        const button = document.createElement("button");
        Object.assign(button, { type: "button", textContent: words });
        button.addEventListener("click", () => (this.wallet = words));
        this.place.append(button);
      }
      this.place.append(
        field("Card number", "number", "", "cc-number"),
        field("Expiry date", "expiry", "", "cc-exp"),
        field("Security code", "cvc", "", "cc-csc"),
      );
      setTimeout(() => this.handlers.ready && this.handlers.ready({ elementType: "payment" }), 20);
    }
    value(name) {
      return this.place.querySelector(`[name=${name}]`).value.trim();
    }
    ask() {
      return new Promise((resolve) => {
        const box = document.createElement("div");
        box.setAttribute("role", "dialog");
        box.setAttribute("aria-label", "Your bank asks");
        for (const [words, approve] of [["Approve", true], ["Refuse", false]]) {
          const button = document.createElement("button");
          button.type = "button";
          button.textContent = words;
          button.addEventListener("click", () => {
            box.remove();
            resolve(approve);
          });
          box.append(button);
        }
        this.place.append(box);
      });
    }
  }

  window.Stripe = (key) => {
    if (!/^pk_(test|live)_/.test(key)) throw new Error("IntegrationError: a publishable key is needed");
    return {
      elements(options) {
        if (!options || !options.clientSecret) throw new Error("IntegrationError: clientSecret is needed");
        if (options.paymentMethodTypes) throw new Error("IntegrationError: use allowedPaymentMethodTypes");
        return {
          clientSecret: options.clientSecret,
          create(type, more) {
            if (type !== "payment") throw new Error("IntegrationError: this stand-in has a payment element only");
            this.payment = new PaymentElement(wallets(options, more || {}));
            return this.payment;
          },
          async submit() {
            if (!this.payment.wallet && (!this.payment.value("number") || !this.payment.value("expiry") || !this.payment.value("cvc")))
              return { error: { type: "validation_error", message: "Please complete your card details." } };
            this.submitted = true;
            return {};
          },
        };
      },
      async confirmPayment({ elements, confirmParams, redirect }) {
        if (!elements.submitted) throw new Error("IntegrationError: call elements.submit() first");
        if (!confirmParams || !confirmParams.return_url) throw new Error("IntegrationError: return_url is needed");
        const who = { key, client_secret: elements.clientSecret };
        let answer = await post("confirm", { ...who, card: elements.payment.wallet ? "4242424242424242" : elements.payment.value("number") });
        if (answer.paymentIntent && answer.paymentIntent.status === "requires_action")
          answer = await post("authenticate", { ...who, approve: await elements.payment.ask() });
        if (!answer.error && redirect !== "if_required") {
          window.location.assign(confirmParams.return_url);
          return new Promise(() => {});
        }
        return answer;
      },
      retrievePaymentIntent: (clientSecret) => post("retrieve", { key, client_secret: clientSecret }),
    };
  };
})();
