/**
 * Attempts to get at what one may not, done for real, and what became of each.
 *
 * Mallory has a good token of her own and goes around the client: straight to the credential API
 * and the broker, with the client's own parts. Nothing here decides whether she may; whoever answers
 * does. Owns no element of the page.
 */

import { fetchCredentials } from '../client/credentials.js'
import { ConnectionLost, NotAuthorized, TokenRefused } from '../client/errors.js'
import { signedUrl } from '../client/sigv4.js'
import { MqttConnection } from '../client/transport.js'
import { fetchDemoToken } from './api.js'

/**
 * @typedef {Readonly<{isRefused: boolean, by: string, said: string, why: string | null}>} Verdict
 *   why: what localaws knows of it and AWS would not tell.
 * @typedef {import('../client/credentials.js').Credentials} Credentials
 * @typedef {(connection: MqttConnection, namespace: string) => Promise<string | null>} Deed
 *   Answers how it was refused, or null if it was not.
 */

const USER = 'mallory'

/** Silence after which an attempt counts as neither. */
const TIMEOUT_MS = 8_000

/** A token is good for so much longer than it says, for clocks that differ (the Lambda's default). */
const LEEWAY_MS = 30_000

export class Intruder {
  #credentialsUrl
  /** @type {Promise<{token: string, deadAt: number}> | null} */
  #dying = null

  /** @param {string} credentialsUrl */
  constructor(credentialsUrl) {
    this.#credentialsUrl = credentialsUrl
  }

  /** Get a token that soon expires. @returns {Promise<number>} Milliseconds until it is refused. */
  async expiry() {
    this.#dying ??= fetchDemoToken({ user: USER, groups: [], ttl_s: 1 }).then((token) => ({
      token,
      deadAt: performance.now() + LEEWAY_MS + 3_000
    }))
    return Math.max((await this.#dying).deadAt - performance.now(), 0)
  }

  /** Use a token after its time. */
  async staleToken() {
    await this.expiry()
    const { token } = await /** @type {Promise<{token: string}>} */ (this.#dying)
    return this.#useToken(token)
  }

  /** Write a group into a token, and leave its signature. */
  async forgedToken() {
    const [head = '', claims = '', signature = ''] = (await this.#token()).split('.')
    const forged = { ...JSON.parse(atob(claims.replace(/-/g, '+').replace(/_/g, '/'))), groups: ['*'] }
    const text = btoa(JSON.stringify(forged)).replace(/\+/g, '-').replace(/\//g, '_')
    return this.#useToken([head, text.replace(/=+$/, ''), signature].join('.'))
  }

  /** @param {(namespace: string) => string} topicIn Subscribe to a topic of somebody else. */
  listen(topicIn) {
    return this.#intrude(
      (it) => it,
      (connection, namespace) =>
        new Promise((resolve) =>
          connection.subscribe([topicIn(namespace)], ([isGiven]) =>
            resolve(isGiven ? null : 'SUBACK 0x87, not authorized')
          )
        )
    )
  }

  /** Publish to everyone, without the gateway. */
  publish() {
    return this.#intrude(
      (it) => it,
      async (connection, namespace) => {
        const payload = new TextEncoder().encode('Mallory was here')
        const code = await connection.publish(`${namespace}/everyone`, payload)
        return code < 0x80 ? null : `PUBACK 0x${code.toString(16)}, not authorized`
      }
    )
  }

  /** Connect with the client id of somebody else, who would be thrown out. */
  impersonate() {
    return this.#intrude(
      (clientId) => clientId.replace(`.${USER}.`, '.ada.'),
      async () => null
    )
  }

  /** @param {string} token @returns {Promise<Verdict>} */
  async #useToken(token) {
    try {
      await this.#credentials(token)
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error
      const { reason, message } = error
      return verdict(true, 'The credential API', `401 ${reason}`, message)
    }
    return verdict(false, 'The credential API', 'gave credentials', null)
  }

  /**
   * @param {(clientId: string) => string} disguise
   * @param {Deed} deed Done once connected.
   * @returns {Promise<Verdict>}
   */
  async #intrude(disguise, deed) {
    const credentials = await this.#credentials(await this.#token())
    const { clientId, subscribe, signable, skewMs, url } = credentials
    const namespace = subscribe[0]?.split('/')[0] ?? ''
    const { subtle } = crypto
    const signed = subtle ? await signedUrl(signable, Date.now() + skewMs, subtle) : url
    const since = Date.now() / 1_000 - 5
    const as = disguise(clientId)
    const said = await attempt(signed, as, (connection) => deed(connection, namespace))
    if (said === null) return verdict(false, 'The broker', 'took it', null)
    return verdict(true, 'The broker', said, await whyDenied(as, since))
  }

  /** @param {string} token */
  #credentials(token) {
    return fetchCredentials({
      credentialsUrl: this.#credentialsUrl,
      getToken: () => token,
      device: `intruder-${Math.random().toString(36).slice(2, 8)}`, // one CONNECT per second each
      signal: AbortSignal.timeout(TIMEOUT_MS),
      fetch: (input, init) => fetch(input, init),
      now: () => Date.now()
    })
  }

  #token() {
    return fetchDemoToken({ user: USER, groups: [] })
  }
}

/**
 * @param {string} url
 * @param {string} clientId
 * @param {(connection: MqttConnection) => Promise<string | null>} deed
 * @returns {Promise<string | null>} How it was refused, null if it was not.
 */
function attempt(url, clientId, deed) {
  return new Promise((resolve, reject) => {
    const finish = (/** @type {string | null} */ said) => {
      clearTimeout(timer)
      // Let a DISCONNECT that follows the refusal arrive before we hang up.
      setTimeout(() => connection.close(true), 200)
      resolve(said)
    }
    const timer = setTimeout(() => {
      connection.close(true)
      reject(new Error('Nobody answered.'))
    }, TIMEOUT_MS)
    const env = {
      WebSocket,
      now: () => Date.now(),
      setTimeout: (/** @type {() => void} */ fn, /** @type {number} */ ms) => setTimeout(fn, ms),
      clearTimeout: (/** @type {number} */ timer) => clearTimeout(timer)
    }
    const connection = new MqttConnection({
      ...{ url, clientId, version: '5', sessionExpiryS: 0, cleanStart: true },
      env: /** @type {import('../client/environment.js').Environment} */ (
        /** @type {unknown} */ (env)
      ),
      onOpened: () => void deed(connection).then(finish, reject),
      onDelivery: () => {},
      // After the answer that came right before it, which says more.
      onClosed: (error) => setTimeout(() => finish(closing(error)))
    })
  })
}

/** @param {Error} error @returns {string} */
function closing(error) {
  if (error instanceof NotAuthorized) return 'CONNACK 0x87, not authorized'
  if (error instanceof ConnectionLost && error.reasonCode !== undefined)
    return `DISCONNECT 0x${error.reasonCode.toString(16)}`
  return error.message
}

/**
 * @param {string} clientId
 * @param {number} since Seconds since 1970.
 * @returns {Promise<string | null>} From localaws' own record; AWS keeps none that a page may read.
 */
async function whyDenied(clientId, since) {
  try {
    const response = await fetch(`/_localaws/denials?client_id=${encodeURIComponent(clientId)}`)
    const { denials } = await response.json()
    const last = denials.filter((/** @type {{at: number}} */ it) => it.at >= since).at(-1)
    if (last === undefined) return null
    return `${last.action} on ${String(last.resource).split(':').at(-1)}: ${last.why}`
  } catch {
    return null
  }
}

/**
 * @param {boolean} isRefused
 * @param {string} by
 * @param {string} said
 * @param {string | null} why
 * @returns {Verdict}
 */
const verdict = (isRefused, by, said, why) => Object.freeze({ isRefused, by, said, why })
