// @ts-check
import { AccountsCard } from "../access/accounts.js";
import { ask } from "../access/ask.js";
import { EmailNote } from "../access/email-note.js";
import { PasskeysCard } from "../access/passkeys.js";
import { passwordField } from "../access/proof.js";
import { TokensCard } from "../access/tokens.js";
import { TwoFactorCard } from "../access/two-factor.js";
import { avatar } from "../avatar.js";
import { fill, h } from "../element.js";
import { field, form } from "../form.js";
import { Logins } from "../logins.js";
import { roleName } from "../role.js";
import { Access } from "../state/access.js";
import { signInMethods } from "../state/methods.js";
import { fragment, oauthCode } from "../state/router.js";
import { styled } from "../style.js";
import { access } from "../text/access.js";
import { problemText, t } from "../text/text.js";
import { date } from "../text/times.js";
import { toast } from "../toast.js";
import { Page } from "./page.js";

await styled("profile");

/** What may be empty: the server clears it then. */
const CLEARABLE = ["phone_number", "bio"];

/** Oneself: what others see, how one gets in, and where one is signed in. */
export default class ProfilePage extends Page {
  get heading() {
    return t().profile.heading;
  }

  draw() {
    const user = this.chat.login.user;
    if (!user) return;
    this.card = h("div", { class: "who" });
    this.logins = new Logins(this.chat);
    this.secret = h("div", {}, this.password(user));
    /** @type {import("../access/card.js").Card[]} */
    this.cards = [];
    /** What the server may know besides passwords stands here, once that is known. */
    this.ways = h("div", { hidden: true });
    fill(
      this,
      h(
        "div",
        { class: "column slim" },
        this.card,
        section("about", t().profile.about, this.about(user)),
        section("password", t().profile.password, this.secret),
        this.ways,
        section("logins", t().profile.logins, this.logins),
        new TokensCard(this.chat),
      ),
    );
    this.watch(this.chat.login, "changed", () => this.drawCard());
    this.drawCard();
    this.drawWays();
    this.offerPassword(user);
  }

  /**
   * Who came by a provider may have no password yet.
   *
   * @param {import("../state/types.js").User} user
   */
  async offerPassword(user) {
    const guarded = await new Access(this.chat.api).twoFactor().catch(() => null);
    if (guarded && !guarded.password && this.secret) fill(this.secret, this.password(user, true));
  }

  async drawWays() {
    const { mail, passkeys, providers } = await signInMethods(this.chat.api);
    this.tellLink(providers);
    this.querySelector("#profile-about")?.after(new EmailNote(this.chat, mail));
    this.cards = [
      new TwoFactorCard(this.chat),
      ...(passkeys ? [new PasskeysCard(this.chat)] : []),
      new AccountsCard(this.chat, providers),
    ];
    this.ways?.replaceWith(...this.cards);
  }

  /**
   * Tells who comes back from a provider what became of the connection.
   *
   * @param {import("../state/types.js").Provider[]} providers
   */
  tellLink(providers) {
    const { linked, error } = fragment(location.hash);
    if (!linked && !error) return;
    history.replaceState(null, "", location.pathname);
    if (error) return toast(problemText({ code: oauthCode(error) }));
    const label = providers.find(({ name }) => name === linked)?.label ?? linked;
    toast(access().accounts.linked(label));
  }

  drawCard() {
    const user = this.chat.login.user;
    if (!user || !this.card) return;
    const since = t().profile.since(date(user.created_at, "long"));
    fill(
      this.card,
      avatar(user),
      h(
        "div",
        {},
        h("p", { class: "name" }, user.full_name),
        h("p", { class: "soft" }, `@${user.username} · ${roleName(user.role)}`),
        h("p", { class: "soft small" }, since),
      ),
    );
  }

  /** @param {import("../state/types.js").User} user */
  about(user) {
    const { fullName, username, usernameHint, email } = t().register;
    const { phone, bio, bioHint } = t().profile;
    return form({
      fields: [
        field({ name: "full_name", label: fullName, value: user.full_name, autocomplete: "name", required: true }),
        field({
          name: "username",
          label: username,
          hint: usernameHint,
          value: user.username,
          autocomplete: "username",
          required: true,
        }),
        field({
          name: "email",
          label: email,
          type: "email",
          value: user.email ?? "",
          autocomplete: "email",
          required: true,
        }),
        field({
          name: "phone_number",
          label: phone,
          type: "tel",
          value: user.phone_number ?? "",
          autocomplete: "tel",
        }),
        field({ name: "bio", label: bio, type: "textarea", hint: bioHint, value: user.bio ?? "", maxlength: 500 }),
      ],
      action: t().common.save,
      submit: (values) => this.save(values),
    });
  }

  /**
   * @param {Record<string, string>} values
   * @param {Record<string, string>} [proof]
   */
  async save(values, proof = {}) {
    try {
      await this.chat.login.update({ ...changes(values), ...proof });
      toast(t().common.saved);
    } catch (problem) {
      const { fields } = /** @type {import("../state/api.js").ApiProblem} */ (problem);
      if (fields?.current_password?.code !== "required") throw problem;
      ask({
        title: access().email.change,
        fields: [passwordField("current_password")],
        action: t().common.save,
        submit: (given) => this.save(values, given),
      });
    }
  }

  /**
   * @param {import("../state/types.js").User} user
   * @param {boolean} [first] there is none yet
   */
  password(user, first = false) {
    const { newPassword, setPassword, passwordSet, changePassword, passwordChanged } = t().profile;
    const own = field({ name: "username", label: "", value: user.username, autocomplete: "username" });
    // For what keeps passwords: it files the new one under this name.
    own.hidden = true;
    const element = form({
      fields: [
        own,
        ...(first ? [] : [passwordField("current_password")]),
        field({
          name: "password",
          label: newPassword,
          type: "password",
          hint: t().register.passwordHint,
          autocomplete: "new-password",
          required: true,
        }),
      ],
      action: first ? setPassword : changePassword,
      submit: async ({ username: _, ...values }) => {
        await this.chat.login.update(values);
        element.reset();
        toast(first ? passwordSet : passwordChanged);
        // The others were signed out by it.
        this.logins?.load();
        if (!first) return;
        if (this.secret) fill(this.secret, this.password(user));
        // They ask for it from now on.
        for (const card of this.cards ?? []) card.load();
      },
    });
    return element;
  }
}
customElements.define("parlor-profile", ProfilePage);

/**
 * @param {Record<string, string>} values
 * @returns {Record<string, string | null>}
 */
function changes(values) {
  const entries = Object.entries(values).map(([name, value]) => {
    const empty = CLEARABLE.includes(name) && !value.trim();
    return [name, empty ? null : value];
  });
  return Object.fromEntries(entries);
}

/**
 * @param {string} name
 * @param {string} title
 * @param {HTMLElement} content
 */
function section(name, title, content) {
  const id = `profile-${name}`;
  return h("section", { class: "card", "aria-labelledby": id }, h("h2", { id }, title), content);
}
