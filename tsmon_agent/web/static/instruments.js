// All instruments, whose states change as the agent finds them.
import "./theme_button.js";
import { badge } from "./figures.js";
import { connect } from "./live.js";

connect("streams", {
  streams(message) {
    for (const place of document.querySelectorAll("[data-instrument]")) {
      const state = message.instruments[place.dataset.instrument];
      if (state && place.firstElementChild?.dataset.state !== state) place.replaceChildren(badge(state));
    }
  },
});
