// @ts-check
import { avatar } from "../avatar.js";
import { View, fill, h } from "../element.js";
import { icon } from "../icons.js";
import { number } from "../text/times.js";
import { t } from "../text/text.js";

/** The most that are listed; beyond it a number says enough. */
const MOST = 200;

/** Who is in a room now, and who of them is typing. Fires "close" when it is to go away. */
export class PeopleView extends View {
  /**
   * @param {import("../state/chat.js").Chat} chat
   * @param {string} roomId
   */
  constructor(chat, roomId) {
    super();
    this.chat = chat;
    this.roomId = roomId;
    const label = t().common.close;
    const close = () => this.dispatchEvent(new Event("close"));
    this.closer = h("button", { class: "button icon-only closer", type: "button", "aria-label": label, title: label, onclick: close }, icon("close"));
  }

  appear() {
    this.className = "people";
    this.id = "people";
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", t().room.people);
    this.tabIndex = -1;
    this.watch(this.chat.presence, "changed", (roomId) => roomId === this.roomId && this.draw());
    this.draw();
  }

  draw() {
    const { online, people } = this.chat.presence.people(this.roomId);
    const typing = new Set(this.chat.presence.typing(this.roomId).map(({ id }) => id));
    const me = this.chat.login.user?.id;
    const entries = people.slice(0, MOST).map((person) =>
      h(
        "li",
        {},
        avatar(person),
        h(
          "span",
          { class: "who" },
          h("span", { class: "name" }, person.full_name),
          h("span", { class: "soft small" }, typing.has(person.id) ? t().room.isTyping : `@${person.username}`, person.id === me && ` ${t().room.you}`),
        ),
      ),
    );
    const more = online - entries.length;
    fill(
      this,
      h(
        "div",
        { class: "heading" },
        h("h2", {}, t().room.people, h("span", { class: "soft numbers" }, ` ${number(online)}`)),
        this.closer,
      ),
      h("ul", {}, entries),
      more > 0 && entries.length > 0 && h("p", { class: "soft small more" }, t().room.others(more)),
    );
  }
}
customElements.define("parlor-people", PeopleView);
