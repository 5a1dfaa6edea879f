/** The real binary on a port and in a folder of its own, which can die and come back. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { request } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BINARY = fileURLToPath(new URL("../../../../target/debug/parlor", import.meta.url));

/** How long the server may take to be ready, in ms. */
const START_MS = 30_000;

export const PASSWORD = "Correct-horse-1";
export const ADMIN = { email: "admin@example.com", password: PASSWORD };

export class Server {
  /** @type {import("node:child_process").ChildProcess | null} */
  #process = null;
  #log = "";

  constructor(folder, port, settings) {
    this.folder = folder;
    this.port = port;
    this.settings = settings;
    this.origin = `https://localhost:${port}`;
  }

  /** @param {Record<string, string>} [settings] such as the environment has them */
  static async start(settings = {}) {
    const folder = await mkdtemp(join(tmpdir(), "parlor-pages-"));
    const server = new Server(folder, await freePort(), settings);
    await server.run();
    return server;
  }

  /** Where its certificate authority is. */
  get ca() {
    return join(this.folder, "certs/ca.pem");
  }

  /** What it has printed so far. */
  get log() {
    return this.#log;
  }

  /** Starts it, for the first time or after it died: the same port, the same data. */
  async run() {
    const child = spawn(BINARY, ["serve"], {
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PORT: String(this.port),
        DATABASE_URL: "sqlite://data/parlor.db",
        SSL_CERT_PATH: "certs/cert.pem",
        SSL_KEY_PATH: "certs/key.pem",
        RUST_LOG: "warn",
        BCRYPT_COST: "4",
        ADMIN_EMAIL: ADMIN.email,
        ADMIN_PASSWORD: ADMIN.password,
        LOGIN_ATTEMPTS_PER_MINUTE: "0",
        REGISTRATIONS_PER_MINUTE: "0",
        MESSAGES_PER_SECOND: "0",
        REQUESTS_PER_SECOND: "0",
        ROOM_MESSAGES_PER_SECOND: "0",
        RESETS_PER_HOUR: "0",
        REFRESHES_PER_MINUTE: "0",
        SHUTDOWN_SECONDS: "2",
        ...this.settings,
      },
    });
    this.#process = child;
    // A test run that is broken off leaves no server behind.
    process.once("exit", () => child.kill("SIGKILL"));
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (text) => (this.#log += text));
    }
    const end = Date.now() + START_MS;
    while (!(await this.#ready())) {
      if (child.exitCode !== null || Date.now() > end) throw new Error(`no server:\n${this.#log}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** As when the power goes: no word to anybody. */
  async kill() {
    await this.#end("SIGKILL");
  }

  /** Ends it for good, and takes its folder away. */
  async remove() {
    await this.#end("SIGTERM");
    await rm(this.folder, { recursive: true, force: true });
  }

  /**
   * A request of a program. Rejects if the answer is no success.
   *
   * @param {string} method
   * @param {string} path
   * @param {{token?: string, body?: any}} [more]
   */
  async api(method, path, { token, body } = {}) {
    const { status, text } = await this.ask(method, path, { token, body });
    if (status >= 400) throw new Error(`${method} ${path}: ${status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{token?: string, body?: any}} [more]
   * @returns {Promise<{status: number, text: string, headers: import("node:http").IncomingHttpHeaders}>}
   */
  async ask(method, path, { token, body } = {}) {
    const headers = { accept: "application/json" };
    if (token) headers.authorization = `Bearer ${token}`;
    const payload = body === undefined ? undefined : JSON.stringify(body);
    if (payload) headers["content-type"] = "application/json";
    const options = { method, headers, ca: await readFile(this.ca) };
    const sent = request(this.origin + path, options);
    sent.end(payload);
    const [response] = await once(sent, "response");
    let text = "";
    for await (const piece of response) text += piece;
    return { status: response.statusCode, text, headers: response.headers };
  }

  /**
   * Somebody who can sign in.
   *
   * @param {string} username
   * @param {string} [fullName]
   */
  async person(username, fullName = username) {
    const form = { username, email: `${username}@example.com`, password: PASSWORD, full_name: fullName };
    const { user, token } = await this.api("POST", "/api/auth/register", { body: form });
    return { ...form, id: user.id, token };
  }

  async admin() {
    const { user, token } = await this.api("POST", "/api/auth/login", { body: ADMIN });
    return { ...ADMIN, id: user.id, token };
  }

  /**
   * The cookie of somebody who signs in on a page.
   *
   * @param {{email: string, password: string}} person
   */
  async cookie({ email, password }) {
    const body = { email, password, cookie: true };
    const { headers, text } = await this.ask("POST", "/api/auth/login", { body });
    const [pair] = headers["set-cookie"]?.[0].split(";") ?? [];
    if (!pair) throw new Error(`no cookie: ${text}`);
    const [name, value] = pair.split("=");
    // As the server sets it, which is what a browser would keep.
    const flags = { httpOnly: true, secure: true, sameSite: /** @type {const} */ ("Strict") };
    return { name, value, domain: "localhost", path: "/api/auth", ...flags };
  }

  /**
   * Says something over REST.
   *
   * @param {{token: string}} person
   * @param {string} room
   * @param {string} content
   */
  say(person, room, content) {
    const path = `/api/chat/rooms/${room}/messages`;
    return this.api("POST", path, { token: person.token, body: { content } });
  }

  /**
   * What a room's messages say, oldest first.
   *
   * @param {{token: string}} person
   * @param {string} room
   */
  async said(person, room) {
    const { data } = await this.api("GET", `/api/chat/rooms/${room}/messages?limit=200`, person);
    return data.map(({ content }) => content);
  }

  async #ready() {
    try {
      return (await this.ask("GET", "/health/ready")).status === 200;
    } catch {
      return false;
    }
  }

  /** @param {NodeJS.Signals} signal */
  async #end(signal) {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  }
}

/** A port that nobody has: the same one is wanted again after a restart, so the server cannot choose. */
async function freePort() {
  const probe = createServer();
  probe.listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}
