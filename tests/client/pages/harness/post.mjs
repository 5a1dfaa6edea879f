/** A mail server on this machine that takes every mail, or none. */
import { once } from "node:events";
import { createServer } from "node:net";

export class Post {
  /** Whether it refuses whoever is written to, for good. */
  refuses = false;
  /** What it took, headers and all. @type {string[]} */
  mails = [];
  #server = createServer((socket) => this.#talk(socket));

  static async start() {
    const post = new Post();
    post.#server.listen(0, "127.0.0.1");
    await once(post.#server, "listening");
    return post;
  }

  /** What tells a server of Parlor's of it. @returns {Record<string, string>} */
  get settings() {
    const { port } = /** @type {import("node:net").AddressInfo} */ (this.#server.address());
    return { SMTP_HOST: "localhost", SMTP_PORT: String(port), SMTP_TLS: "none", MAIL_FROM: "parlor@example.com" };
  }

  close() {
    this.#server.close();
  }

  /** @param {import("node:net").Socket} socket */
  async #talk(socket) {
    const say = (text) => socket.write(`${text}\r\n`);
    socket.on("error", () => {});
    say("220 post ready");
    let rest = "";
    let inMail = false;
    for await (const piece of socket) {
      rest += piece;
      for (;;) {
        const end = rest.indexOf(inMail ? "\r\n.\r\n" : "\r\n");
        if (end < 0) break;
        const line = rest.slice(0, end);
        rest = rest.slice(end + (inMail ? 5 : 2));
        if (inMail) {
          inMail = false;
          this.mails.push(line);
          say("250 taken");
        } else if (/^RCPT/i.test(line) && this.refuses) say("550 no such user");
        else if (/^DATA/i.test(line)) {
          inMail = true;
          say("354 go on");
        } else if (/^QUIT/i.test(line)) socket.end("221 bye\r\n");
        else say("250 post");
      }
    }
  }
}
