// @ts-check
import { h } from "../element.js";
import { icon } from "../icons.js";
import { Access } from "../state/access.js";
import { access } from "../text/access.js";
import { problemText } from "../text/text.js";
import { toast } from "../toast.js";
import { ask } from "./ask.js";
import { Card } from "./card.js";
import { showCodes } from "./codes.js";
import { codeField, enrolmentView } from "./enrolment.js";
import { proofFields } from "./proof.js";

/** From so few recovery codes on, one is told to make new ones. */
const FEW = 3;

/** The second step of one's sign-in: on or off, and the codes for bad days. */
export class TwoFactorCard extends Card {
  /** @param {import("../state/chat.js").Chat} chat */
  constructor(chat) {
    super();
    this.access = new Access(chat.api);
    this.status = { password: true, totp: false, recovery_codes_left: 0, required: false };
  }

  get heading() {
    return access().twoFactor.heading;
  }

  async fetch() {
    this.status = await this.access.twoFactor();
    return true;
  }

  content() {
    const { totp, recovery_codes_left: count, required } = this.status;
    const { on, off, left, few, turnOn, turnOff, newCodes, required: demanded } = access().twoFactor;
    const button = (/** @type {string} */ name, /** @type {() => void} */ onclick) =>
      h("button", { class: "button", type: "button", onclick }, name);
    if (!totp) {
      return [
        h("p", { class: "soft" }, off, required && ` ${demanded}`),
        h("div", { class: "actions" }, button(turnOn, () => this.turnOn())),
      ];
    }
    return [
      h("p", { class: "status" }, icon("check"), `${on} · ${left(count)}`),
      count < FEW && h("p", { class: "notice warn" }, few),
      required && h("p", { class: "soft small" }, demanded),
      h("div", { class: "actions" }, button(newCodes, () => this.makeCodes()), !required && button(turnOff, () => this.turnOff())),
    ];
  }

  async turnOn() {
    const { turnOn: title, passwordText, continue: action } = access().twoFactor;
    const fields = proofFields(this.status);
    const begin = async (/** @type {import("../state/access.js").Proof} */ proof) =>
      this.enroll(await this.access.beginTotp(proof));
    if (fields.length === 0) return begin({}).catch((problem) => toast(problemText(problem)));
    ask({ title, text: [h("p", { class: "soft" }, passwordText)], fields, action, submit: begin });
  }

  /** @param {import("../state/types.js").Enrolment} enrolment */
  enroll(enrolment) {
    const { turnOn: title, turnedOn } = access().twoFactor;
    ask({
      title,
      text: [enrolmentView(enrolment)],
      fields: [codeField()],
      action: title,
      submit: async ({ code }) => this.told(await this.access.confirmTotp(code), turnedOn),
    });
  }

  makeCodes() {
    const { newCodes: title, newCodesText, make } = access().twoFactor;
    ask({
      title,
      text: [h("p", { class: "soft" }, newCodesText)],
      fields: proofFields(this.status),
      action: make,
      submit: async (proof) => this.told(await this.access.newCodes(proof)),
    });
  }

  turnOff() {
    const { turnOff: title, turnOffText, turnedOff } = access().twoFactor;
    ask({
      title,
      text: [h("p", { class: "soft" }, turnOffText)],
      fields: proofFields(this.status),
      action: title,
      submit: async (proof) => {
        await this.access.removeTotp(proof);
        toast(turnedOff);
        this.load();
      },
    });
  }

  /**
   * Shows new codes, once the dialog before is closed.
   *
   * @param {string[]} codes
   * @param {string} [said]
   */
  told(codes, said = "") {
    this.load();
    showCodes(codes).then(() => said && toast(said));
  }
}
customElements.define("parlor-two-factor", TwoFactorCard);
