// @ts-check
import { fill, h } from "../element.js";
import { field, form } from "../form.js";
import { fragment } from "../state/router.js";
import { t } from "../text/text.js";
import { accountFields } from "./account-fields.js";
import { Page } from "./page.js";

/** Makes the first admin, with the one-time token that the server printed. */
export default class SetupPage extends Page {
  /** It leaves the address bar, so that nobody reads it over a shoulder or in the history. */
  #token = fragment(location.hash).token;

  get heading() {
    return t().setup.heading;
  }

  draw() {
    if (this.#token) history.replaceState(null, "", location.pathname);
    const token = field({ name: "token", label: t().setup.token, hint: t().setup.tokenHint, autocomplete: "off", required: true });
    const submit = (/** @type {Record<string, string>} */ values) =>
      this.chat.login.setup(/** @type {any} */ ({ token: this.#token, ...values }));
    fill(
      this,
      h("p", { class: "soft" }, t().setup.text),
      form({ fields: [...(this.#token ? [] : [token]), ...accountFields()], action: t().setup.action, submit }),
    );
    this.seeWhetherOpen();
  }

  async seeWhetherOpen() {
    const open = await this.chat.login.setupOpen().catch(() => true);
    if (open || !this.isConnected) return;
    fill(this, h("p", { class: "notice" }, t().setup.done), h("a", { class: "button main", href: "/sign-in" }, t().signIn.action));
  }
}
customElements.define("parlor-setup", SetupPage);
