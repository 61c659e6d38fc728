// Tries the API from its description: fills the path, sends the request, shows what came back.
for (const form of document.querySelectorAll("form[data-try]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const out = form.querySelector("output");
    let path = form.dataset.path;
    const query = new URLSearchParams();
    const headers = {};
    let body;
    for (const input of form.querySelectorAll("[data-in]")) {
      if (input.dataset.in === "body") body = input.value;
      else if (!input.value) continue;
      else if (input.dataset.in === "path") path = path.replace(`{${input.name}}`, encodeURIComponent(input.value));
      else if (input.dataset.in === "query") query.set(input.name, input.value);
      else if (input.dataset.in === "header") headers[input.name] = input.value;
    }
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const address = query.size ? `${path}?${query}` : path;
    out.hidden = false;
    const pre = out.querySelector("pre");
    try {
      const answer = await fetch(address, { method: form.dataset.method, headers, body, credentials: "omit" });
      const text = await answer.text();
      let shown = text;
      try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: as it came */ }
      pre.textContent = `${answer.status} ${answer.statusText}\n\n${shown}`;
    } catch (error) {
      pre.textContent = `No answer: ${error.message}`;
    }
  });
}
