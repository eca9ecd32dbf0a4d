/**
 * From what was typed to an event, and to the shell line that sends the same.
 *
 * Pure.
 */

/**
 * @param {string} text Addresses, commas between.
 * @returns {string | string[]} As the event API takes it: one, or a list.
 */
export function recipients(text) {
  const addresses = text
    .split(',')
    .map((it) => it.trim())
    .filter((it) => it !== '')
  return addresses.length === 1 ? /** @type {string} */ (addresses[0]) : addresses
}

/**
 * @param {string} text
 * @returns {{data: unknown, isJson: boolean}} JSON if it is any, otherwise the text itself.
 */
export function dataFrom(text) {
  if (text.trim() === '') return { data: null, isJson: true }
  try {
    return { data: JSON.parse(text), isJson: true }
  } catch {
    return { data: text, isJson: false }
  }
}

/**
 * @param {{gatewayUrl: string, serviceKey: string | null, event: object}} request
 * @returns {string} Safe to paste into a POSIX shell, whatever the event holds.
 */
export function curlLine({ gatewayUrl, serviceKey, event }) {
  return [
    `curl -sS ${quoted(`${gatewayUrl}/v1/events`)}`,
    `  -H ${quoted(`Authorization: Bearer ${serviceKey}`)}`,
    `  -H ${quoted('Content-Type: application/json')}`,
    `  -d ${quoted(JSON.stringify(event))}`
  ].join(' \\\n')
}

/** @param {string} text */
function quoted(text) {
  return /^[\w.:/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
