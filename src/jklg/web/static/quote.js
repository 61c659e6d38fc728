// Asks the house for the price again when the party or the extras change, and puts in what it answers.
const form = document.querySelector("form[data-quote]");
if (form) {
  const drives = (input) => input instanceof HTMLInputElement && input.type === "number";
  let waiting, running;

  async function ask() {
    running?.abort();
    running = new AbortController();
    form.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch("/checkout/quote", {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        signal: running.signal,
      });
      if (!answer.headers.get("content-type")?.startsWith("text/html")) return;
      const parts = new DOMParser().parseFromString(await answer.text(), "text/html").querySelectorAll("[data-part]");
      for (const part of parts) document.querySelector(`[data-part="${part.dataset.part}"]`)?.replaceWith(part);
      remember();
    } catch { /* no connection: the button below asks again */ } finally {
      form.removeAttribute("aria-busy");
    }
  }

  // A reload or the back button finds the same party and the same attempt again.
  function remember() {
    const address = new URL("/checkout", location.origin);
    for (const name of ["departure", "attempt"]) address.searchParams.set(name, form.elements[name].value);
    for (const input of form.querySelectorAll("input[type=number]")) {
      if (Number(input.value)) address.searchParams.set(input.name, input.value);
    }
    history.replaceState(null, "", address);
  }

  form.addEventListener("input", (event) => {
    if (!drives(event.target)) return;
    clearTimeout(waiting);
    waiting = setTimeout(ask, 250);
  });
}
