// Asks for the price again when another date is ticked or the party changes. Without this, a button does the same.
const form = document.querySelector("form[data-picker]");
if (form) {
  let waiting, running;

  async function ask() {
    running?.abort();
    running = new AbortController();
    const part = form.querySelector('[data-part="price"]');
    part?.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(`${form.dataset.picker}?${new URLSearchParams(new FormData(form))}`, { signal: running.signal });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector('[data-part="price"]');
      if (fresh) form.querySelector('[data-part="price"]')?.replaceWith(fresh);
    } catch { /* no connection: the next page tells the price */ } finally {
      part?.removeAttribute("aria-busy");
    }
  }

  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 200);
  });
}
