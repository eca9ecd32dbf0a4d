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

/** Options in milliseconds, all above 0, and their defaults. */
const TIMES_MS = {
  attemptTimeoutMs: 20_000,
  publishTimeoutMs: 30_000,
  stableAfterMs: 10_000,
  rollOverAfterMs: ROLL_OVER_AFTER_MS
}

const NAMES = [
  'credentialsUrl',
  'getToken',
  'tokenUrl',
  'device',
  'mqttVersion',
  'sessionExpiryS',
  'backoff',
  ...Object.keys(TIMES_MS),
  'WebSocket',
  'env'
]

/**
 * @param {PushClientOptions} options
 * @returns {Readonly<Settings>}
 * @throws {TypeError}
 */
export function settingsFrom(options) {
  const unknown = Object.keys(options).filter((name) => !NAMES.includes(name))
  if (unknown.length > 0)
    throw new TypeError(`unknown option ${unknown.join(', ')}; there are ${NAMES.join(', ')}`)
  const { credentialsUrl, getToken, tokenUrl, device = null, WebSocket } = options
  const { mqttVersion = '5', sessionExpiryS = 3_600 } = options
  const env = { ...browserEnvironment(), ...(WebSocket && { WebSocket }), ...options.env }
  require(typeof env.WebSocket === 'function', 'there is no WebSocket here: pass one')
  require(isText(credentialsUrl), 'credentialsUrl is required: the URL of POST /credentials')
  require((getToken === undefined) !== (tokenUrl === undefined), 'one of getToken and tokenUrl is required')
  require(getToken === undefined || typeof getToken === 'function', 'getToken is no function')
  require(device === null || isDevice(device), 'device must be 1 to 38 characters of A-Z a-z 0-9 _ -')
  require(mqttVersion === '5' || mqttVersion === '3.1.1', "mqttVersion must be '5' or '3.1.1'")
  require(isWhole(sessionExpiryS), 'sessionExpiryS must be a whole number of seconds, 0 or more')
  const times = { ...TIMES_MS }
  for (const name of /** @type {(keyof typeof TIMES_MS)[]} */ (Object.keys(TIMES_MS))) {
    times[name] = options[name] ?? TIMES_MS[name]
    require(times[name] > 0 && times[name] <= MAX_TIMER_MS, `${name} must be a number of milliseconds above 0`)
  }
  return Object.freeze({
    credentialsUrl,
    getToken: getToken ?? tokenFromUrl(String(tokenUrl), env.fetch),
    device,
    mqttVersion,
    sessionExpiryS,
    backoff: { ...DEFAULT_BACKOFF, ...options.backoff },
    ...times,
    env
  })
}

/** Longest time a browser's timer takes; a longer one fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** @param {boolean} isGood @param {string} message */
function require(isGood, message) {
  if (!isGood) throw new TypeError(message)
}

/** @param {unknown} value */
const isText = (value) => typeof value === 'string' && value !== ''

/** @param {number} value */
const isWhole = (value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32
