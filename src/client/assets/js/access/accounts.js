// @ts-check
import { h } from "../element.js";
import { Access } from "../state/access.js";
import { access } from "../text/access.js";
import { problemText } from "../text/text.js";
import { date } from "../text/times.js";
import { toast } from "../toast.js";
import { ask } from "./ask.js";
import { Card } from "./card.js";
import { proofFields } from "./proof.js";

/**
 * @typedef {import("../state/types.js").Identity} Identity
 * @typedef {import("../state/types.js").Provider} Provider
 */

/** The accounts elsewhere that sign one in here. */
export class AccountsCard extends Card {
  /**
   * @param {import("../state/chat.js").Chat} chat
   * @param {Provider[]} providers
   */
  constructor(chat, providers) {
    super();
    this.access = new Access(chat.api);
    this.providers = providers;
    /** @type {Identity[]} */
    this.list = [];
    /** @type {import("../state/access.js").TwoFactor | null} */
    this.guarded = null;
  }

  get heading() {
    return access().accounts.heading;
  }

  async fetch() {
    this.list = await this.access.identities();
    this.guarded = await this.access.twoFactor();
    return this.list.length > 0 || this.providers.length > 0;
  }

  content() {
    const free = this.providers.filter(({ name }) => !this.list.some(({ provider }) => provider === name));
    return [
      h("p", { class: "soft" }, access().accounts.text),
      h("ul", { class: "rows" }, this.list.map((identity) => this.connected(identity)), free.map((provider) => this.free(provider))),
    ];
  }

  /** @param {Identity} identity */
  connected(identity) {
    const { label } = identity;
    const { disconnect, disconnectThat, since } = access().accounts;
    const button = {
      class: "button slim",
      type: "button",
      "aria-label": disconnectThat(label),
      onclick: () => this.disconnect(identity, label),
    };
    const about = [identity.name, since(date(identity.created_at))].filter(Boolean).join(" · ");
    return h(
      "li",
      {},
      h("div", {}, h("p", {}, label), h("p", { class: "soft small" }, about)),
      h("button", button, disconnect),
    );
  }

  /** @param {Provider} provider */
  free({ name, label }) {
    const { connect, connectThat, notConnected } = access().accounts;
    const button = { class: "button slim", type: "button", "aria-label": connectThat(label), onclick: () => this.connect(name, label) };
    return h(
      "li",
      {},
      h("div", {}, h("p", {}, label), h("p", { class: "soft small" }, notConnected)),
      h("button", button, connect),
    );
  }

  get proof() {
    return this.guarded ? proofFields(this.guarded) : [];
  }

  /**
   * @param {string} provider
   * @param {string} label
   */
  async connect(provider, label) {
    const { connect: action, connectThat } = access().accounts;
    const fields = this.proof;
    const go = async (/** @type {import("../state/access.js").Proof} */ proof) =>
      location.assign(await this.access.link(provider, proof));
    if (fields.length === 0) return go({}).catch((problem) => toast(problemText(problem)));
    ask({ title: connectThat(label), fields, action, submit: go });
  }

  /**
   * @param {Identity} identity
   * @param {string} label
   */
  disconnect({ id }, label) {
    const { disconnectTitle: title, disconnectText, disconnect: action, unlinked } = access().accounts;
    ask({
      title,
      text: [h("p", { class: "soft" }, disconnectText(label))],
      fields: this.proof,
      action,
      bad: true,
      submit: async (proof) => {
        await this.access.unlink(id, proof);
        toast(unlinked);
        this.load();
      },
    });
  }
}
customElements.define("parlor-accounts", AccountsCard);
