// @ts-check
import { View, attribute, fill, h } from "../element.js";
import { icon } from "../icons.js";
import { number } from "../text/times.js";
import { t } from "../text/text.js";
import { toast } from "../toast.js";
import { showWritingHelp } from "./writing-help.js";

/** The longest message, in characters, as the server has it. */
const LONGEST = 4000;
/** From here on it is told how many are left. */
const TELL_BELOW = 400;
/** What the server takes of control characters is newline and tab; paste may bring others. */
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Where a message is written. Fires "sent" once it is in the outbox. */
export class Composer extends View {
  /**
   * @param {import("../state/chat.js").Chat} chat
   * @param {string} roomId
   */
  constructor(chat, roomId) {
    super();
    this.chat = chat;
    this.roomId = roomId;
    this.left = h("p", { class: "left numbers", id: "composer-left", hidden: true });
    this.input = h("textarea", {
      class: "input",
      rows: 1,
      "aria-label": t().room.message,
      "aria-describedby": "composer-left",
      enterkeyhint: "send",
      oninput: () => this.changed(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.pressed(event),
    });
    // As high as a copy of the text: to measure the field itself would move the timeline above it.
    this.grow = h("div", { class: "grow" }, this.input);
    this.button = h(
      "button",
      { class: "button main icon-only", type: "submit", "aria-label": t().room.send, title: t().room.send },
      icon("send"),
    );
  }

  appear() {
    this.className = "composer";
    const label = t().help.heading;
    const help = { class: "button icon-only", type: "button", "aria-label": label, title: label, onclick: showWritingHelp };
    fill(
      this,
      h(
        "form",
        { onsubmit: (/** @type {Event} */ event) => this.send(event) },
        this.grow,
        h("button", help, icon("help")),
        this.button,
      ),
      this.left,
    );
    this.watch(this.chat.drafts, "changed", (roomId) => roomId === this.roomId && this.restore());
    this.restore();
  }

  /** Says whom one writes to. @param {string} name */
  name(name) {
    this.input.placeholder = t().room.writeTo(name);
  }

  /** What was begun here, or in another tab. */
  restore() {
    const draft = this.chat.drafts.get(this.roomId);
    if (draft !== this.input.value) this.input.value = draft;
    this.show();
  }

  changed() {
    const text = this.input.value;
    this.chat.drafts.set(this.roomId, text).catch(() => {});
    if (text.trim()) this.chat.typing(this.roomId);
    this.show();
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    // Enter may also choose what an input method proposes; Safari tells that by a number only.
    const chooses = event.isComposing || event.keyCode === 229;
    if (event.key !== "Enter" || event.shiftKey || chooses) return;
    event.preventDefault();
    this.send(event);
  }

  /** @param {Event} event */
  async send(event) {
    event.preventDefault();
    const text = this.input.value.replace(UNPRINTABLE, "").replace(/^\n+|\s+$/g, "");
    if (!text || lengthOf(text) > LONGEST) return;
    this.input.value = "";
    this.changed();
    this.input.focus();
    const kept = this.chat.send(this.roomId, text);
    this.dispatchEvent(new Event("sent", { bubbles: true }));
    try {
      await kept;
    } catch {
      // Nothing is kept when the disk is full; it is sent as long as this tab is open.
      toast(t().room.notKept);
    }
  }

  show() {
    const left = LONGEST - lengthOf(this.input.value);
    const blank = !this.input.value.trim();
    attribute(this.button, "aria-disabled", blank || left < 0 ? "true" : null);
    attribute(this.input, "aria-invalid", left < 0 ? "true" : null);
    this.left.hidden = left >= TELL_BELOW;
    this.left.classList.toggle("over", left < 0);
    if (!this.left.hidden) this.left.textContent = left < 0 ? t().room.tooLong(number(-left)) : t().room.left(number(left));
    this.grow.dataset.text = this.input.value;
  }
}
customElements.define("parlor-composer", Composer);

/**
 * As the server counts: a letter beyond 16 bits is one.
 *
 * @param {string} text
 */
function lengthOf(text) {
  if (text.length <= LONGEST - TELL_BELOW) return text.length;
  return [...text].length;
}
