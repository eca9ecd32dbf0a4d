/**
 * The addresses the composer offers: those the connected clients can hear, each once.
 *
 * Pure.
 */

export { addressOf } from '../client/topic.js'

const ORDER = ['everyone', 'group', 'user', 'client']

/**
 * @param {readonly string[]} addresses Of all clients, also with subtrees (`group:orders/*`).
 * @returns {string[]} Those one can send to, from wide to narrow.
 */
export function offered(addresses) {
  const concrete = new Set(['everyone', ...addresses.filter((it) => !it.endsWith('*'))])
  return [...concrete].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
}

/** @param {string} address */
function rank(address) {
  return ORDER.indexOf(address.split(':', 1)[0] ?? '')
}
