// @ts-check
import { View, fill, h } from "./element.js";
import { t } from "./text/text.js";

/** How the line to the server is: hardly to be seen while it is well. */
export class ConnectionView extends View {
  /** @param {import("./state/chat.js").Chat} chat */
  constructor(chat) {
    super();
    this.chat = chat;
    /** @type {any} */
    this.timer = null;
    // Told aloud when it changes; the seconds that count down beside it are not.
    this.word = h("span", { role: "status" });
    this.seconds = h("span", { class: "numbers", "aria-hidden": "true" });
    this.unsent = h("span", { role: "status" });
    this.retry = h(
      "button",
      { class: "button plain slim", type: "button", onclick: () => this.chat.connection.retry() },
      t().connection.retry,
    );
  }

  appear() {
    this.className = "connection";
    fill(this, h("span", { class: "light" }), this.word, this.seconds, this.unsent, this.retry);
    this.watch(this.chat.connection, "changed", () => this.draw());
    this.watch(this.chat.outbox, "changed", () => this.draw());
    this.timer = setInterval(() => this.count(), 500);
    this.draw();
  }

  vanish() {
    clearInterval(this.timer);
  }

  draw() {
    const { kind } = this.chat.connection.state;
    const waiting = kind === "live" ? 0 : this.chat.outbox.count;
    this.dataset.kind = kind;
    const unsent = waiting > 0 ? `· ${t().connection.unsent(waiting)}` : "";
    const word = t().connection[kind];
    if (this.word.textContent !== word) this.word.textContent = word;
    if (this.unsent.textContent !== unsent) this.unsent.textContent = unsent;
    this.title = kind === "live" ? t().connection.live : "";
    this.unsent.hidden = !unsent;
    this.retry.hidden = kind !== "waiting" && kind !== "ended";
    this.count();
  }

  count() {
    const { state } = this.chat.connection;
    const left = state.kind === "waiting" ? Math.max(0, Math.ceil((state.until - Date.now()) / 1000)) : 0;
    this.seconds.textContent = left > 0 ? t().connection.in(left) : "";
  }
}
customElements.define("parlor-connection", ConnectionView);
