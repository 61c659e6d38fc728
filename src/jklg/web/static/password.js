// A password can be looked at before it is sent. Without this script the field is what it is.
for (const input of document.querySelectorAll("input[data-reveal]")) {
  const button = document.createElement("button");
  const label = document.querySelector(`label[for="${input.id}"]`)?.textContent.trim() ?? "";
  const show = (shown) => {
    input.type = shown ? "text" : "password";
    button.textContent = shown ? input.dataset.hide : input.dataset.reveal;
    button.setAttribute("aria-label", `${button.textContent}: ${label}`);
    button.setAttribute("aria-pressed", String(shown));
  };
  button.type = "button";
  button.className = "reveal";
  button.addEventListener("click", () => { show(input.type === "password"); input.focus(); });
  input.form.addEventListener("submit", () => show(false));
  const pair = document.createElement("div");
  pair.className = "reveal-pair";
  input.before(pair);
  pair.append(input, button);
  show(false);
}
