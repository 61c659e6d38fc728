// Counts down the seconds that the server said were left. The visitor's own clock is never asked.
for (const clock of document.querySelectorAll("[data-seconds-left]")) {
  const began = performance.now();
  const seconds = Number(clock.dataset.secondsLeft);
  const spoken = document.querySelector("[data-countdown-said]");
  const words = JSON.parse(spoken?.dataset.words ?? "{}");
  const show = () => {
    const left = Math.max(0, Math.ceil(seconds - (performance.now() - began) / 1000));
    clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    if (words[left]) spoken.textContent = words[left];
    if (left === 0) {
      clearInterval(timer);
      setTimeout(() => location.reload(), 1500);
    }
  };
  const timer = setInterval(show, 500);
  show();
}
// A page brought back from the browser's memory counts from then; the server knows better.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
