// Parts of a page, asked for again now and then while somebody looks and does not use them.
const PERIOD = 60_000;

// As a document, which needs no markup to be written by a script.
function load() {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    request.responseType = "document";
    request.addEventListener("load", () => (request.status === 200 ? resolve(request.response) : reject(request.status)));
    request.addEventListener("error", reject);
    request.send();
  });
}

export async function refresh(ids) {
  let fresh;
  try {
    fresh = await load();
  } catch {
    return; // the header says that the agent is away
  }
  for (const id of ids) {
    const old = document.getElementById(id);
    const update = fresh.getElementById(id);
    if (!old || !update || old.contains(document.activeElement) || old.matches(":hover")) continue;
    Object.assign(old.dataset, update.dataset);
    old.replaceChildren(...document.importNode(update, true).childNodes);
  }
}

export function refreshing(ids, wanted = () => true) {
  let due = Date.now() + PERIOD;
  const look = () => {
    if (document.hidden || Date.now() < due || !wanted()) return;
    due = Date.now() + PERIOD;
    refresh(ids);
  };
  setInterval(look, PERIOD / 10);
  document.addEventListener("visibilitychange", look);
}
