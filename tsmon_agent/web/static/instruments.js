// All instruments, whose states change as the agent finds them.
import "./theme_button.js";
import { badge } from "./figures.js";
import { connect } from "./live.js";

connect("streams", {
  streams(message) {
    const show = (place, state) => {
      if (state && place.firstElementChild?.dataset.state !== state) place.replaceChildren(badge(state));
    };
    for (const place of document.querySelectorAll("[data-instrument]")) show(place, message.instruments[place.dataset.instrument]);
    for (const place of document.querySelectorAll("[data-site]")) show(place, message.sites[place.dataset.site]);
  },
});
