// Parts of a page, reloaded every minute while the page is visible and the parts are not in use.
const PERIOD = 60_000;

// The page as a parsed document, so that no script has to write markup.
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
    return; // the header shows that the agent does not answer
  }
  for (const id of ids) {
    const old = document.getElementById(id);
    const update = fresh.getElementById(id);
    if (!old || !update || old.contains(document.activeElement) || old.matches(":hover")) continue;
    Object.assign(old.dataset, update.dataset);
    old.replaceChildren(...document.importNode(update, true).childNodes);
  }
}

export function refreshPeriodically(ids, wanted = () => true) {
  let due = Date.now() + PERIOD;
  const check = () => {
    if (document.hidden || Date.now() < due || !wanted()) return;
    due = Date.now() + PERIOD;
    refresh(ids);
  };
  setInterval(check, PERIOD / 10);
  document.addEventListener("visibilitychange", check);
}
