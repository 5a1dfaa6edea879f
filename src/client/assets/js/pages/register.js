// @ts-check
import { fill, h } from "../element.js";
import { form } from "../form.js";
import { t } from "../text/text.js";
import { accountFields } from "./account-fields.js";
import { Page } from "./page.js";

/** Makes an account and signs in. */
export default class RegisterPage extends Page {
  get heading() {
    return t().register.heading;
  }

  draw() {
    fill(
      this,
      form({
        fields: accountFields(),
        action: t().register.action,
        submit: (values) => this.chat.login.register(/** @type {any} */ (values)),
      }),
      h("p", { class: "soft" }, t().register.haveAccount, " ", h("a", { href: "/sign-in" }, t().signIn.action)),
    );
  }
}
customElements.define("parlor-register", RegisterPage);
