// @ts-check
/**
 * What goes over the wire and between state and page, as JSDoc types. Nothing of it runs.
 *
 * @typedef {string} Role `client`, `trainer`, `admin`, or one that was made here
 *
 * @typedef {object} Profile
 * @property {string} id
 * @property {string} username
 * @property {string} full_name
 *
 * @typedef {object} User
 * @property {string} id
 * @property {string} username
 * @property {string | null} [email] only of oneself, and for admins
 * @property {string} full_name
 * @property {string | null} [phone_number]
 * @property {string | null} bio
 * @property {string | null} avatar_url
 * @property {Role} role
 * @property {string[]} [permissions] only where `email` is
 * @property {boolean} active
 * @property {string | null} [inactive_reason] why it is switched off; for those who manage users
 * @property {string | null} [inactive_until] when it is switched on again by itself
 * @property {boolean} [email_verified] only where `email` is
 * @property {string} created_at RFC 3339
 * @property {string} updated_at
 *
 * @typedef {object} RoomInfo a room as REST shows it
 * @property {string} id
 * @property {string} name
 * @property {string | null} topic
 * @property {number} head the last `seq`
 * @property {number} read how far the caller has read
 * @property {string | null} last_message_at
 * @property {number} online
 * @property {string} created_at
 *
 * @typedef {object} Message
 * @property {string} id
 * @property {string} room_id
 * @property {number} seq
 * @property {number} rev
 * @property {string} sender_id
 * @property {string} sender_name
 * @property {Profile} user
 * @property {string} content
 * @property {string} created_at
 * @property {string} [client_message_id]
 *
 * @typedef {object} Problem what an error says
 * @property {string} code
 * @property {string} message
 * @property {number} [retryAfterMs]
 *
 * @typedef {"pending" | "sending" | "failed"} SendState
 *
 * @typedef {object} Outgoing a message in the outbox
 * @property {string} id UUIDv7; the `client_message_id`
 * @property {string} userId
 * @property {string} roomId
 * @property {string} content
 * @property {string} createdAt RFC 3339, of this machine's clock
 * @property {SendState} state
 * @property {Problem} [problem] why it failed
 * @property {boolean} [sent] it is on the server, and its `message` not here yet
 *
 * @typedef {object} LoginInfo one of the places where a user is signed in
 * @property {string} id
 * @property {string | null} device the user agent
 * @property {string | null} address
 * @property {string} created_at
 * @property {string} last_used_at
 * @property {boolean} current
 *
 * @typedef {object} SecondFactor what is to be proved after the first factor
 * @property {string} ticket
 * @property {number} expires_in seconds
 * @property {("totp" | "recovery_code" | "enroll")[]} methods
 *
 * @typedef {object} Enrolment what an authenticator app is told
 * @property {string} secret base32
 * @property {string} uri `otpauth://…`
 * @property {string} qr_svg
 *
 * @typedef {object} Provider somebody else who vouches for people
 * @property {string} name
 * @property {string} label
 * @property {string} url where its sign-in begins
 *
 * @typedef {object} Methods how one may get in
 * @property {boolean} password
 * @property {boolean} registration
 * @property {boolean} mail the server sends mail
 * @property {boolean} passkeys
 * @property {Provider[]} providers
 *
 * @typedef {object} Passkey
 * @property {string} id
 * @property {string} name
 * @property {string} created_at
 * @property {string | null} last_used_at
 *
 * @typedef {object} Identity an account elsewhere that signs in here
 * @property {string} id
 * @property {string} provider
 * @property {string} label the provider's name for people
 * @property {string | null} name what one is called there
 * @property {string} created_at
 *
 * @typedef {object} ApiToken
 * @property {string} id
 * @property {string} name
 * @property {string[]} scopes
 * @property {{username: string, role: Role}} [account] as which a service acts
 * @property {string} created_at
 * @property {string | null} expires_at
 * @property {string | null} last_used_at
 *
 * @typedef {object} DayCount
 * @property {string} day `2026-11-21`, UTC
 * @property {number} messages
 */

export {};
