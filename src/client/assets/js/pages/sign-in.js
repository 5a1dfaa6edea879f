// @ts-check
import { fill, h } from "../element.js";
import { field, form } from "../form.js";
import { t } from "../text/text.js";
import { Page } from "./page.js";

/** Lets somebody in who has an account. */
export default class SignInPage extends Page {
  get heading() {
    return t().signIn.heading;
  }

  draw() {
    const { email, password, action } = t().signIn;
    const { reason } = this.chat.login;
    const told = reason === "account_closed" ? t().signIn.closed : reason === "ended" ? t().signIn.ended : "";
    fill(
      this,
      told && h("p", { class: "notice warn", role: "status" }, told),
      form({
        fields: [
          field({ name: "email", label: email, autocomplete: "username", required: true }),
          field({ name: "password", label: password, type: "password", autocomplete: "current-password", required: true }),
        ],
        action,
        submit: (values) => this.signIn(values),
      }),
      h("p", { class: "soft" }, t().signIn.noAccount, " ", h("a", { href: "/register" }, t().signIn.register)),
    );
    this.offerSetup();
  }

  /** @param {Record<string, string>} values */
  async signIn({ email: name, password }) {
    const who = name.includes("@") ? { email: name.trim() } : { username: name.trim() };
    try {
      await this.chat.login.signIn({ ...who, password });
    } catch (problem) {
      const { status, code } = /** @type {import("../state/api.js").ApiProblem} */ (problem);
      if (status !== 401 && status !== 400) throw problem;
      throw code === "rate_limited" ? problem : { code: "wrong_credentials" };
    }
  }

  /** On the very first start there is nobody who could sign in. */
  async offerSetup() {
    const open = await this.chat.login.setupOpen().catch(() => false);
    if (!open || !this.isConnected) return;
    this.prepend(h("p", { class: "notice", role: "status" }, t().signIn.setupOpen));
  }
}
customElements.define("parlor-sign-in", SignInPage);
