// @ts-check
import { fill, h } from "../element.js";
import { field, form } from "../form.js";
import { Access } from "../state/access.js";
import { access } from "../text/access.js";
import { t } from "../text/text.js";
import { framed } from "./framed.js";
import { Page } from "./page.js";

/** Sends a link to who has forgotten the password. */
export default class ForgotPage extends Page {
  get heading() {
    return access().forgot.heading;
  }

  draw() {
    const { text, action, back } = access().forgot;
    const home = this.chat.login.state !== "in" && h("p", {}, h("a", { href: "/sign-in" }, back));
    const email = field({ name: "email", label: t().signIn.email, type: "email", autocomplete: "username", required: true });
    const submit = async (/** @type {Record<string, string>} */ values) => {
      await new Access(this.chat.api).forgotPassword(values.email.trim());
      fill(this, framed(this.chat, h("p", { class: "notice", role: "status" }, access().forgot.sent), home));
    };
    fill(this, framed(this.chat, h("p", { class: "soft" }, text), form({ fields: [email], action, submit }), home));
  }
}
customElements.define("parlor-forgot", ForgotPage);
