/**
 * The stream, kept up: opened, read, and opened again after a pause when it ends.
 *
 * A key that is refused ends it for good; everything else may pass.
 */

/** First and longest pause before another try, ms. */
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 10_000

/**
 * @typedef {'connecting' | 'connected' | 'waiting' | 'closed'} LinkState
 * @typedef {{onEvent: (event: import('./server-sent.js').ServerSent) => void,
 *   onState: (state: LinkState) => void, onRefused: (why: string) => void}} LinkEvents
 */

export class Link {
  #gateway
  #events
  #payloads = false
  /** @type {AbortController | null} */
  #running = null

  /** @param {import('./gateway.js').Gateway} gateway @param {LinkEvents} events */
  constructor(gateway, events) {
    this.#gateway = gateway
    this.#events = events
  }

  /** @param {boolean} payloads Whether payloads are wanted; a running stream is opened anew. */
  open(payloads = this.#payloads) {
    this.#payloads = payloads
    this.#running?.abort()
    this.#running = new AbortController()
    void this.#run(this.#running.signal)
  }

  close() {
    this.#running?.abort()
    this.#running = null
    this.#events.onState('closed')
  }

  /** @param {AbortSignal} signal */
  async #run(signal) {
    let pauseMs = FIRST_PAUSE_MS
    while (!signal.aborted) {
      this.#events.onState('connecting')
      const end = await this.#gateway.stream({
        payloads: this.#payloads,
        signal,
        onEvent: (event) => {
          if (signal.aborted) return
          if (event.name === 'hello') {
            pauseMs = FIRST_PAUSE_MS
            this.#events.onState('connected')
          }
          this.#events.onEvent(event)
        }
      })
      if (signal.aborted) return
      if (isFinal(end.status)) return this.#events.onRefused(end.body.detail ?? 'refused')
      this.#events.onState('waiting')
      await new Promise((done) => setTimeout(done, pauseMs * (0.5 + Math.random() / 2)))
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
    }
  }
}

/** @param {number} status @returns {boolean} Whether the same key will be refused again. */
export function isFinal(status) {
  return status >= 400 && status < 500 && status !== 408 && status !== 429
}
