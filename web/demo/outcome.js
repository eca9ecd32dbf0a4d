/**
 * What the gateway answered, in two short lines.
 *
 * Pure. Problem documents keep their own words: code, pointer, detail.
 */

/**
 * @typedef {{title: string, detail: string | null, tone: 'good' | 'bad'}} Outcome
 *   detail: null where the arrivals on the page are the better news.
 */

/**
 * @param {import('./api.js').Answer} answer
 * @param {string} took How long it took, as shown.
 * @returns {Outcome}
 */
export function outcomeOf({ ok, status, body }, took) {
  if (status === 0) return { title: 'No answer', detail: String(body.detail), tone: 'bad' }
  if (!ok)
    return {
      title: `${status} ${body.code ?? body.title ?? 'refused'}`,
      detail: reason(body),
      tone: 'bad'
    }
  const title = `${status} ${body.status ?? 'accepted'} in ${took}`
  const failed = failures(body)
  return failed === ''
    ? { title, detail: null, tone: 'good' }
    : { title, detail: failed, tone: 'bad' }
}

/** @param {Record<string, any>} problem */
function reason({ errors, detail }) {
  const first = Array.isArray(errors) ? errors[0] : undefined
  if (first === undefined) return String(detail ?? 'No reason was given.')
  const field = String(first.pointer ?? '').replace(/^\//, '') || 'event'
  return `${field}: ${first.detail}${first.hint === undefined ? '' : `; did you mean ${first.hint}?`}`
}

/** @param {Record<string, any>} body @returns {string} The addresses that failed, and why; or ''. */
function failures({ addresses = {} }) {
  return Object.entries(addresses)
    .filter(([, delivery]) => delivery?.error !== undefined)
    .map(([address, delivery]) => `${address}: ${delivery.error.detail}`)
    .join('; ')
}
