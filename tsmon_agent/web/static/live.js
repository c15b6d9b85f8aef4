// The WebSocket of a page: reconnects when it breaks, and shows in the header whether the page is live.
const FIRST_DELAY = 500;
const LONGEST_DELAY = 15_000;
const SILENCE = 16_000; // the agent sends a message at least every 5 seconds

const indicator = document.getElementById("live");

function showState(state, words) {
  if (indicator.dataset.live === state) return;
  indicator.dataset.live = state;
  indicator.querySelector(".live-word").textContent = words;
}

// `handlers` by type of message; `hello` is the first message of every connection.
export function connect(page, handlers) {
  const address = new URL(`${document.documentElement.dataset.base}/live?page=${page}`, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  let since = document.documentElement.dataset.now;
  let delay = FIRST_DELAY;
  let socket = null;
  let silence = 0;
  let retry = 0;

  function open() {
    clearTimeout(retry);
    if (page === "streams") address.searchParams.set("since", since);
    socket = new WebSocket(address);
    const mine = socket;
    const listen = () => {
      clearTimeout(silence);
      silence = setTimeout(() => lost(mine), SILENCE);
    };
    listen();
    mine.addEventListener("message", (event) => {
      if (mine !== socket) return;
      listen();
      const message = JSON.parse(event.data);
      since = message.at ?? since;
      if (message.type === "hello") {
        if (message.version !== document.documentElement.dataset.version) location.reload();
        delay = FIRST_DELAY;
        showState("on", "live");
      }
      handlers[message.type]?.(message);
    });
    mine.addEventListener("close", () => lost(mine));
  }

  function lost(which) {
    if (which !== socket) return;
    socket = null;
    which.close();
    clearTimeout(silence);
    showState("off", "not live, reconnecting");
    retry = setTimeout(open, delay * (0.5 + Math.random() / 2));
    delay = Math.min(delay * 2, LONGEST_DELAY);
  }

  const reconnect = () => {
    if (socket === null) open();
  };
  addEventListener("online", reconnect);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) reconnect();
  });
  addEventListener("pagehide", () => {
    const last = socket;
    socket = null;
    clearTimeout(silence);
    last?.close();
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) reconnect();
  });
  open();
}
