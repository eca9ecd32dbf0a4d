/**
 * The options of a client, checked at once: a wrong one is a TypeError that names it.
 */

import { DEFAULT_BACKOFF } from './backoff.js'
import { tokenFromUrl } from './credentials.js'
import { isDevice } from './device.js'
import { browserEnvironment } from './environment.js'
import { ROLL_OVER_AFTER_MS } from './lifetime.js'

/**
 * @typedef {object} PushClientOptions
 * @property {string} credentialsUrl Where `POST /credentials` is answered.
 * @property {import('./credentials.js').GetToken} [getToken] Gives a JWT; called before every
 *   connection, so it should give a fresh one. This or `tokenUrl`.
 * @property {string} [tokenUrl] POSTed to with same-origin cookies; answers `{"token": "…"}`.
 * @property {string} [device] Part of the client id; by default made per tab and kept over a reload.
 * @property {import('./codec.js').MqttVersion} [mqttVersion] Default `'5'`. On `'3.1.1'` the broker
 *   ends connections without saying why: being taken over or kicked looks like a lost connection.
 * @property {number} [sessionExpiryS] How long the broker keeps what was missed, in seconds; 0 for
 *   not at all. Default 3,600, AWS's own limit unless the account's was raised.
 * @property {Partial<import('./backoff.js').BackoffRule>} [backoff]
 * @property {number} [attemptTimeoutMs] For token, credentials, connection and subscriptions
 *   together. Default 20,000.
 * @property {number} [publishTimeoutMs] Until the broker has what was published. Default 30,000.
 * @property {number} [stableAfterMs] Connected this long, earlier failures are forgotten. Default
 *   10,000.
 * @property {number} [rollOverAfterMs] Age at which a connection is replaced. Default 23 hours.
 * @property {typeof globalThis.WebSocket} [WebSocket] Where there is no global one (Node 20).
 * @property {Partial<import('./environment.js').Environment>} [env] For tests.
 *
 * @typedef {object} Settings
 * @property {string} credentialsUrl
 * @property {import('./credentials.js').GetToken} getToken
 * @property {string | null} device
 * @property {import('./codec.js').MqttVersion} mqttVersion
 * @property {number} sessionExpiryS
 * @property {import('./backoff.js').BackoffRule} backoff
 * @property {number} attemptTimeoutMs
 * @property {number} publishTimeoutMs
 * @property {number} stableAfterMs
 * @property {number} rollOverAfterMs
 * @property {import('./environment.js').Environment} env
 */

/** Longest time a browser's timer takes; a longer one fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** @typedef {[isGood: (value: any, all: any) => boolean, what: string]} Rule */

/** @type {Rule} */
const ANY = [() => true, '']
/** @type {Rule} */
const TIME = [(it) => it > 0 && it <= MAX_TIMER_MS, 'milliseconds above 0']

/** @type {Readonly<Record<string, Rule>>} What each option must be. */
const RULES = {
  credentialsUrl: [(it) => typeof it === 'string' && it !== '', 'the URL of POST /credentials'],
  getToken: [
    (it, { tokenUrl }) => typeof it === (tokenUrl === undefined ? 'function' : 'undefined'),
    'a function, or else tokenUrl a URL'
  ],
  tokenUrl: ANY,
  device: [(it) => it === null || isDevice(it), '1 to 38 of A-Z a-z 0-9 _ -'],
  mqttVersion: [(it) => ['5', '3.1.1'].includes(it), "'5' or '3.1.1'"],
  sessionExpiryS: [
    (it) => Number.isInteger(it) && it >= 0 && it < 2 ** 32,
    'whole seconds'
  ],
  backoff: ANY,
  attemptTimeoutMs: TIME,
  publishTimeoutMs: TIME,
  stableAfterMs: TIME,
  rollOverAfterMs: TIME,
  WebSocket: [(_, { env }) => typeof env.WebSocket === 'function', 'given: there is none here'],
  env: ANY
}

/**
 * @param {PushClientOptions} options
 * @returns {Readonly<Settings>}
 * @throws {TypeError}
 */
export function settingsFrom(options) {
  /** @type {any} To be checked, option by option. */
  const given = Object.fromEntries(Object.entries(options).filter(([, it]) => it !== undefined))
  const { WebSocket } = given
  const settings = {
    device: null,
    mqttVersion: '5',
    sessionExpiryS: 3_600,
    attemptTimeoutMs: 20_000,
    publishTimeoutMs: 30_000,
    stableAfterMs: 10_000,
    rollOverAfterMs: ROLL_OVER_AFTER_MS,
    ...given,
    backoff: { ...DEFAULT_BACKOFF, ...given.backoff },
    env: { ...browserEnvironment(), ...(WebSocket && { WebSocket }), ...given.env }
  }
  const unknown = Object.keys(given).find((name) => !(name in RULES))
  if (unknown) {
    throw new TypeError(`unknown option ${unknown}; there are ${Object.keys(RULES).join(', ')}`)
  }
  for (const [name, [isGood, what]] of Object.entries(RULES))
    if (!isGood(settings[name], settings)) throw new TypeError(`${name} must be ${what}`)
  settings.getToken ??= tokenFromUrl(settings.tokenUrl, settings.env.fetch)
  return Object.freeze(settings)
}
