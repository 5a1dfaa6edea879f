// @ts-check
/** What a refusal says that passes by itself; anything else is the author's to change. */
const PASSING = new Set(["rate_limited", "overloaded", "unavailable", "internal", "token_expiring"]);

/**
 * How one message of the outbox goes over the socket.
 *
 * @param {import("./socket.js").ChatSocket} socket
 * @param {import("./joins.js").Joins} joins
 * @returns {(entry: import("./types.js").Outgoing) => Promise<import("./outbox.js").Attempt>}
 */
export function sendOver(socket, joins) {
  return async ({ id, roomId, content }) => {
    try {
      await joins.join(roomId);
      const frame = { type: "message", room_id: roomId, content, client_message_id: id };
      await socket.request(frame);
      return { kind: "sent" };
    } catch (problem) {
      const { code, message, retryAfterMs } =
        /** @type {import("./socket.js").SocketProblem} */ (problem);
      if (code === "connection_lost") return { kind: "wait" };
      if (code === "not_connected") joins.forget(roomId);
      if (code === "not_connected" || PASSING.has(code)) return { kind: "again", ms: retryAfterMs };
      return { kind: "refused", problem: { code, message } };
    }
  };
}
