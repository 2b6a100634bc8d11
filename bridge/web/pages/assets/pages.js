// Makes some things quicker. Every page works without it, and nothing is decided here.
"use strict";

// The viewer's time zone, for the pages after this one.
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.split("; ").some((one) => one.startsWith("bridge_zone="))) {
    document.cookie = `bridge_zone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax` +
      (location.protocol === "https:" ? "; secure" : "");
  }
})();

// Ids are copied with one click.
for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  const label = button.innerHTML;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select it by hand";
    }
    setTimeout(() => { button.innerHTML = label; }, 2000);
  });
}

// A form is sent once, however often its button is pressed.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    for (const button of form.querySelectorAll("button[type=submit]")) button.setAttribute("aria-disabled", "true");
  });
}
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button[aria-disabled]")) button.removeAttribute("aria-disabled");
  }
});

// All boxes of a list at once.
for (const box of document.querySelectorAll("input[data-all]")) {
  box.closest("label").hidden = false;
  const others = document.querySelectorAll(`input[type=checkbox][name="${box.dataset.all}"]`);
  box.addEventListener("change", () => { for (const one of others) if (!one.disabled) one.checked = box.checked; });
}

// A page that waits for something done elsewhere looks whether it is, and nothing moves before.
const watched = document.querySelector("[data-watch]");
if (watched) {
  let looks = 360;
  const changed = () => {
    const typed = [...document.querySelectorAll("main input")].some((one) => one.value !== one.defaultValue);
    if (typed) watched.querySelector("[data-news]").hidden = false; else location.reload();
  };
  const look = async () => {
    if (document.visibilityState === "visible") {
      looks -= 1;
      try {
        const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
        if (answer.status === 404) { location.assign(watched.dataset.gone); return; }
        if (answer.ok) {
          const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-watch]");
          if (!found || found.dataset.watch !== watched.dataset.watch) { changed(); return; }
        }
      } catch { /* it cannot be reached just now: the next look tells */ }
    }
    if (looks > 0) setTimeout(look, 5000);
  };
  setTimeout(look, 2000);
}

// A page that waits for something looks again by itself.
const waiting = document.querySelector("[data-reload]");
if (waiting) setTimeout(() => location.reload(), Number(waiting.dataset.reload) * 1000);
