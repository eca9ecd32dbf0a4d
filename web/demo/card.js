/**
 * One client on the page: who it is, its state, what it may receive, what arrived.
 *
 * Owns its PushClient. The log keeps its height whatever arrives and drops its oldest rows; all
 * that came over the wire is text.
 */

import { PushClient } from '../client/index.js'
import { fetchDemoToken } from './api.js'
import { addressChip, button, element } from './dom.js'
import { counted, duration, shownData, shownPayload, timeOfDay } from './format.js'
import { addressOf } from './addresses.js'
import { titleOf } from './roster.js'
import { Uplink } from './uplink.js'

/**
 * @typedef {import('../client/client.js').StateChange} StateChange
 * @typedef {import('../client/envelope.js').PushEvent} PushEvent
 * @typedef {import('../client/envelope.js').ForeignMessage} ForeignMessage
 * @typedef {{member: import('./roster.js').Member, credentialsUrl: string,
 *   flights: import('./flights.js').Flights, onPick: (address: string) => void,
 *   onChange: () => void, onRemove: (card: Card) => void}} CardOptions
 */

/** Rows kept per client. */
const MAX_ROWS = 100

/** Characters of a payload that are shown unasked. */
const FOLDED_CHARS = 240

const STATES = {
  idle: 'Not connected',
  connecting: 'Connecting',
  connected: 'Connected',
  waiting: 'Waiting',
  closed: 'Disconnected'
}

export class Card {
  #options
  #client
  #count = 0
  /** @type {ReturnType<typeof setInterval> | undefined} Counts down to the next attempt. */
  #countdown
  #state = element('span', { className: 'state', dataset: { state: 'idle' } }, STATES.idle)
  #reach = element('div', { className: 'reach', aria: { role: 'group', label: 'May receive' } })
  #tally = element('span', { className: 'tally' }, 'Nothing yet')
  #toggle = button('Disconnect', () => this.#switch(), 'small')
  #uplink = new Uplink()
  #plug = button('Cut network', () => this.#unplug(), 'small quiet plug')
  #log
  /** The card itself, to be put into the page. */
  node

  /** @param {CardOptions} options */
  constructor(options) {
    this.#options = options
    const { member, credentialsUrl } = options
    const title = titleOf(member)
    this.#log = element('ol', {
      className: 'log',
      aria: { role: 'log', label: `Arrived at ${title}` }
    })
    this.#log.tabIndex = 0
    this.node = this.#build(title)
    this.#client = new PushClient({
      credentialsUrl,
      getToken: () => fetchDemoToken({ user: member.user, groups: member.groups }),
      ...(member.device === null ? {} : { device: member.device }),
      env: this.#uplink.network
    })
    this.#client.on('state', (change) => this.#showState(change))
    this.#client.on('event', (event) => this.#showEvent(event))
    this.#client.on('message', (message) => this.#showMessage(message))
    this.#client.on('error', (error) => {
      // What is meant to fail is not news.
      if (!this.#uplink.isCut) this.#notice(explained(error), 'error')
    })
    this.#client.on('resumed', ({ since, until }) =>
      this.#notice(`Back after ${away(since, until)}. What was missed follows.`, 'resumed')
    )
    this.#client.on('sessionlost', ({ since, until }) =>
      this.#notice(`Back after ${away(since, until)}, too long: something may be missing.`, 'gap')
    )
  }

  get member() {
    return this.#options.member
  }

  get state() {
    return this.#client.state
  }

  /** @returns {string[]} Addresses this client receives. */
  get addresses() {
    const { topics, namespace } = this.#client
    return topics.map((topic) => addressOf(topic, namespace)).filter((it) => it !== null)
  }

  connect() {
    this.#client.connect()
  }

  #switch() {
    if (this.#client.state === 'closed') this.#client.connect()
    else this.#client.close()
  }

  #unplug() {
    const isCut = !this.#uplink.isCut
    if (isCut) {
      this.#notice('The network is cut. Send something, then restore it.', 'gap')
      this.#uplink.cut()
    } else {
      this.#uplink.restore()
      // As the browser's own `online` would: no need to wait for the next attempt.
      if (this.#client.state === 'waiting') this.#client.connect()
    }
    const word = isCut ? 'Restore' : 'Cut'
    this.#plug.textContent = isCut ? word : 'Cut network'
    this.#plug.setAttribute('aria-label', `${word} network of ${titleOf(this.member)}`)
    this.node.toggleAttribute('data-cut', isCut)
  }

  /** @param {string} title */
  #build(title) {
    const { member, onRemove } = this.#options
    const remove = button(
      '×',
      () => {
        this.#client.close()
        onRemove(this)
      },
      'small quiet remove'
    )
    remove.title = 'Remove'
    remove.setAttribute('aria-label', `Remove ${title}`)
    this.#toggle.setAttribute('aria-label', `Disconnect ${title}`)
    this.#plug.setAttribute('aria-label', `Cut network of ${title}`)
    const avatar = element(
      'span',
      { className: 'avatar', aria: { hidden: 'true' } },
      (member.name[0] ?? '?').toUpperCase()
    )
    avatar.dataset.hue = String(hueOf(member.user))
    return element(
      'article',
      { className: 'card', aria: { label: title } },
      element(
        'header',
        {},
        avatar,
        element('h3', {}, member.name, ' ', element('span', {}, member.where)),
        element('div', { className: 'line-state' }, this.#state, this.#plug)
      ),
      this.#reach,
      this.#log,
      element('footer', {}, this.#tally, this.#toggle, remove)
    )
  }

  /** @param {StateChange} change */
  #showState({ state, reason, retryInMs }) {
    if (reason === 'close')
      this.#notice('Disconnected. What is sent now is not kept for this client.', 'gap')
    this.#state.dataset.state = state
    clearInterval(this.#countdown)
    const isTrying = state === 'waiting' || state === 'connecting'
    if (this.#uplink.isCut && isTrying) this.#state.textContent = 'No network'
    else if (retryInMs === null) this.#state.textContent = STATES[state]
    else this.#countDown(performance.now() + retryInMs)
    const word = state === 'closed' ? 'Connect' : 'Disconnect'
    this.#toggle.textContent = word
    this.#toggle.setAttribute('aria-label', `${word} ${titleOf(this.member)}`)
    if (state === 'connected') {
      this.#reach.replaceChildren(
        ...this.addresses.map((it) => addressChip(it, this.#options.onPick))
      )
    }
    this.#options.onChange()
  }

  /** @param {number} until By the page's own clock. */
  #countDown(until) {
    const show = () => {
      const left = Math.ceil((until - performance.now()) / 1_000)
      this.#state.textContent = left > 0 ? `Retry in ${left} s` : 'Retrying'
    }
    this.#countdown = setInterval(show, 250)
    show()
  }

  /** @param {PushEvent} event */
  #showEvent(event) {
    const flown = this.#options.flights.arrive(event.id, performance.now())
    const stamped = event.time === null ? null : Date.now() - event.time.getTime()
    this.#row({
      type: event.type,
      address: event.address,
      text: shownData(event.data),
      latencyMs: flown ?? stamped
    })
  }

  /** @param {ForeignMessage} message */
  #showMessage(message) {
    this.#row({
      type: 'raw payload',
      address: message.address,
      text: shownPayload(message),
      latencyMs: null
    })
  }

  /** @param {{type: string, address: string | null, text: string, latencyMs: number | null}} row */
  #row({ type, address, text, latencyMs }) {
    this.#count += 1
    this.#tally.textContent = counted(this.#count, 'arrival')
    const kind = address?.split(':', 1)[0] ?? ''
    this.#prepend(
      element(
        'li',
        { className: 'row' },
        element('span', { className: 'row-type', title: type }, type),
        element(
          'span',
          { className: 'row-latency', title: 'From send to arrival' },
          latencyMs === null ? '' : duration(latencyMs)
        ),
        element('span', { className: 'row-address', dataset: { kind } }, address ?? ''),
        element('time', { className: 'row-time' }, timeOfDay(new Date())),
        ...folded(text)
      )
    )
  }

  /** @param {string} text @param {'error' | 'gap' | 'resumed'} kind */
  #notice(text, kind) {
    const newest = this.#log.firstElementChild
    if (
      newest instanceof HTMLElement &&
      newest.dataset.kind === kind &&
      newest.dataset.text === text
    ) {
      const times = Number(newest.dataset.times) + 1
      newest.dataset.times = String(times)
      newest.textContent = `${text} (${times} times)`
      return
    }
    this.#prepend(element('li', { className: 'notice', dataset: { kind, text, times: '1' } }, text))
  }

  /** @param {HTMLElement} row */
  #prepend(row) {
    this.#log.prepend(row)
    while (this.#log.childElementCount > MAX_ROWS) this.#log.lastElementChild?.remove()
  }
}

/** @param {string} text @returns {HTMLElement[]} A long one with a button to see all of it. */
function folded(text) {
  const shown = element('span', { className: 'row-data' }, text)
  if (text.length <= FOLDED_CHARS) return [shown]
  shown.classList.add('folded')
  const unfold = button(
    'Show all',
    () => {
      const isFolded = shown.classList.toggle('folded')
      unfold.textContent = isFolded ? 'Show all' : 'Show less'
      unfold.setAttribute('aria-expanded', String(!isFolded))
    },
    'small quiet unfold'
  )
  unfold.setAttribute('aria-expanded', 'false')
  return [shown, unfold]
}

/** @param {import('../client/errors.js').PushError} error @returns {string} With what is behind it. */
function explained({ message, cause }) {
  return cause instanceof Error ? `${message} (${cause.message})` : message
}

/** @param {Date} since @param {Date} until */
const away = (since, until) => duration(until.getTime() - since.getTime())

/** @param {string} text @returns {number} One of six, the same for the same user. */
function hueOf(text) {
  return [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 6, 0)
}
