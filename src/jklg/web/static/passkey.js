// Passkeys: the one thing that needs the browser's own help. Asks our page for the challenge, the browser for the answer,
// and sends that as an ordinary form.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function readable(options) {
  const found = { ...options, challenge: bytes(options.challenge) };
  if (options.user) found.user = { ...options.user, id: bytes(options.user.id) };
  for (const list of ["allowCredentials", "excludeCredentials"]) {
    if (options[list]) found[list] = options[list].map((each) => ({ ...each, id: bytes(each.id) }));
  }
  return found;
}

function written(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response, clientExtensionResults: {} });
}

async function ask(form) {
  const answer = await fetch(form.dataset.options, { method: "POST" });
  if (answer.redirected) { location.assign(answer.url); return false; }
  if (!answer.ok) throw new Error("refused");
  const { token, options } = await answer.json();
  const publicKey = readable(options);
  const credential = form.dataset.passkey === "create"
    ? await navigator.credentials.create({ publicKey })
    : await navigator.credentials.get({ publicKey });
  form.elements.token.value = token;
  form.elements.credential.value = written(credential);
  return true;
}

if (window.PublicKeyCredential && navigator.credentials) {
  for (const missing of document.querySelectorAll("[data-passkey-missing]")) missing.hidden = true;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const complaint = form.querySelector("[data-passkey-error]");
    const words = JSON.parse(form.dataset.words);
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (form.dataset.asking) return;
      form.dataset.asking = "yes";
      complaint.hidden = true;
      try {
        if (await ask(form)) form.submit();
      } catch (error) {
        complaint.textContent = words[error.name] ?? words.otherwise;
        complaint.hidden = false;
      } finally {
        delete form.dataset.asking;
      }
    }, { capture: true });
  }
}
