// For other people's sites: turns <a data-book="slug" href="…"> into a frame with the next dates and prices. Sets no cookie, reads nothing of
// the page but these links, and loads nothing but the frame. Whatever goes wrong, the link stays.
(() => {
  const house = new URL(document.currentScript.src).origin;
  const frames = [];
  const begin = () => {
    for (const link of document.querySelectorAll("a[data-book]")) {
      const frame = document.createElement("iframe");
      const language = /^[a-z]{2}$/.test(link.dataset.language || "") ? `/${link.dataset.language}` : "";
      frame.src = `${house}${language}/embed/packages/${encodeURIComponent(link.dataset.book)}`;
      frame.title = link.textContent.trim();
      frame.style.cssText = "display:block;inline-size:100%;block-size:0;border:0";
      link.after(frame);
      frames.push([frame, link]);
    }
  };
  addEventListener("message", (event) => {
    const height = event.origin === house && event.data && event.data.jklgHeight;
    if (!(height > 0 && height < 5000)) return;
    for (const [frame, link] of frames) {
      if (event.source !== frame.contentWindow) continue;
      frame.style.blockSize = `${Math.ceil(height)}px`;
      link.hidden = true;
    }
  });
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", begin);
  else begin();
})();
