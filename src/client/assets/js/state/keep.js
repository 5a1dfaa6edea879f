// @ts-check
/**
 * What survives a closed tab, by table and key. Keys are texts, so that a prefix is a range.
 *
 * @typedef {object} Keep
 * @property {boolean} durable false: it is gone with the tab
 * @property {(table: Table, key: string) => Promise<any>} get `undefined` if there is none
 * @property {(table: Table, key: string, value: any) => Promise<void>} put resolves once it is kept
 * @property {(table: Table, key: string) => Promise<void>} remove
 * @property {(table: Table, prefix: string) => Promise<any[]>} list in the order of their keys
 *
 * @typedef {"outbox" | "drafts" | "page"} Table "page" is what an offline start shows
 */

/** @type {Table[]} */
const TABLES = ["outbox", "drafts", "page"];

/** The end of every key with a prefix: no key has such a letter. */
const BEYOND = "\uffff";

/**
 * IndexedDB, or memory where a browser has none (some do not in private windows).
 *
 * @param {IDBFactory | undefined} factory
 * @param {string} name
 * @returns {Promise<Keep>}
 */
export async function openKeep(factory, name) {
  if (!factory) return memoryKeep();
  try {
    return overDatabase(await open(factory, name));
  } catch {
    return memoryKeep();
  }
}

/**
 * @param {IDBFactory} factory
 * @param {string} name
 * @returns {Promise<IDBDatabase>}
 */
function open(factory, name) {
  const request = factory.open(name, 1);
  request.onupgradeneeded = () => {
    for (const table of TABLES) request.result.createObjectStore(table);
  };
  return outcome(request);
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function outcome(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * @param {IDBDatabase} database
 * @returns {Keep}
 */
function overDatabase(database) {
  /**
   * Resolves at the end of the transaction: before that nothing is on disk.
   *
   * @param {Table} table
   * @param {(store: IDBObjectStore) => void} work
   * @returns {Promise<void>}
   */
  const write = (table, work) =>
    new Promise((resolve, reject) => {
      // Drafts are written with every key: to wait for the disk each time would be too late for some.
      const durability = table === "outbox" ? "strict" : "relaxed";
      const transaction = database.transaction(table, "readwrite", { durability });
      transaction.oncomplete = () => resolve();
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
      work(transaction.objectStore(table));
      // At once, and not when the page has heard that it was written: it may be gone by then.
      transaction.commit?.();
    });
  /** @param {Table} table */
  const reader = (table) => database.transaction(table, "readonly").objectStore(table);
  return {
    durable: true,
    get: (table, key) => outcome(reader(table).get(key)),
    put: (table, key, value) => write(table, (store) => store.put(value, key)),
    remove: (table, key) => write(table, (store) => store.delete(key)),
    list: (table, prefix) =>
      outcome(reader(table).getAll(IDBKeyRange.bound(prefix, prefix + BEYOND))),
  };
}

/** @returns {Keep} */
export function memoryKeep() {
  const tables = new Map(TABLES.map((table) => [table, new Map()]));
  /**
   * @param {Table} table
   * @returns {Map<string, any>}
   */
  const rows = (table) => tables.get(table) ?? new Map();
  return {
    durable: false,
    get: async (table, key) => structuredClone(rows(table).get(key)),
    put: async (table, key, value) => void rows(table).set(key, structuredClone(value)),
    remove: async (table, key) => void rows(table).delete(key),
    list: async (table, prefix) =>
      [...rows(table)]
        .filter(([key]) => key.startsWith(prefix))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, value]) => structuredClone(value)),
  };
}
