// @ts-check
import { fill, h } from "../element.js";
import { Access } from "../state/access.js";
import { fragment } from "../state/router.js";
import { access } from "../text/access.js";
import { problemText, t } from "../text/text.js";
import { framed } from "./framed.js";
import { Page } from "./page.js";

/** The token of the link while its owner signs in: it is written nowhere. */
let kept = "";

/** Confirms the e-mail address of who is signed in, with the one-time token of a mail. */
export default class VerifyPage extends Page {
  #token = fragment(location.hash).token || kept;

  get heading() {
    return access().verify.heading;
  }

  draw() {
    history.replaceState(null, "", location.pathname);
    kept = "";
    this.place = h("div", { class: "stack", role: "status" }, access().verify.busy);
    fill(this, framed(this.chat, this.place));
    this.verify();
  }

  async verify() {
    const { done, wrong, missing, signIn: told } = access().verify;
    if (!this.#token) return this.show("bad", missing);
    if (this.chat.login.state !== "in") {
      kept = this.#token;
      this.navigation.wanted = { name: "verify" };
      // The page is being shown just now; only then can another take its place.
      return queueMicrotask(() => this.navigation.go({ name: "signIn" }, { replace: true, told }));
    }
    try {
      await new Access(this.chat.api).verifyEmail(this.#token);
      this.show("", done);
    } catch (problem) {
      const { passes, code } = /** @type {import("../state/api.js").ApiProblem} */ (problem);
      if (!passes) return this.show("bad", code === "other_account" ? problemText(problem) : wrong);
      const again = { class: "button main", type: "button", onclick: () => this.verify() };
      return this.show("bad", problemText(problem), h("button", again, t().common.retry));
    }
    await this.chat.login.reload().catch(() => {});
  }

  /**
   * @param {string} kind
   * @param {string} text
   * @param {HTMLElement} [action]
   */
  show(kind, text, action) {
    const inside = this.chat.login.state === "in";
    const next = h("a", { class: "button main", href: inside ? "/profile" : "/sign-in" }, access().verify.on);
    if (this.place) fill(this.place, h("p", { class: `notice ${kind}` }, text), h("div", { class: "actions" }, action ?? next));
  }
}
customElements.define("parlor-verify", VerifyPage);
