// @ts-check
import { fill, h } from "../element.js";
import { t } from "../text/text.js";
import { Page } from "./page.js";

/** Leads to the room where one was last, or else to the one where somebody spoke last. */
export default class HomePage extends Page {
  get heading() {
    return t().shell.rooms;
  }

  draw() {
    this.watch(this.chat.rooms, "changed", () => this.leave());
    this.leave();
  }

  leave() {
    const { rooms } = this.chat;
    const room = rooms.get(lastRoom() ?? "general") ?? rooms.list[0];
    if (room) return this.navigation.go({ name: "room", room: room.id }, { replace: true });
    const text = { loading: t().common.loading, failed: t().rooms.failed, ready: t().rooms.none }[rooms.state];
    const again = { class: "button", type: "button", onclick: () => rooms.reload() };
    fill(
      this,
      h(
        "div",
        { class: "empty" },
        h("p", { class: "soft" }, text),
        rooms.state === "failed" && h("button", again, t().common.retry),
      ),
    );
  }
}
customElements.define("parlor-home", HomePage);

function lastRoom() {
  try {
    return localStorage.getItem("parlor.room");
  } catch {
    return null;
  }
}
