// @ts-check
import { SecondStepView } from "../access/second-step-view.js";
import { fill, h } from "../element.js";
import { fragment, oauthCode, parse } from "../state/router.js";
import { access } from "../text/access.js";
import { problemText, t } from "../text/text.js";
import { Page } from "./page.js";

/** Where a provider's sign-in comes back to, with a one-time code or with what went wrong. */
export default class CompletePage extends Page {
  /** It leaves the address bar at once: a code counts once, and errors are no place to come back to. */
  #given = fragment(location.hash);
  #heading = access().complete.heading;

  /** @param {import("./registry.js").Context} context */
  constructor(context) {
    super(context);
    history.replaceState(null, "", location.pathname);
  }

  get heading() {
    return this.#heading;
  }

  draw() {
    const { code, error, return_to: back } = this.#given;
    if (back) this.navigation.wanted = parse(back);
    if (code) return void this.exchange(code);
    this.fail(error ? problemText({ code: oauthCode(error) }) : access().complete.missing);
  }

  /** @param {string} code */
  async exchange(code) {
    fill(this, h("p", { class: "soft", role: "status" }, t().common.loading));
    try {
      const { second } = await this.chat.login.begin("/api/auth/oauth/exchange", { code });
      if (second) this.showSecond(second);
    } catch (problem) {
      this.fail(problemText(problem));
    }
  }

  /** @param {import("../state/types.js").SecondFactor} second */
  showSecond(second) {
    const { heading, enrollHeading } = access().second;
    this.name(second.methods.includes("enroll") ? enrollHeading : heading);
    const back = (/** @type {string} */ told) => this.navigation.go({ name: "signIn" }, { replace: true, told });
    fill(this, new SecondStepView(this.chat, second, back));
  }

  /** @param {string} why */
  fail(why) {
    this.name(access().complete.failed);
    fill(
      this,
      h("p", { class: "notice bad", role: "alert" }, why),
      h("a", { class: "button main", href: "/sign-in" }, access().complete.again),
    );
  }

  /** @param {string} heading */
  name(heading) {
    this.#heading = heading;
    this.rename();
  }
}
customElements.define("parlor-complete", CompletePage);
