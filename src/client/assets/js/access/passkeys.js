// @ts-check
import { deviceName } from "../device.js";
import { h } from "../element.js";
import { field } from "../form.js";
import { Access } from "../state/access.js";
import { access } from "../text/access.js";
import { t } from "../text/text.js";
import { date, exactTime, shortTime } from "../text/times.js";
import { toast } from "../toast.js";
import { ask } from "./ask.js";
import { Card } from "./card.js";
import { proofFields } from "./proof.js";
import { createPasskey, passkeysExist } from "./webauthn.js";

/** @typedef {import("../state/types.js").Passkey} Passkey */

/** The passkeys that sign one in. */
export class PasskeysCard extends Card {
  /** @param {import("../state/chat.js").Chat} chat */
  constructor(chat) {
    super();
    this.access = new Access(chat.api);
    /** @type {Passkey[]} */
    this.list = [];
    /** @type {import("../state/access.js").TwoFactor | null} */
    this.guarded = null;
  }

  get heading() {
    return access().passkeys.heading;
  }

  async fetch() {
    this.list = await this.access.passkeys();
    this.guarded = await this.access.twoFactor();
    return this.list.length > 0 || passkeysExist();
  }

  content() {
    const { text, add } = access().passkeys;
    const button = { class: "button", type: "button", onclick: () => this.add() };
    return [
      h("p", { class: "soft" }, text),
      this.list.length > 0 && h("ul", { class: "rows" }, this.list.map((passkey) => this.row(passkey))),
      passkeysExist() && h("div", { class: "actions" }, h("button", button, add)),
    ];
  }

  /** @param {Passkey} passkey */
  row(passkey) {
    const { name, created_at: made, last_used_at: used } = passkey;
    const { rename, renameThat, remove, removeThat, added, used: lastUsed, never } = access().passkeys;
    const button = (/** @type {string} */ label, /** @type {string} */ whole, /** @type {() => void} */ onclick) =>
      h("button", { class: "button slim", type: "button", "aria-label": whole, onclick }, label);
    const last = used ? h("time", { datetime: used, title: exactTime(used) }, lastUsed(shortTime(used))) : never;
    return h(
      "li",
      {},
      h("div", {}, h("p", {}, name), h("p", { class: "soft small" }, added(date(made)), " · ", last)),
      h(
        "div",
        { class: "actions" },
        button(rename, renameThat(name), () => this.rename(passkey)),
        button(remove, removeThat(name), () => this.takeAway(passkey)),
      ),
    );
  }

  get proof() {
    return this.guarded ? proofFields(this.guarded) : [];
  }

  add() {
    const { add: title, wasAdded } = access().passkeys;
    ask({
      title,
      fields: [nameField(deviceName(navigator.userAgent)), ...this.proof],
      action: title,
      submit: async ({ name, ...proof }) => {
        await this.access.addPasskey(name, createPasskey, proof);
        toast(wasAdded);
        this.load();
      },
    });
  }

  /** @param {Passkey} passkey */
  rename({ id, name: before }) {
    ask({
      title: access().passkeys.rename,
      fields: [nameField(before)],
      action: t().common.save,
      submit: async ({ name }) => {
        await this.access.renamePasskey(id, name);
        this.load();
      },
    });
  }

  /** @param {Passkey} passkey */
  takeAway({ id, name }) {
    const { removeTitle: title, removeText, remove: action, wasRemoved } = access().passkeys;
    ask({
      title,
      text: [h("p", { class: "soft" }, removeText(name))],
      fields: this.proof,
      action,
      bad: true,
      submit: async (proof) => {
        await this.access.removePasskey(id, proof);
        toast(wasRemoved);
        this.load();
      },
    });
  }
}
customElements.define("parlor-passkeys", PasskeysCard);

/** @param {string} value */
function nameField(value) {
  const { name: label, nameHint: hint } = access().passkeys;
  return field({ name: "name", label, hint, value, autocomplete: "off", required: true, maxlength: 100 });
}
