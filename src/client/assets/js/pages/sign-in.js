// @ts-check
import { SecondStepView } from "../access/second-step-view.js";
import { Ways } from "../access/ways.js";
import { fill, h } from "../element.js";
import { field, form } from "../form.js";
import { signInMethods } from "../state/methods.js";
import { pathOf } from "../state/router.js";
import { access } from "../text/access.js";
import { t } from "../text/text.js";
import { Page } from "./page.js";

/** Lets somebody in who has an account. */
export default class SignInPage extends Page {
  /** @type {import("../state/types.js").SecondFactor | null} */
  #second = null;

  get heading() {
    if (!this.#second) return t().signIn.heading;
    const { heading, enrollHeading } = access().second;
    return this.#second.methods.includes("enroll") ? enrollHeading : heading;
  }

  draw() {
    const { reason } = this.chat.login;
    const why = reason === "account_closed" ? t().signIn.closed : reason === "ended" ? t().signIn.ended : "";
    this.showFirst(this.navigation.takeTold() || why);
    this.offerSetup();
  }

  /** @param {string} told */
  async showFirst(told) {
    const { email, password, action, noAccount, register } = t().signIn;
    this.#second = null;
    this.rename();
    const forgot = h("a", { href: "/forgot", hidden: true }, access().signIn.forgot);
    const ways = h("div", { hidden: true });
    const invitation = h("p", { class: "soft" }, noAccount, " ", h("a", { href: "/register" }, register));
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
      forgot,
      ways,
      invitation,
    );
    const methods = await signInMethods(this.chat.api);
    forgot.hidden = !methods.mail;
    invitation.hidden = !methods.registration;
    ways.replaceWith(new Ways(this.chat, methods, pathOf(this.navigation.wanted ?? { name: "home" })));
  }

  /** @param {Record<string, string>} values */
  async signIn({ email: name, password }) {
    const who = name.includes("@") ? { email: name.trim() } : { username: name.trim() };
    try {
      const { second } = await this.chat.login.signIn({ ...who, password });
      if (second) this.showSecond(second);
    } catch (problem) {
      const { status, code } = /** @type {import("../state/api.js").ApiProblem} */ (problem);
      if (status !== 401 && status !== 400) throw problem;
      throw code === "rate_limited" ? problem : { code: "wrong_credentials" };
    }
  }

  /** @param {import("../state/types.js").SecondFactor} second */
  showSecond(second) {
    this.#second = second;
    this.rename();
    fill(this, new SecondStepView(this.chat, second, (told) => this.showFirst(told)));
  }

  /** On the very first start there is nobody who could sign in. */
  async offerSetup() {
    const open = await this.chat.login.setupOpen().catch(() => false);
    if (!open || !this.isConnected) return;
    this.prepend(h("p", { class: "notice", role: "status" }, t().signIn.setupOpen));
  }
}
customElements.define("parlor-sign-in", SignInPage);
