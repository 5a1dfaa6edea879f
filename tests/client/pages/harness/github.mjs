/** A GitHub on this machine, as far as a sign-in goes: everybody agrees, as the person that is set. */
import { once } from "node:events";
import { createServer } from "node:http";

export class Github {
  /** Who signs in there. */
  person = { id: 1, login: "octo", name: "Octo Cat", email: "octo@example.com", verified: true };
  /** They do not agree. */
  denies = false;
  /** Whose each code and token is. @type {Map<string, Github["person"]>} */
  #grants = new Map();
  #server = createServer((request, response) => this.#answer(request, response));

  static async start() {
    const github = new Github();
    github.#server.listen(0, "127.0.0.1");
    await once(github.#server, "listening");
    return github;
  }

  /** What tells a server of Parlor's of it. @returns {Record<string, string>} */
  get settings() {
    const { port } = /** @type {import("node:net").AddressInfo} */ (this.#server.address());
    const url = `http://localhost:${port}`;
    return { GITHUB_URL: url, GITHUB_API_URL: url, GITHUB_CLIENT_ID: "parlor", GITHUB_CLIENT_SECRET: "secret" };
  }

  close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response */
  async #answer(request, response) {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    let body = "";
    for await (const piece of request) body += piece;
    const token = request.headers.authorization?.split(" ")[1] ?? "";
    const person = this.#grants.get(token);
    const json = (status, content) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(content));
    if (pathname === "/login/oauth/authorize") {
      const back = new URL(searchParams.get("redirect_uri") ?? "");
      back.searchParams.set("state", searchParams.get("state") ?? "");
      if (this.denies) back.searchParams.set("error", "access_denied");
      else back.searchParams.set("code", this.#grant(this.person));
      response.writeHead(302, { location: back.href }).end();
    } else if (pathname === "/login/oauth/access_token") {
      const code = new URLSearchParams(body).get("code") ?? "";
      const whose = this.#grants.get(code);
      this.#grants.delete(code);
      if (!whose) return json(200, { error: "bad_verification_code" });
      json(200, { access_token: this.#grant(whose), token_type: "bearer", scope: "read:user,user:email" });
    } else if (!person) {
      json(401, { message: "Bad credentials" });
    } else if (pathname === "/user") {
      json(200, { id: person.id, login: person.login, name: person.name });
    } else {
      json(200, [{ email: person.email, primary: true, verified: person.verified }]);
    }
  }

  /** @param {Github["person"]} person */
  #grant(person) {
    const text = `grant-${this.#grants.size}-${Math.random().toString(36).slice(2)}`;
    this.#grants.set(text, person);
    return text;
  }
}
