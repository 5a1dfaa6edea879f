// @ts-check
import { fill, h } from "../element.js";
import { field, form } from "../form.js";
import { Access } from "../state/access.js";
import { fragment } from "../state/router.js";
import { access } from "../text/access.js";
import { t } from "../text/text.js";
import { framed } from "./framed.js";
import { Page } from "./page.js";

/** Sets a new password, with the one-time token of a mail. */
export default class ResetPage extends Page {
  /** It leaves the address bar, so that nobody reads it over a shoulder or in the history. */
  #token = fragment(location.hash).token;

  get heading() {
    return access().reset.heading;
  }

  draw() {
    history.replaceState(null, "", location.pathname);
    if (!this.#token) return this.refuse();
    const password = field({
      name: "password",
      label: t().profile.newPassword,
      type: "password",
      hint: t().register.passwordHint,
      autocomplete: "new-password",
      required: true,
    });
    fill(this, framed(this.chat, form({ fields: [password], action: access().reset.action, submit: (values) => this.change(values) })));
  }

  /** @param {Record<string, string>} values */
  async change({ password }) {
    try {
      await new Access(this.chat.api).resetPassword(this.#token, password);
    } catch (problem) {
      const { status, fields } = /** @type {import("../state/api.js").ApiProblem} */ (problem);
      if (status < 400 || status >= 500 || status === 429 || fields?.password) throw problem;
      return this.refuse();
    }
    // Here, too, one is out now; the page should not wait to be told.
    this.chat.login.ended("ended");
    this.navigation.go({ name: "signIn" }, { replace: true, told: access().reset.done });
  }

  refuse() {
    const { wrong, again } = access().reset;
    fill(
      this,
      framed(this.chat, h("p", { class: "notice bad", role: "alert" }, wrong), h("p", {}, h("a", { href: "/forgot" }, again))),
    );
  }
}
customElements.define("parlor-reset", ResetPage);
