// @ts-check
/**
 * Whether a user may do something. The server has the last word; this is for what is shown.
 *
 * @param {import("./types.js").User | null} user
 * @param {string} permission such as `users.write`
 */
export function may(user, permission) {
  return user?.permissions?.includes(permission) ?? false;
}
