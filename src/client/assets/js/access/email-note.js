// @ts-check
import { View, fill, h } from "../element.js";
import { icon } from "../icons.js";
import { Access } from "../state/access.js";
import { styled } from "../style.js";
import { access } from "../text/access.js";
import { problemText } from "../text/text.js";
import { toast } from "../toast.js";

await styled("access");

/** Whether one's e-mail address is proved, and how to prove it. Servers without mail have nothing to say. */
export class EmailNote extends View {
  /**
   * @param {import("../state/chat.js").Chat} chat
   * @param {boolean} mail the server sends mail
   */
  constructor(chat, mail) {
    super();
    this.chat = chat;
    this.mail = mail;
  }

  appear() {
    this.watch(this.chat.login, "changed", () => this.draw());
    this.draw();
  }

  draw() {
    const { verified, unverified, again } = access().email;
    const known = this.chat.login.user?.email_verified;
    this.hidden = known === undefined || (!known && !this.mail);
    if (known) return fill(this, h("p", { class: "status small soft" }, icon("check"), verified));
    const button = { class: "button slim", type: "button", onclick: () => this.send() };
    fill(
      this,
      h("div", { class: "notice warn stack" }, h("p", {}, unverified), h("div", { class: "actions" }, h("button", button, again))),
    );
  }

  async send() {
    try {
      await new Access(this.chat.api).sendVerification();
      toast(access().email.sent);
    } catch (problem) {
      toast(problemText(problem));
    }
  }
}
customElements.define("parlor-email-note", EmailNote);
