// @ts-check
import { fill, h, View } from "../element.js";
import { icon } from "../icons.js";
import { passkeySignIn } from "../state/access.js";
import { providerAddress } from "../state/methods.js";
import { styled } from "../style.js";
import { access } from "../text/access.js";
import { problemText } from "../text/text.js";
import { passkeysExist, usePasskey } from "./webauthn.js";

await styled("access");

/** The ways in besides a password. */
export class Ways extends View {
  /**
   * @param {import("../state/chat.js").Chat} chat
   * @param {import("../state/types.js").Methods} methods
   * @param {string} back the path of the page that is wanted
   */
  constructor(chat, methods, back) {
    super();
    this.chat = chat;
    this.methods = methods;
    this.back = back;
    this.problem = h("p", { class: "notice bad", role: "alert", hidden: true });
  }

  appear() {
    const { or, with: continueWith, passkey } = access().signIn;
    const { providers, passkeys } = this.methods;
    const byPasskey = passkeys && passkeysExist();
    if (providers.length === 0 && !byPasskey) return;
    const button = { class: "button", type: "button", onclick: () => this.signIn() };
    fill(
      this,
      h("p", { class: "or" }, or),
      this.problem,
      byPasskey && h("button", button, icon("key"), passkey),
      providers.map((provider) =>
        h("a", { class: "button", href: providerAddress(provider, this.back) }, continueWith(provider.label)),
      ),
    );
  }

  async signIn() {
    this.problem.hidden = true;
    const { api, login } = this.chat;
    try {
      await passkeySignIn(api, login, (options) => usePasskey(options));
    } catch (problem) {
      const refused = /** @type {any} */ (problem).status === 401;
      this.problem.textContent = problemText(refused ? { code: "wrong_passkey" } : problem);
      this.problem.hidden = false;
    }
  }
}
customElements.define("parlor-ways", Ways);
