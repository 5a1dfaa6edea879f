// @ts-check
import { attribute, fill, h } from "../element.js";
import { icon } from "../icons.js";
import { Composer } from "../room/composer.js";
import { PeopleView } from "../room/people-view.js";
import { names } from "../room/row-view.js";
import { TimelineView } from "../room/timeline-view.js";
import { styled } from "../style.js";
import { t } from "../text/text.js";
import { Page } from "./page.js";

await styled("room");

/** Where the people are beside the timeline; as in room.css. */
const WIDE = matchMedia("(min-width: 68rem)");
/** A machine with keys: whoever opens a room there wants to write. */
const KEYS = matchMedia("(hover: hover) and (pointer: fine)");

/** One room: what is said, who is there, and where one writes. */
export default class RoomPage extends Page {
  /** @param {import("./registry.js").Context} context */
  constructor(context) {
    super(context);
    const { route } = context.navigation;
    this.roomId = route.name === "room" ? route.room : "";
    this.timeline = new TimelineView(this.chat, this.roomId);
    this.timeline.wanted = (route.name === "room" && route.seq) || null;
    this.composer = new Composer(this.chat, this.roomId);
    this.people = new PeopleView(this.chat, this.roomId);
    this.typing = h("p", { class: "typing" });
    const writing = h("div", { class: "writing" }, this.typing, this.composer);
    this.conversation = h("div", { class: "conversation" }, this.timeline, writing);
    this.told = "";
    this.toggle = h(
      "button",
      {
        class: "button icon-only",
        type: "button",
        "aria-label": t().room.showPeople,
        title: t().room.showPeople,
        "aria-controls": "people",
        onclick: () => this.showPeople(!this.classList.contains("with-people")),
      },
      icon("people"),
    );
  }

  get room() {
    return this.chat.rooms.get(this.roomId);
  }

  get heading() {
    return this.room?.name ?? this.roomId;
  }

  get topic() {
    return this.room?.topic ?? "";
  }

  get tools() {
    return [this.toggle];
  }

  draw() {
    this.classList.add("room");
    fill(this, this.conversation, h("div", { class: "veil", onclick: () => this.closePeople() }), this.people);
    this.watch(this.chat.rooms, "changed", () => this.named());
    this.watch(this.chat.presence, "changed", (roomId) => roomId === this.roomId && this.drawTyping());
    this.watch(this.composer, "sent", () => this.timeline.toNewest());
    this.watch(document, "keydown", (event) => this.pressed(event));
    this.watch(this.people, "close", () => this.closePeople());
    this.watch(WIDE, "change", () => this.showPeople(false));
    this.showPeople(false);
    this.named();
    this.remember();
    this.seeWhetherItIsThere();
    if (KEYS.matches) queueMicrotask(() => this.composer.input.focus());
  }

  /** @param {import("../state/router.js").Route} route */
  moved(route) {
    if (route.name === "room" && route.seq) this.timeline.goTo(route.seq);
  }

  named() {
    const told = `${this.heading}\n${this.topic}`;
    if (told === this.told) return;
    this.told = told;
    this.composer.name(this.heading);
    this.rename();
  }

  drawTyping() {
    const people = this.chat.presence.typing(this.roomId);
    this.typing.textContent = people.length > 0 ? t().room.typing(names(people), people.length) : "";
  }

  /**
   * Where there is no room for them, the people come and go.
   *
   * @param {boolean} show
   */
  showPeople(show) {
    this.classList.toggle("with-people", show);
    attribute(this.toggle, "aria-expanded", String(WIDE.matches || show));
    attribute(this.people, "inert", !WIDE.matches && !show);
    attribute(this.conversation, "inert", show);
    if (show) this.people.focus();
  }

  closePeople() {
    this.showPeople(false);
    this.toggle.focus();
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.key === "Escape" && this.classList.contains("with-people")) this.closePeople();
  }

  /** The next visit begins here. */
  remember() {
    try {
      localStorage.setItem("parlor.room", this.roomId);
    } catch {
      // It begins elsewhere.
    }
  }

  /** A link may lead to a room that is gone, or never was. */
  async seeWhetherItIsThere() {
    const there = await this.chat.rooms.find(this.roomId);
    const { kind } = this.chat.connection.state;
    if (there || kind === "offline" || !this.isConnected || this.chat.rooms.state === "failed") return;
    this.classList.remove("room");
    fill(
      this,
      h(
        "div",
        { class: "empty" },
        h("p", { class: "soft" }, t().room.gone),
        h("a", { class: "button", href: "/" }, t().shell.home),
      ),
    );
  }
}
customElements.define("parlor-room", RoomPage);
