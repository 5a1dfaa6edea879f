// @ts-check
import { View, fill, h } from "../element.js";
import { field, form } from "../form.js";
import { SecondStep } from "../state/second-step.js";
import { styled } from "../style.js";
import { access } from "../text/access.js";
import { showCodes } from "./codes.js";
import { codeField, enrolmentView } from "./enrolment.js";

await styled("access");

/** The second step of a sign-in: a code, or first of all an app that makes them. */
export class SecondStepView extends View {
  /**
   * @param {import("../state/chat.js").Chat} chat
   * @param {import("../state/types.js").SecondFactor} factor
   * @param {(said: string) => void} back to the first step, for this reason if there is one
   */
  constructor(chat, factor, back) {
    super();
    this.step = new SecondStep(chat.api, chat.login, factor);
    this.back = back;
    /** The ticket has run out by then, and what was typed would be refused. */
    this.endsAt = Date.now() + factor.expires_in * 1000;
  }

  appear() {
    const timer = setTimeout(() => this.back(access().second.over), this.endsAt - Date.now());
    this.until(() => clearTimeout(timer));
    if (this.step.enrolls) this.showEnrolment();
    else this.showCode(true);
  }

  /** @param {boolean} app whether the code is one of the app's */
  showCode(app) {
    const { text, recoveryText, recoveryCode, useRecovery, useApp } = access().second;
    const input = app
      ? codeField()
      : field({ name: "code", label: recoveryCode, autocomplete: "off", required: true, maxlength: 64 });
    const other = { class: "button plain", type: "button", onclick: () => this.showCode(!app) };
    fill(
      this,
      h("p", { class: "soft" }, app ? text : recoveryText),
      this.form(input),
      this.others(this.step.recovers && h("button", other, app ? useRecovery : useApp)),
    );
    this.querySelector("input")?.focus();
  }

  async showEnrolment() {
    const { enrollText } = access().second;
    try {
      const enrolment = await this.step.enroll();
      fill(this, h("p", { class: "soft" }, enrollText), enrolmentView(enrolment), this.form(codeField()), this.others());
      this.querySelector("input")?.focus({ preventScroll: true });
    } catch (problem) {
      // Without it there is nothing to do here; the ticket counts for no more than this.
      this.back(/** @type {any} */ (problem).status === 401 ? access().second.over : "");
    }
  }

  /** @param {HTMLElement} input */
  form(input) {
    return form({
      fields: [input],
      action: access().second.action,
      submit: async ({ code }) => {
        try {
          const { codes } = await this.step.confirm(code);
          if (codes.length > 0) await showCodes(codes);
        } catch (problem) {
          if (/** @type {any} */ (problem).code !== "ticket_ended") throw problem;
          this.back(access().second.over);
        }
      },
    });
  }

  /** @param {...import("../element.js").Child} others what else one may do */
  others(...others) {
    const again = { class: "button plain", type: "button", onclick: () => this.back("") };
    return h("div", { class: "actions others" }, others, h("button", again, access().second.back));
  }
}
customElements.define("parlor-second-step", SecondStepView);
