// A second press on a button that is already at work does nothing. The server would not mind; people do.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.querySelector("[data-no-connection]")?.remove();
    if (form.dataset.offline && navigator.onLine === false) {
      event.preventDefault();
      complain(form, event.submitter);
      return;
    }
    form.dataset.sent = "yes";
    for (const button of form.querySelectorAll("button:not([type=button])")) button.setAttribute("aria-busy", "true");
    setTimeout(() => { delete form.dataset.sent; }, 8000);
  });
}
// Without a connection the browser would show a page of its own, and what was typed would be gone.
function complain(form, button) {
  const said = document.createElement("p");
  said.className = "notice notice-danger";
  said.setAttribute("role", "alert");
  said.dataset.noConnection = "";
  said.textContent = form.dataset.offline;
  (button ?? form.lastElementChild).before(said);
}

addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  }
});
