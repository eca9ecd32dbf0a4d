/**
 * Rows and details of the dashboard.
 *
 * Everything that came over the wire becomes a text node; see ../demo/dom.js.
 */

import { button, element } from '../demo/dom.js'
import { age, clock, milliseconds } from './figures.js'

/** @param {string} address */
function addressText(address) {
  return element(
    'span',
    { className: 'row-address', title: address, dataset: { kind: address.split(':', 1)[0] ?? '' } },
    address
  )
}

/** @param {string} state */
function stateText(state) {
  return element('span', { className: 'badge', dataset: { state } }, state)
}

/**
 * @param {import('./failures.js').FailureRow} failure
 * @param {{onResend: (button: HTMLButtonElement) => void, onLook: () => void}} actions
 */
export function failureView(failure, { onResend, onLook }) {
  const resend = button('Resend', () => onResend(resend), 'small')
  resend.setAttribute('aria-label', `Resend ${failure.id}`)
  const look = button(failure.id, onLook, 'link')
  look.title = 'Look it up'
  return element(
    'li',
    { className: 'entry' },
    element('span', { className: 'entry-time' }, clock(failure.at)),
    element(
      'div',
      { className: 'entry-body' },
      element('div', { className: 'entry-line' }, look, ...failure.addresses.slice(0, 3).map(addressText)),
      element(
        'p',
        { className: 'reason' },
        element('b', {}, failure.code),
        failure.detail === '' ? '' : ` ${failure.detail}`
      ),
      element(
        'p',
        { className: 'entry-facts' },
        `${failure.service} · ${failure.attempts} ${failure.attempts === 1 ? 'attempt' : 'attempts'}`
      )
    ),
    resend
  )
}

/** @param {string} name @param {Record<string, any>} notice @param {() => void} onLook */
export function noticeView(name, notice, onLook) {
  const look = button(notice.id, onLook, 'link')
  look.title = 'Look it up'
  const facts = [notice.service]
  if (notice.type !== undefined) facts.push(notice.type)
  if (name === 'settled') facts.push(milliseconds(notice.seconds * 1_000))
  if (notice.attempts > 1) facts.push(`${notice.attempts} attempts`)
  if (notice.code !== undefined) facts.push(notice.code)
  const more = notice.addresses.length - 2
  return element(
    'li',
    { className: 'entry' },
    element('span', { className: 'entry-time' }, clock(notice.at)),
    element(
      'div',
      { className: 'entry-body' },
      element(
        'div',
        { className: 'entry-line' },
        look,
        ...notice.addresses.slice(0, 2).map(addressText),
        more > 0 ? element('span', { className: 'entry-facts' }, `and ${more} more`) : ''
      ),
      element('p', { className: 'entry-facts' }, facts.join(' · ')),
      notice.data === undefined ? '' : element('p', { className: 'row-data' }, notice.data)
    ),
    stateText(notice.state)
  )
}

/** @param {number} dropped */
export function droppedView(dropped) {
  return element(
    'li',
    { className: 'entry notice', dataset: { kind: 'gap' } },
    `${dropped} more happened than this page was told.`
  )
}

/**
 * @param {string} service
 * @param {Record<string, any>} receipt
 * @param {(button: HTMLButtonElement) => void} onResend
 */
export function eventView(service, receipt, onResend) {
  const again = ['failed', 'expired', 'cancelled'].includes(receipt.status)
  const resend = button('Resend', () => onResend(resend), 'small')
  return [
    element(
      'div',
      { className: 'found-head' },
      stateText(receipt.status),
      element(
        'span',
        { className: 'entry-facts' },
        [service, receipt.acceptedAt && `accepted ${clock(receipt.acceptedAt)}`]
          .filter(Boolean)
          .join(' · ')
      ),
      again ? resend : ''
    ),
    element(
      'ul',
      {},
      ...Object.entries(receipt.addresses ?? {}).map(([address, it]) =>
        element(
          'li',
          { className: 'found-line' },
          addressText(address),
          stateText(it.state),
          element(
            'span',
            { className: 'entry-facts' },
            [
              it.attempts && `${it.attempts} ${it.attempts === 1 ? 'attempt' : 'attempts'}`,
              it.settledAt && `settled ${clock(it.settledAt)}`,
              it.nextAttemptAt && `next ${clock(it.nextAttemptAt)}`
            ]
              .filter(Boolean)
              .join(' · ')
          ),
          // Why it failed, or why it was published and not confirmed.
          ...[it.error, it.noReceipt]
            .filter((why) => why !== undefined)
            .map((why) => element('p', { className: 'reason' }, element('b', {}, why.code), ` ${why.detail}`))
        )
      )
    )
  ]
}

/**
 * @param {Record<string, any>} client
 * @param {(button: HTMLButtonElement) => void} onDisconnect
 * @param {number} now
 */
export function clientView(client, onDisconnect, now) {
  const end = button('Disconnect', () => onDisconnect(end), 'small')
  const since = client.connected ? client.connectedAt : client.disconnectedAt
  return [
    element(
      'div',
      { className: 'found-head' },
      element(
        'span',
        { className: 'state', dataset: { state: client.connected ? 'connected' : 'closed' } },
        client.connected ? 'Connected' : 'Disconnected'
      ),
      element(
        'span',
        { className: 'entry-facts' },
        [
          since && `for ${age(Math.max(0, now - Date.parse(since)) / 1_000)}`,
          client.disconnectReason,
          client.cleanSession ? 'clean session' : 'persistent session'
        ]
          .filter(Boolean)
          .join(' · ')
      ),
      client.connected ? end : ''
    ),
    client.subscriptions.length === 0
      ? element('p', { className: 'entry-facts' }, 'No subscriptions.')
      : element(
          'ul',
          {},
          ...client.subscriptions.map((/** @type {Record<string, any>} */ it) =>
            element(
              'li',
              { className: 'found-line' },
              element('span', { className: 'row-address' }, it.topicFilter),
              element('span', { className: 'entry-facts' }, `qos ${it.qos}`)
            )
          )
        )
  ]
}

/** @param {Record<string, any>} body @param {string} [otherwise] */
export function refusalView(body, otherwise = 'The gateway refused.') {
  return element('p', { className: 'refusal' }, body.detail ?? otherwise)
}
