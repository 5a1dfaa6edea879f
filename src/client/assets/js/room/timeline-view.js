// @ts-check
import { View, attribute, fill, h } from "../element.js";
import { icon } from "../icons.js";
import { t } from "../text/text.js";
import { rowHeight, rowView } from "./row-view.js";
import { VirtualList } from "./virtual-list.js";

/** @typedef {import("./row-view.js").StartRow} StartRow */

/** How long the end must be in view before what comes there is told aloud. */
const SETTLED_MS = 1_000;

/** One room's messages, of which those near the view are in the document. */
export class TimelineView extends View {
  /**
   * @param {import("../state/chat.js").Chat} chat
   * @param {string} roomId
   */
  constructor(chat, roomId) {
    super();
    this.chat = chat;
    this.roomId = roomId;
    this.timeline = chat.open(roomId);
    /** The message to begin at. @type {number | null} */
    this.wanted = null;
    /** Whether it is on the way to where it begins, and whether it is there: before, nothing was seen. */
    this.placing = false;
    this.placed = false;
    this.frame = 0;
    /** @type {StartRow} */
    this.start = { kind: "start", key: "start", what: "loading", room: "" };
    this.rows = h("div", { class: "rows", "aria-live": "off" });
    /** @type {any} */
    this.settling = null;
    this.log = h(
      "div",
      { class: "log", role: "log", "aria-label": t().room.messages, "aria-live": "polite", tabindex: "0" },
      this.rows,
    );
    this.state = h("div", { class: "state", hidden: true });
    this.count = h("span", {});
    this.jump = h(
      "button",
      { class: "button jump", type: "button", "aria-live": "polite", hidden: true, onclick: () => this.toNewest() },
      this.count,
      icon("down"),
    );
    this.actions = {
      me: () => chat.login.user,
      retry: (/** @type {string} */ id) => chat.outbox.retry(id),
      discard: (/** @type {string} */ id) => chat.outbox.discard(id),
    };
  }

  appear() {
    this.className = "timeline";
    fill(this, this.log, this.state, this.jump);
    this.list = new VirtualList(this.log, this.rows, {
      render: (/** @type {any} */ row) => rowView(row, this.actions),
      estimate: (/** @type {any} */ row) => rowHeight(row, this.log.clientWidth),
      moved: () => this.moved(),
    });
    this.watch(this.timeline, "changed", () => this.drawSoon());
    this.watch(this.chat.rooms, "changed", () => this.drawSoon());
    this.watch(document, "visibilitychange", () => this.looked());
    this.draw();
  }

  vanish() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.settling);
    this.list?.end();
    this.timeline.leave();
  }

  /** Many changes of one moment are drawn once. */
  drawSoon() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  draw() {
    const { timeline, list } = this;
    if (!list || !this.isConnected) return;
    this.drawState();
    const known = this.chat.rooms.state !== "loading" && timeline.state === "ready";
    const what = timeline.hasOlder || timeline.state !== "ready" ? "loading" : "beginning";
    const room = this.chat.rooms.get(this.roomId)?.name ?? this.roomId;
    if (what !== this.start.what || room !== this.start.room) {
      this.start = { kind: "start", key: "start", what, room };
    }
    list.show(timeline.state === "ready" ? [this.start, ...timeline.rows] : timeline.rows);
    if (known && !this.placing) this.place();
  }

  /** Where somebody begins to read: at what was asked for, at what is unread, or at the end. */
  async place() {
    this.placing = true;
    const seq = this.wanted;
    if (seq !== null) return this.goTo(seq);
    const marked = () => this.timeline.rows.some((row) => row.kind === "unread");
    const { unread = 0, read = 0 } = this.chat.rooms.get(this.roomId) ?? {};
    // More than one page brings: it begins farther up.
    if (unread > 0 && !marked()) await this.timeline.openAt(read + 1);
    if (!this.isConnected) return;
    this.placed = true;
    if (marked()) {
      this.draw();
      this.list?.goTo("unread", 0.2);
    } else await this.toNewest();
  }

  /**
   * Shows a message and what was said around it.
   *
   * @param {number} seq
   */
  async goTo(seq) {
    this.wanted = seq;
    if (this.timeline.state !== "ready") return;
    this.wanted = null;
    await this.timeline.openAt(seq);
    if (!this.isConnected) return;
    this.placed = true;
    const isIt = (/** @type {any} */ row) => row.kind === "message" && row.message.seq === seq;
    const row = this.timeline.rows.find(isIt);
    if (!row) return;
    this.draw();
    this.list?.goTo(row.key);
    this.list?.elementOf(row.key)?.classList.add("pointed");
  }

  drawState() {
    const { state, rows } = this.timeline;
    const failed = state === "failed";
    this.state.hidden = state === "ready" || rows.length > 0;
    attribute(this.log, "aria-busy", state === "loading" ? "true" : null);
    const again = { class: "button", type: "button", onclick: () => this.timeline.retry() };
    if (failed) fill(this.state, h("p", {}, t().room.loadFailed), h("button", again, t().common.retry));
    else if (!this.state.hidden) fill(this.state, h("p", {}, t().common.loading));
  }

  /** The view or what is in it has changed. */
  moved() {
    const { timeline, list } = this;
    if (!list || !this.placed) return;
    if (list.nearTop && timeline.hasOlder && !timeline.loadingOlder) timeline.loadOlder();
    if (list.nearEnd && timeline.hasNewer && !timeline.loadingNewer) timeline.loadNewer();
    this.read();
    this.drawJump();
  }

  /** What was seen was read. */
  read() {
    if (document.visibilityState !== "visible" || !this.list) return;
    const atEnd = this.list.following && !this.timeline.hasNewer;
    const seen = atEnd ? this.timeline.newestSeq : lastSeq(this.list.seen);
    if (seen > 0) this.chat.rooms.markRead(this.roomId, seen);
  }

  /** Somebody is back: what came meanwhile stands below the marker. */
  looked() {
    if (document.visibilityState !== "visible") return;
    if ((this.chat.rooms.get(this.roomId)?.unread ?? 0) > 0) this.timeline.enter();
    this.moved();
  }

  drawJump() {
    const atEnd = Boolean(this.list?.following) && !this.timeline.hasNewer;
    this.tellAloud(atEnd);
    this.jump.hidden = atEnd;
    if (this.jump.hidden) return;
    const unread = this.chat.rooms.get(this.roomId)?.unread ?? 0;
    const text = unread > 0 ? t().room.newMessages(unread) : t().room.jump;
    if (this.count.textContent !== text) this.count.textContent = text;
    this.jump.classList.toggle("main", unread > 0);
  }

  /** Shows the end, and stays there. */
  async toNewest() {
    if (this.jump.contains(document.activeElement)) this.log.focus({ preventScroll: true });
    await this.timeline.loadNewest();
    if (!this.isConnected) return;
    this.draw();
    this.list?.follow();
  }

  /**
   * Lets a screen reader tell what comes at the end, and nothing of what only scrolls into the
   * document.
   *
   * @param {boolean} atEnd
   */
  tellAloud(atEnd) {
    if (!atEnd) {
      clearTimeout(this.settling);
      this.settling = null;
      attribute(this.rows, "aria-live", "off");
    } else if (this.settling === null) {
      this.settling = setTimeout(() => attribute(this.rows, "aria-live", null), SETTLED_MS);
    }
  }
}
customElements.define("parlor-timeline", TimelineView);

/** @param {any[]} rows */
function lastSeq(rows) {
  for (let at = rows.length - 1; at >= 0; at -= 1) {
    if (rows[at].kind === "message" && rows[at].message.seq > 0) return rows[at].message.seq;
  }
  return 0;
}
