// @ts-check
/**
 * oidc-provider, a certified OpenID provider, with one client and a form for everybody: whoever gives a name is that one.
 *
 * node tests/oidc/server.mjs PORT REDIRECT_URI CLIENT_ID CLIENT_SECRET
 *
 * Prints its issuer once it listens, and ends with its standard input.
 */
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [port, redirect, id, secret] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: id,
      client_secret: secret,
      redirect_uris: [redirect],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  pkce: { required: () => true },
  claims: {
    openid: ["sub"],
    email: ["email", "email_verified"],
    profile: ["name", "preferred_username"],
  },
  features: { devInteractions: { enabled: false } },
  cookies: { keys: ["a key for tests"] },
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_context, sub) => ({
    accountId: sub,
    claims: () => ({
      sub,
      name: `${sub} Certified`,
      preferred_username: sub,
      email: `${sub}@certified.example`,
      email_verified: !sub.startsWith("unproved"),
    }),
  }),
});
provider.on("server_error", (_context, error) => console.error(error));

/** @param {import("node:http").IncomingMessage} request */
async function form(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return new URLSearchParams(text);
}

/** @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response */
async function interact(request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (request.method === "GET") {
    response.setHeader("content-type", "text/html");
    response.end(
      `<form method="post"><input name="${prompt.name === "login" ? "login" : "agree"}"></form>`,
    );
    return;
  }
  const given = await form(request);
  const login = given.get("login");
  if (given.has("deny")) {
    const denied = { error: "access_denied", error_description: "No." };
    await provider.interactionFinished(request, response, denied);
  } else if (prompt.name === "login" && login) {
    const finished = { login: { accountId: login } };
    await provider.interactionFinished(request, response, finished);
  } else {
    const grant = new provider.Grant({
      accountId: session?.accountId,
      clientId: String(params.client_id),
    });
    grant.addOIDCScope(String(params.scope));
    const finished = { consent: { grantId: await grant.save() } };
    await provider.interactionFinished(request, response, finished, {
      mergeWithLastSubmission: true,
    });
  }
}

const answer = provider.callback();
createServer((request, response) => {
  if (!request.url?.startsWith("/interaction/")) {
    answer(request, response);
    return;
  }
  interact(request, response).catch((error) => {
    console.error(error);
    response.statusCode = 500;
    response.end(String(error));
  });
}).listen(Number(port), "127.0.0.1", () => console.log(issuer));

process.stdin.on("end", () => process.exit()).resume();
