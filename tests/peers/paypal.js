// Stands in for PayPal's browser script: one button that shows PayPal's window as a frame of its own would be too much here,
// so it asks "createOrder", approves at the peer's page in a popup-less way, and calls back as PayPal does.
window.paypal = {
  Buttons(options) {
    return {
      render(where) {
        const host = typeof where === "string" ? document.querySelector(where) : where;
        const base = new URL(document.querySelector("script[data-paypal-sdk]").src).origin;
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = "PayPal";
        button.addEventListener("click", async () => {
          const orderID = await options.createOrder();
          const said = await fetch(`${base}/_browser/approve?token=${encodeURIComponent(orderID)}`, { method: "POST" });
          if (said.ok) await options.onApprove({ orderID });
          else options.onError(new Error("PayPal"));
        });
        const leave = document.createElement("button");
        leave.type = "button";
        leave.textContent = "Close PayPal";
        leave.addEventListener("click", () => options.onCancel({}));
        host.append(button, leave);
        return Promise.resolve();
      },
    };
  },
};
