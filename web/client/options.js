/**
 * The options of a client, checked at once: a wrong one is a TypeError that names it.
 */

import { DEFAULT_BACKOFF } from './backoff.js'
import { tokenFromUrl } from './credentials.js'
import { isDevice } from './device.js'
import { browserEnvironment } from './environment.js'

/**
 * @typedef {object} PushClientOptions
 * @property {string} credentialsUrl Where `POST /credentials` is answered.
 * @property {import('./credentials.js').GetToken} [getToken] Gives a JWT; called before every
 *   connection, so it should give a fresh one. This or `tokenUrl`.
 * @property {string} [tokenUrl] POSTed to with same-origin cookies; answers `{"token": "…"}`.
 * @property {string} [device] Part of the client id; by default made per tab and kept over a reload.
 * @property {Partial<import('./backoff.js').BackoffRule>} [backoff]
 * @property {number} [attemptTimeoutMs] For token, credentials, connection and subscriptions
 *   together. Default 20,000.
 * @property {number} [stableAfterMs] Connected this long, earlier failures are forgotten. Default
 *   10,000.
 * @property {Partial<import('./environment.js').Environment>} [env] For tests.
 *
 * @typedef {object} Settings
 * @property {string} credentialsUrl
 * @property {import('./credentials.js').GetToken} getToken
 * @property {string | null} device
 * @property {import('./backoff.js').BackoffRule} backoff
 * @property {number} attemptTimeoutMs
 * @property {number} stableAfterMs
 * @property {import('./environment.js').Environment} env
 */

const NAMES = [
  'credentialsUrl',
  'getToken',
  'tokenUrl',
  'device',
  'backoff',
  'attemptTimeoutMs',
  'stableAfterMs',
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
  const { credentialsUrl, getToken, tokenUrl, device = null } = options
  const env = { ...browserEnvironment(), ...options.env }
  if (typeof credentialsUrl !== 'string' || credentialsUrl === '') {
    throw new TypeError('credentialsUrl is required: the URL of POST /credentials')
  }
  if ((getToken === undefined) === (tokenUrl === undefined)) {
    throw new TypeError('one of getToken and tokenUrl is required')
  }
  if (getToken !== undefined && typeof getToken !== 'function')
    throw new TypeError('getToken is no function')
  if (device !== null && !isDevice(device)) {
    throw new TypeError('device must be 1 to 38 characters of A-Z a-z 0-9 _ -')
  }
  return Object.freeze({
    credentialsUrl,
    getToken: getToken ?? tokenFromUrl(String(tokenUrl), env.fetch),
    device,
    backoff: { ...DEFAULT_BACKOFF, ...options.backoff },
    attemptTimeoutMs: positive('attemptTimeoutMs', options.attemptTimeoutMs ?? 20_000),
    stableAfterMs: positive('stableAfterMs', options.stableAfterMs ?? 10_000),
    env
  })
}

/** @param {string} name @param {number} value */
function positive(name, value) {
  if (Number.isFinite(value) && value > 0) return value
  throw new TypeError(`${name} must be a number of milliseconds above 0`)
}
