/**
 * The gateway, as this page talks to it: with the key of this tab, to its own origin.
 *
 * Nothing is thrown for an answer: a problem document is an answer like any other.
 */

import { ServerSentReader } from './server-sent.js'

/**
 * @typedef {{ok: boolean, status: number, body: Record<string, any>}} Answer
 *   status: 0 if nobody answered.
 */

/**
 * Silence after which a stream counts as dead, milliseconds. The gateway says something every
 * second, and sends a heartbeat where there is nothing to say.
 */
const SILENCE_MS = 30_000

export class Gateway {
  #key

  /** @param {string} key */
  constructor(key) {
    this.#key = key
  }

  /**
   * @param {string} method
   * @param {string} path
   * @returns {Promise<Answer>}
   */
  async call(method, path) {
    try {
      const response = await fetch(path, { method, headers: this.#headers(), cache: 'no-store' })
      return { ok: response.ok, status: response.status, body: await bodyOf(response) }
    } catch {
      return { ok: false, status: 0, body: { detail: 'The gateway did not answer.' } }
    }
  }

  /** @param {string} id @param {string} service */
  event(id, service) {
    return this.call('GET', `/v1/events/${encodeURIComponent(id)}?service=${service}`)
  }

  /** @param {string} id @param {string} service */
  resend(id, service) {
    return this.call('POST', `/v1/events/${encodeURIComponent(id)}/redeliver?service=${service}`)
  }

  /** @param {string} service @param {number} limit */
  failures(service, limit) {
    return this.call('GET', `/v1/events?status=failed&limit=${limit}&service=${service}`)
  }

  /** @param {string} id */
  client(id) {
    return this.call('GET', `/v1/clients/${encodeURIComponent(id)}`)
  }

  /** @param {string} id */
  disconnect(id) {
    return this.call('DELETE', `/v1/clients/${encodeURIComponent(id)}`)
  }

  /**
   * Read the stream until it ends.
   *
   * @param {{payloads: boolean, signal: AbortSignal,
   *   onEvent: (event: import('./server-sent.js').ServerSent) => void}} options
   * @returns {Promise<Answer>} The refusal, or status 0 where a stream that began has ended.
   */
  async stream({ payloads, signal, onEvent }) {
    const dead = new AbortController()
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let silence
    const heard = () => {
      clearTimeout(silence)
      silence = setTimeout(() => dead.abort(), SILENCE_MS)
    }
    heard()
    try {
      const response = await fetch(`/v1/stream?payloads=${payloads}`, {
        headers: this.#headers(),
        cache: 'no-store',
        signal: AbortSignal.any([signal, dead.signal])
      })
      if (!response.ok || response.body === null) {
        return { ok: false, status: response.status, body: await bodyOf(response) }
      }
      const reader = new ServerSentReader()
      const text = response.body.pipeThrough(new TextDecoderStream()).getReader()
      for (;;) {
        const { value, done } = await text.read()
        if (done) break
        heard()
        for (const event of reader.push(value)) onEvent(event)
      }
    } catch {
      // Cut off, or nobody there: the caller tries again.
    } finally {
      clearTimeout(silence)
    }
    return { ok: false, status: 0, body: {} }
  }

  #headers() {
    return { authorization: `Bearer ${this.#key}` }
  }
}

/** @param {Response} response @returns {Promise<Record<string, any>>} */
async function bodyOf(response) {
  try {
    return await response.json()
  } catch {
    return {}
  }
}
