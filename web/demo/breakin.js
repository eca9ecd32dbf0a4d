/**
 * The part of the page that tries to break in, and shows who said no, and why.
 */

import { button, byId, element } from './dom.js'
import { Intruder } from './intruder.js'

/** @typedef {import('./intruder.js').Verdict} Verdict */

/** @param {string} credentialsUrl */
export function offerBreakIns(credentialsUrl) {
  const intruder = new Intruder(credentialsUrl)
  void intruder.expiry().catch(() => {}) // by the time it is tried it has perhaps expired
  byId('attempts', HTMLUListElement).replaceChildren(
    row('Listen to Ada', 'Subscribe to user:ada with Mallory’s credentials.', () =>
      intruder.listen((namespace) => `${namespace}/user/ada`)
    ),
    row('Listen to everything', 'Subscribe to all topics at once.', () =>
      intruder.listen((namespace) => `${namespace}/#`)
    ),
    row('Come as Ada', 'Connect with a client id of hers, to throw her out.', () =>
      intruder.impersonate()
    ),
    row('Publish to everyone', 'Straight to the broker, past the gateway.', () =>
      intruder.publish()
    ),
    row('Grant herself all groups', 'Write them into the token, keep its signature.', () =>
      intruder.forgedToken()
    ),
    row('Use an expired token', 'Good for a second, and half a minute of leeway.', async (show) => {
      for (let left = await intruder.expiry(); left > 0; left = await intruder.expiry()) {
        show(`It expires in ${Math.ceil(left / 1_000)} s …`)
        await new Promise((resolve) => setTimeout(resolve, Math.min(left, 1_000)))
      }
      return intruder.staleToken()
    })
  )
}

/**
 * @param {string} title
 * @param {string} how
 * @param {(show: (text: string) => void) => Promise<Verdict>} attempt
 */
function row(title, how, attempt) {
  const result = element('p', { className: 'verdict', aria: { live: 'polite' } })
  const show = (/** @type {string} */ text) => {
    result.dataset.tone = ''
    result.replaceChildren(text)
  }
  const attemptIt = async () => {
    if (go.getAttribute('aria-disabled') === 'true') return
    go.setAttribute('aria-disabled', 'true')
    show('Trying …')
    try {
      tell(result, await attempt(show))
    } catch (error) {
      show(`Could not be tried: ${error instanceof Error ? error.message : error}`)
    }
    go.removeAttribute('aria-disabled')
  }
  const go = button('Try', () => void attemptIt(), 'small')
  go.setAttribute('aria-label', `Try: ${title}`)
  return element(
    'li',
    {},
    element('span', { className: 'offer-name' }, title),
    element('span', { className: 'attempt-how' }, how),
    go,
    result
  )
}

/** @param {HTMLElement} result @param {Verdict} verdict */
function tell(result, { isRefused, by, said, why }) {
  result.dataset.tone = isRefused ? 'good' : 'bad'
  result.replaceChildren(
    element('strong', {}, isRefused ? 'Refused' : 'Got in'),
    ` ${by}: ${said}`,
    element('span', { className: 'why' }, why ?? '')
  )
}
