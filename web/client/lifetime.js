/**
 * When a live connection needs attention: before its credentials end, before it grows too old.
 *
 * Pure. IoT Core ends a WebSocket after 24 hours, hard, and checks a signature only when it opens;
 * the credentials are renewed nevertheless, so that what is held is always good for a reconnect
 * while the credential API cannot be reached, and so that a refused token ends the client.
 * Source: aws-iot-facts 3.11, 3.15.
 */

/** Roll-over, unless told otherwise: an hour before the limit. */
export const ROLL_OVER_AFTER_MS = 23 * 3_600_000

/**
 * @param {{fetchedAt: number, expiresAt: number}} credentials By the server's clock, ms since 1970.
 * @param {number} random In [0, 1): a fleet that connected at once shall not renew at once.
 * @returns {number} When to renew them, by the same clock: at 75 to 90 % of their life.
 */
export function renewAt({ fetchedAt, expiresAt }, random) {
  return fetchedAt + (expiresAt - fetchedAt) * (0.75 + 0.15 * random)
}

/**
 * @param {number} openedAt
 * @param {number} afterMs
 * @param {number} random In [0, 1).
 * @returns {number} When to roll over: up to a tenth earlier than told.
 */
export function rollAt(openedAt, afterMs, random) {
  return openedAt + afterMs * (1 - 0.1 * random)
}
