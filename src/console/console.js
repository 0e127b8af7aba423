"use strict";
// Everything works without this script; it only saves steps.
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  for (const form of document.querySelectorAll("form[data-zone]")) form.elements.zone.value = zone;
  // The code of a link is in its fragment, which browsers send to nobody.
  const take = () => {
    const code = location.hash.slice(1);
    const form = document.querySelector("form[data-code]");
    if (!form || code.length !== 43) return;
    history.replaceState(null, "", location.pathname + location.search);
    form.elements.code.value = code;
    if (form.dataset.code === "send") form.requestSubmit();
    else form.elements.password.focus();
  };
  take();
  // Of a link that is opened where the page is open already.
  addEventListener("hashchange", take);
  // A second click on a button would only be refused.
  document.addEventListener("submit", (event) => {
    for (const button of event.target.querySelectorAll("button")) {
      setTimeout(() => { button.disabled = true; });
      setTimeout(() => { button.disabled = false; }, 5000);
    }
  });
  // A file that is too large isn't sent only to be refused.
  const sending = document.querySelector("form[data-max]");
  if (sending) {
    const wrong = sending.querySelector("[data-too-large]");
    sending.addEventListener("submit", (event) => {
      const file = sending.elements.file.files[0];
      wrong.hidden = !file || file.size <= Number(sending.dataset.max);
      if (!wrong.hidden) { event.preventDefault(); event.stopPropagation(); sending.elements.file.focus(); }
    });
  }
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => navigator.clipboard.writeText(button.dataset.copy));
  }
  // A part that changes by itself is taken from the page asked for again, when the server says so,
  // or every second where no stream of events gets through.
  const live = document.querySelector("[data-live]");
  if (live) {
    const again = async () => {
      const text = await (await fetch(location.href)).text();
      const next = new DOMParser().parseFromString(text, "text/html").querySelector("[data-live]");
      if (next) live.replaceChildren(...next.childNodes); else location.reload();
      return next;
    };
    const poll = () => again().then((next) => next && setTimeout(poll, 1000), () => setTimeout(poll, 3000));
    const source = new EventSource(live.dataset.live);
    source.onmessage = again;
    source.onerror = () => { source.close(); setTimeout(poll, 1000); };
  }
})();
