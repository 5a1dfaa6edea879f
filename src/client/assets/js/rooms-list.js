// @ts-check
import { showDialog } from "./dialog.js";
import { View, attribute, fill, h } from "./element.js";
import { field, form } from "./form.js";
import { icon } from "./icons.js";
import { number, shortTime } from "./text/times.js";
import { t } from "./text/text.js";

/** @typedef {import("./state/rooms.js").Room} Room */

/** The rooms, with what is unread in each. */
export class RoomsList extends View {
  /** @param {import("./pages/registry.js").Context} context */
  constructor(context) {
    super();
    this.context = context;
    this.chat = context.chat;
    /** @type {Map<string, {room: Room, link: HTMLAnchorElement, item: HTMLElement}>} */
    this.known = new Map();
    this.items = h("ul", {});
    this.state = h("p", { class: "state soft small" });
  }

  appear() {
    this.className = "rooms";
    const create = { class: "button plain slim", type: "button", onclick: () => this.askForRoom() };
    fill(
      this,
      h(
        "div",
        { class: "heading" },
        h("h2", { id: "rooms-heading" }, t().shell.rooms),
        h("button", create, icon("plus"), t().rooms.create),
      ),
      h("nav", { "aria-labelledby": "rooms-heading" }, this.items),
      this.state,
    );
    this.watch(this.chat.rooms, "changed", () => this.draw());
    this.watch(this.context.navigation, "changed", () => this.mark());
    this.draw();
  }

  draw() {
    const { list, state } = this.chat.rooms;
    const empty = list.length === 0;
    this.state.hidden = !empty;
    this.state.textContent = { loading: t().common.loading, failed: t().rooms.failed, ready: t().rooms.none }[state];
    let next = this.items.firstElementChild;
    for (const room of list) {
      const item = this.itemOf(room);
      // What stands where it belongs is not touched, or it would lose the focus.
      if (item === next) next = item.nextElementSibling;
      else this.items.insertBefore(item, next);
    }
    const ids = new Set(list.map(({ id }) => id));
    for (const [id, { item }] of [...this.known]) {
      if (ids.has(id)) continue;
      item.remove();
      this.known.delete(id);
    }
    this.mark();
  }

  /** @param {Room} room */
  itemOf(room) {
    const known = this.known.get(room.id);
    if (known?.room === room) return known.item;
    const link = known?.link ?? h("a", { class: "entry", href: `/rooms/${room.id}` });
    const item = known?.item ?? h("li", {}, link);
    this.known.set(room.id, { room, link, item });
    const { unread, lastMessageAt } = room;
    link.classList.toggle("unread", unread > 0);
    fill(
      link,
      h("span", { class: "sign", "aria-hidden": "true" }, "#"),
      h("span", { class: "name" }, room.name),
      unread > 0
        ? h(
            "span",
            { class: "count numbers" },
            h("span", { "aria-hidden": "true" }, unread > 99 ? "99+" : number(unread)),
            h("span", { class: "unseen" }, ` ${t().rooms.unread(unread)}`),
          )
        : lastMessageAt && h("time", { class: "soft small", datetime: lastMessageAt, "aria-hidden": "true" }, shortTime(lastMessageAt)),
    );
    return item;
  }

  mark() {
    const { route } = this.context.navigation;
    for (const [id, { link }] of this.known) {
      attribute(link, "aria-current", route.name === "room" && route.room === id ? "page" : null);
    }
  }

  askForRoom() {
    const { create, name, topic, topicHint, action } = t().rooms;
    showDialog(create, (close) => [
      form({
        fields: [
          field({ name: "name", label: name, required: true, maxlength: 100, autocomplete: "off" }),
          field({ name: "topic", label: topic, hint: topicHint, maxlength: 250, autocomplete: "off" }),
        ],
        action,
        more: [h("button", { class: "button", type: "button", onclick: close }, t().common.cancel)],
        submit: async ({ name, topic }) => {
          const form = topic.trim() ? { name: name.trim(), topic: topic.trim() } : { name: name.trim() };
          const room = await this.chat.rooms.create(form);
          close();
          this.context.navigation.go({ name: "room", room: room.id });
        },
      }),
    ]);
  }
}
customElements.define("parlor-rooms", RoomsList);
