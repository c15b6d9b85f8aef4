// The page of all instruments, with live statuses.
import "./theme_button.js";
import { showBadge } from "./badges.js";
import { connect } from "./live.js";

connect("streams", {
  streams(message) {
    for (const place of document.querySelectorAll("[data-instrument]")) {
      showBadge(place, message.instruments[place.dataset.instrument]);
    }
    for (const place of document.querySelectorAll("[data-site]")) showBadge(place, message.sites[place.dataset.site]);
  },
});
