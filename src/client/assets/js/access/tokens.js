// @ts-check
import { permissionText } from "../admin/permission.js";
import { confirmed, showDialog } from "../dialog.js";
import { h } from "../element.js";
import { field } from "../form.js";
import { roleName } from "../role.js";
import { Access } from "../state/access.js";
import { may } from "../state/rights.js";
import { access } from "../text/access.js";
import { date, exactTime, shortTime } from "../text/times.js";
import { ask } from "./ask.js";
import { Card } from "./card.js";
import { choices } from "./choices.js";
import { copyButton } from "./codes.js";
import { proofFields } from "./proof.js";

/** @typedef {import("../state/types.js").ApiToken} ApiToken */

/** For how long a token may be good, in days; 0: for ever. */
const LIFETIMES = [30, 90, 365, 0];

/** The tokens of programs: made, shown once, revoked. */
export class TokensCard extends Card {
  /**
   * @param {import("../state/chat.js").Chat} chat
   * @param {string} [path] of the tokens: one's own, or those of services
   */
  constructor(chat, path = "/api/auth/tokens") {
    super();
    this.api = chat.api;
    this.login = chat.login;
    this.path = path;
    /** @type {ApiToken[]} */
    this.list = [];
  }

  get heading() {
    return access().tokens.heading;
  }

  get text() {
    return access().tokens.text;
  }

  /** What else is asked of who makes one. @returns {HTMLElement[]} */
  further() {
    return [];
  }

  async fetch() {
    this.list = (await this.api.get(this.path)).data;
    return true;
  }

  content() {
    const button = { class: "button", type: "button", onclick: () => this.add() };
    return [
      h("p", { class: "soft" }, this.text),
      this.list.length > 0 && h("ul", { class: "rows" }, this.list.map((token) => this.row(token))),
      h("div", { class: "actions" }, h("button", button, access().tokens.add)),
    ];
  }

  /** @param {ApiToken} token */
  row(token) {
    const { name, scopes, expires_at: end, last_used_at: used, account } = token;
    const { revoke, revokeThat, until, ended, used: lastUsed, never, forever } = access().tokens;
    const button = { class: "button slim", type: "button", "aria-label": revokeThat(name), onclick: () => this.revoke(token) };
    const lasts = !end ? forever : Date.parse(end) > Date.now() ? until(date(end)) : ended(date(end));
    const last = used ? h("time", { datetime: used, title: exactTime(used) }, lastUsed(shortTime(used))) : never;
    return h(
      "li",
      {},
      h(
        "div",
        {},
        h("p", {}, name, account && h("span", { class: "soft" }, ` · @${account.username}, ${roleName(account.role)}`)),
        h("p", { class: "soft small" }, lasts, " · ", last),
        h("p", { class: "soft small word" }, scopes.join(", ")),
      ),
      h("button", button, revoke),
    );
  }

  async add() {
    const { add: title, name, nameHint: hint, expires, days, forever, scopes, make } = access().tokens;
    const offered = await this.scopes();
    const proof = await this.proof();
    const chosen = choices({ label: scopes, options: offered });
    const lasting = LIFETIMES.map((count) => h("option", { value: count }, count ? days(count) : forever));
    const lifetime = h("select", { class: "input", id: "token-lifetime" }, lasting);
    ask({
      title,
      fields: [
        ...this.further(),
        field({ name: "name", label: name, hint, autocomplete: "off", required: true, maxlength: 100 }),
        h("div", { class: "field" }, h("label", { for: lifetime.id }, expires), lifetime),
        chosen.element,
        ...proof,
      ],
      action: make,
      submit: async (values) => {
        if (chosen.chosen().length === 0) throw { code: "no_scope" };
        const count = Number(lifetime.value);
        const ends = count ? { expires_at: new Date(Date.now() + count * 86_400_000).toISOString() } : {};
        // What was left empty is for the server to choose.
        const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value.trim()));
        const { token } = await this.api.post(this.path, { ...given, scopes: chosen.chosen(), ...ends });
        this.load();
        this.tell(token);
      },
    });
  }

  /** What it takes to believe that the owner asks. @returns {Promise<HTMLElement[]>} */
  async proof() {
    return proofFields(await new Access(this.api).twoFactor());
  }

  /** What a token may be made for: nobody gives what he has not. @returns {Promise<import("./choices.js").Choice[]>} */
  async scopes() {
    const { data } = await this.api.get("/api/permissions");
    const offered = data.filter((/** @type {{name: string}} */ { name }) => may(this.login.user, name));
    return offered.map((/** @type {{name: string, about: string}} */ permission) => {
      const { name } = permission;
      return { value: name, name, about: permissionText(permission), checked: false };
    });
  }

  /** @param {string} token */
  tell(token) {
    const { made, madeText, token: label } = access().tokens;
    showDialog(
      made,
      (close) => [
        h("p", { class: "soft" }, madeText),
        h("code", { class: "secret", "aria-label": label }, token),
        h("div", { class: "actions" }, copyButton(token)),
        h("div", { class: "actions end" }, h("button", { class: "button main", type: "button", onclick: close }, access().tokens.kept)),
      ],
      { stays: true },
    );
  }

  /** @param {ApiToken} token */
  async revoke({ id, name }) {
    const { revokeTitle: title, revokeText, revoke: action, revoked } = access().tokens;
    if (!(await confirmed({ title, text: revokeText(name), action, bad: true }))) return;
    await this.change(() => this.api.delete(`${this.path}/${id}`), revoked);
  }
}
customElements.define("parlor-tokens", TokensCard);
