/** A server and a browser, and what people do on the pages. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openBrowser, SCREENS } from "./browser.mjs";
import { ADMIN, PASSWORD, Server } from "./server.mjs";

export { ADMIN, PASSWORD, SCREENS };

/** How long anything on a page may take, in ms: far more than it does, for machines that are busy. */
const PATIENCE_MS = 20_000;

export class Site {
  /** @type {import("playwright-core").BrowserContext[]} */
  contexts = [];
  /** What pages complained about. @type {string[]} */
  complaints = [];

  constructor(server, browser, closeBrowser) {
    this.server = server;
    this.browser = browser;
    this.closeBrowser = closeBrowser;
  }

  /** @param {Record<string, string>} [settings] */
  static async open(settings) {
    const server = await Server.start(settings);
    try {
      const { browser, close } = await openBrowser(server.ca);
      return new Site(server, browser, close);
    } catch (problem) {
      await server.remove();
      throw problem;
    }
  }

  async close() {
    await this.closeBrowser();
    await this.server.remove();
  }

  /** Ends what the last test left open. */
  async clear() {
    for (const context of this.contexts.splice(0)) await context.close();
    this.complaints.length = 0;
  }

  /**
   * Another device: nothing is shared with the others.
   *
   * @param {import("playwright-core").BrowserContextOptions} [options]
   */
  async device(options = {}) {
    const context = await this.browser.newContext({
      baseURL: this.server.origin,
      locale: "en-GB",
      viewport: { width: 1280, height: 800 },
      reducedMotion: "reduce",
      ...options,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    context.on("page", (page) => this.#listen(page));
    this.contexts.push(context);
    return context;
  }

  /**
   * A device on which somebody is signed in, at a page.
   *
   * @param {{email: string, password: string}} person
   * @param {{path?: string} & import("playwright-core").BrowserContextOptions} [options]
   */
  async signedIn(person, { path = "/rooms/general", ...options } = {}) {
    const context = await this.device(options);
    await context.addCookies([await this.server.cookie(person)]);
    const page = await context.newPage();
    await page.goto(path);
    return page;
  }

  /**
   * Says many things in this order, over a socket that waits for no answer: thousands a second.
   *
   * @param {{token: string}} person
   * @param {string} roomId
   * @param {string[]} texts
   */
  async sayAll({ token }, roomId, texts) {
    const page = await (await this.device()).newPage();
    await page.goto("/manifest.webmanifest");
    const talk = ({ token, roomId, texts }) =>
      new Promise((resolve, reject) => {
        const url = `${location.origin.replace("http", "ws")}/api/chat/ws`;
        const socket = new WebSocket(url, ["parlor.v1", `bearer.${token}`]);
        const send = (frame) => socket.send(JSON.stringify({ room_id: roomId, ...frame }));
        let left = texts.length;
        socket.onclose = ({ code }) => reject(new Error(`closed ${code}`));
        socket.onmessage = ({ data }) => {
          const frame = JSON.parse(data);
          if (frame.type === "error") reject(new Error(data));
          else if (frame.type === "authenticated") send({ type: "connect" });
          else if (frame.type === "connected") for (const content of texts) send({ type: "message", content });
          else if (frame.type === "ack" && --left === 0) resolve(undefined);
        };
      });
    await page.evaluate(talk, { token, roomId, texts });
    await page.context().close();
  }

  /** @param {import("playwright-core").Page} page */
  #listen(page) {
    page.on("pageerror", (error) => this.complaints.push(`${page.url()}: ${error.stack ?? error}`));
    page.on("console", (message) => {
      const text = message.text();
      // A server that is not there is what some tests are about.
      const network = /net::ERR_|Failed to load resource|WebSocket connection to/.test(text);
      if (message.type() === "error" && !network) this.complaints.push(`${page.url()}: ${text}`);
    });
  }
}

/**
 * Writes a picture of a page to target/screens.
 *
 * @param {import("playwright-core").Page} page
 * @param {string} name
 */
export async function picture(page, name) {
  await mkdir(SCREENS, { recursive: true });
  await page.screenshot({ path: join(SCREENS, `${name}.png`) });
}

/** The parts of a page that stand in a room, by the names that people hear. */
export function room(page) {
  const log = page.getByRole("log");
  return {
    log,
    composer: page.getByRole("textbox", { name: "Message", exact: true }),
    sendButton: page.getByRole("button", { name: "Send", exact: true }),
    people: page.getByRole("region", { name: "People" }),
    rooms: page.getByRole("navigation", { name: "Rooms" }),
    /** @param {string} text */
    message: (text) => log.getByText(text, { exact: true }),
    /** @param {string} text */
    async say(text) {
      const composer = page.getByRole("textbox", { name: "Message", exact: true });
      await composer.fill(text);
      await composer.press("Enter");
    },
  };
}

/**
 * Waits until something is so that no page shows by itself.
 *
 * @param {() => Promise<boolean>} holds
 * @param {string} what
 */
export async function until(holds, what) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
