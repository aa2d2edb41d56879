// Shows times in the visitor's time zone, keeps the page of an order up to date, and sends each form once.
"use strict";

function showTimes(root) {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, {
    year: "numeric", month: "short", day: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short",
  });
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.textContent = format.format(new Date(time.dateTime));
  }
}

function sendOnce(event) {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  // A form that the visitor comes back to by the browser's history can be sent again.
  window.addEventListener("pageshow", () => delete form.dataset.sent, { once: true });
}

function follow(part) {
  const announcement = document.getElementById("announcement");
  let loading = false;
  let again = false;

  async function reload() {
    if (loading) {
      again = true;
      return;
    }
    loading = true;
    try {
      const response = await fetch(part.dataset.part, { headers: { Accept: "text/html" }, redirect: "error" });
      if (response.ok) show(await response.text());
    } catch {
      // The next event loads it.
    } finally {
      loading = false;
    }
    if (again) {
      again = false;
      await reload();
    }
  }

  function show(html) {
    const before = part.querySelector("#sentence").textContent;
    const typing = part.contains(document.activeElement) && document.activeElement.matches("input, select");
    const fresh = document.createElement("div");
    fresh.innerHTML = html;
    const sentence = fresh.querySelector("#sentence");
    if (!sentence || (typing && sentence.textContent === before)) return;
    part.replaceChildren(...fresh.childNodes);
    showTimes(part);
    if (sentence.textContent !== before) announcement.textContent = sentence.textContent;
  }

  const events = new EventSource(part.dataset.live);
  events.onmessage = reload;
  events.addEventListener("state", reload);
  events.onerror = () => {
    // The API ends the stream of an order that is closed. Messages and refunds may follow a little later.
    if (part.querySelector("[data-closed='1']")) {
      events.close();
      for (const seconds of [2, 6]) setTimeout(reload, seconds * 1000);
    }
  };
}

showTimes(document);
document.addEventListener("submit", sendOnce);
const live = document.getElementById("live");
if (live) follow(live);
