// What happens to a customer's journeys while a page is looked at: said at once, and whatever on the page it makes old is fetched anew.
// A page in the background listens to nothing: browsers allow few connections to one house, and it hears of everything when it is back.
const said = document.querySelector("[data-tidings-live]");
const known = new Set(said.dataset.tidingsKnown?.split(" "));
let since = said.dataset.tidingsSince ?? "";
let stream = null;
let renewal = 0;

const renew = async () => {
  const old = document.querySelectorAll("[data-renew]");
  if (!old.length) return;
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of old) {
    const now = page.querySelector(`[data-renew="${part.dataset.renew}"]`);
    if (now && !part.contains(document.activeElement)) part.replaceWith(now);
  }
};
const hear = (event) => {
  const tiding = JSON.parse(event.data);
  since = event.lastEventId || since;
  if (known.has(tiding.id)) return;
  known.add(tiding.id);
  const line = Object.assign(document.createElement("p"), { className: "tiding-said" });
  line.append(Object.assign(document.createElement("a"), { href: tiding.leads, textContent: tiding.says }));
  said.replaceChildren(line);
  clearTimeout(renewal);
  renewal = setTimeout(renew, 250); // several things often happen in one moment
};
const open = () => {
  if (stream || document.hidden) return;
  stream = new EventSource(`${said.dataset.tidingsLive}${since ? `?since=${encodeURIComponent(since)}` : ""}`);
  stream.addEventListener("tiding", hear);
  stream.addEventListener("over", close);
};
const close = () => {
  stream?.close();
  stream = null;
};
document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
addEventListener("pagehide", close);
addEventListener("pageshow", open);
open();
