/**
 * How long to wait before attempt n: full jitter with a cap.
 *
 * Pure. Full jitter because a broker restart disconnects everyone at the same instant, and only a
 * delay drawn from the whole interval spreads them (AWS Architecture Blog, "Exponential Backoff
 * And Jitter").
 */

/** @typedef {{firstMs: number, capMs: number}} BackoffRule */

/** @type {Readonly<BackoffRule>} IoT Core takes one CONNECT per second and client id. */
export const DEFAULT_BACKOFF = Object.freeze({ firstMs: 1_000, capMs: 30_000 })

/**
 * @param {number} failures Attempts that failed in a row, at least 1.
 * @param {BackoffRule} rule
 * @param {() => number} random In [0, 1).
 * @returns {number} Milliseconds, whole.
 */
export function fullJitter(failures, rule, random) {
  const ceiling = Math.min(rule.capMs, rule.firstMs * 2 ** (failures - 1))
  return Math.round(random() * ceiling)
}
