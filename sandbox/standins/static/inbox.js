// Adds new messages to the top of the list without changing messages that are already shown.
"use strict";

const list = document.getElementById("messages");
const empty = document.getElementById("empty");
const live = document.getElementById("live");
const announcement = document.getElementById("new-messages");
const total = document.getElementById("total");
const title = document.title;
// The page is in English.
const format = new Intl.DateTimeFormat("en", {
  year: "numeric", month: "short", day: "numeric", hour: "numeric", minute: "2-digit", second: "2-digit",
  timeZoneName: "short",
});
let unseen = 0;

live.closest("label").hidden = false;

async function poll() {
  const query = new URLSearchParams(location.search);
  query.set("after", list.dataset.newest);
  const response = await fetch(`/messages?${query}`);
  if (!response.ok) return;
  const now = Number(response.headers.get("X-Total"));
  if (now < Number(list.dataset.total)) return location.reload();
  show(now, await response.text());
}

function show(now, html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelectorAll("li");
  total.textContent = list.dataset.total = now;
  if (!fresh.length) return;
  list.prepend(...fresh);
  list.dataset.newest = fresh[0].dataset.id;
  fresh.forEach((message) => { message.classList.add("fresh"); localise(message); });
  empty.hidden = true;
  announcement.textContent = fresh.length === 1 ? "1 new message" : `${fresh.length} new messages`;
  if (document.hidden) document.title = `(${(unseen += fresh.length)}) ${title}`;
}

function localise(root) {
  for (const time of root.querySelectorAll("time")) {
    time.title = time.dateTime;
    time.textContent = format.format(new Date(time.dateTime));
  }
}

document.addEventListener("visibilitychange", () => {
  unseen = 0;
  document.title = title;
});

localise(document);
setInterval(() => { if (live.checked) poll().catch(() => {}); }, 2000);
