// @ts-check
import { TokensCard } from "../access/tokens.js";
import { adminTabs } from "../admin/tabs.js";
import { fill, h } from "../element.js";
import { field } from "../form.js";
import { admin } from "../text/admin.js";
import { t } from "../text/text.js";
import { Page } from "./page.js";

/** The tokens of programs that act as nobody but themselves. */
export default class ServiceTokensPage extends Page {
  get heading() {
    return admin().serviceTokens.heading;
  }

  draw() {
    fill(this, h("div", { class: "column" }, adminTabs(this.chat.login.user), new ServiceTokens(this.chat, "/api/admin/service-tokens")));
  }
}
customElements.define("parlor-service-tokens-page", ServiceTokensPage);

/** As a user's own, with an account for each service. */
class ServiceTokens extends TokensCard {
  get heading() {
    return admin().serviceTokens.heading;
  }

  get text() {
    return admin().serviceTokens.text;
  }

  further() {
    const { account, accountHint, roleHint } = admin().serviceTokens;
    return [
      field({ name: "username", label: account, hint: accountHint, autocomplete: "off", required: true }),
      field({ name: "full_name", label: t().register.fullName, autocomplete: "off" }),
      field({ name: "role", label: t().people.role, hint: roleHint, autocomplete: "off", maxlength: 32 }),
    ];
  }

  /** Whose tokens these are signs in nowhere. */
  async proof() {
    return [];
  }
}
customElements.define("parlor-service-tokens", ServiceTokens);
