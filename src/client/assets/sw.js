// @ts-check
/**
 * Opens the page without a network: keeps the shell and the files of this version. What is said and
 * who one is goes past it, so that nothing of it can be stale.
 */
const ASSETS = "{{assets}}";
/** @type {string[]} */
const FILES = JSON.parse('{{files}}');
const SHELL = "/";
const MANIFEST = "/manifest.webmanifest";
const CACHE = `parlor ${ASSETS}`;

/** Which headers a request has makes no difference: one address, one file. */
const OURS = { cacheName: CACHE, ignoreVary: true };

/** How long the network may take before the kept shell is shown, in ms: a weak one may take for ever. */
const PATIENCE_MS = 4_000;

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

worker.addEventListener("install", (event) => event.waitUntil(keep()));
worker.addEventListener("activate", (event) => event.waitUntil(takeOver()));
worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(show(event.notification.data?.path ?? SHELL));
});
worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== worker.location.origin) return;
  if (request.mode === "navigate") {
    if (!forPrograms(url.pathname)) event.respondWith(page(request));
  } else if (url.pathname.startsWith("/assets/") || url.pathname === MANIFEST) {
    event.respondWith(kept(request));
  }
});

async function keep() {
  const cache = await caches.open(CACHE);
  // The shell must be that of these files, not one that the browser remembers.
  await cache.addAll([new Request(SHELL, { cache: "no-cache" }), MANIFEST, ...FILES]);
}

async function takeOver() {
  // Only now nobody shows the version before, which may still load parts of itself.
  for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
  await worker.clients.claim();
}

/**
 * The page as the server has it, or the shell that was kept.
 *
 * @param {Request} request
 */
async function page(request) {
  const shell = async () => (await caches.match(SHELL, OURS)) ?? Response.error();
  /** @type {any} */
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(() => resolve(shell()), PATIENCE_MS)));
  try {
    const response = await Promise.race([fetch(request), late]);
    return response.status >= 500 ? await shell() : response;
  } catch {
    return shell();
  } finally {
    clearTimeout(timer);
  }
}

/** @param {Request} request */
async function kept(request) {
  return (await caches.match(request, OURS)) ?? fetch(request);
}

/** @param {string} path */
function forPrograms(path) {
  return /^\/(api|assets|health|metrics|ws|\.well-known)(\/|$)/.test(path);
}

/**
 * Brings a page of ours to the front, at this address.
 *
 * @param {string} path
 */
async function show(path) {
  const open = await worker.clients.matchAll({ type: "window" });
  const client = open.find(({ visibilityState }) => visibilityState === "visible") ?? open[0];
  if (!client) return worker.clients.openWindow(path);
  client.postMessage({ kind: "go", path });
  return client.focus();
}
